"""The README's section "Stream from your own app" runs as it is written."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html import unescape
from pathlib import Path

import pytest

from tests.inside import shop, streams
from tests.inside.shop import WORDS
from tests.marks import EVERY_SERVER
from tests.process import threads
from tests.raw import http
from tests.readme import BLOCKS, PUBLISHING
from tests.site import SERVERS

from .project import call, new_project, served
from .reading import TRANSPORTS, Reader, sse


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a new Django project with the README's blocks put in."""
    return new_project(
        tmp_path_factory.mktemp("project"),
        {
            **BLOCKS,
            # In place of the model of the README: one that can go on for ever.
            "shop/views.py": BLOCKS["shop/views.py"] + "from tests.inside.shop import model\n",
        },
    )


@pytest.fixture(scope="module", params=[*SERVERS, "runserver"])
def address(request: pytest.FixtureRequest, project: Path) -> Iterator[tuple[str, int]]:
    """Yield the address at which each server, and `runserver`, serves the project."""
    with served(project, request.param) as (address, _pid):
        yield address


def asked(address: tuple[str, int], question: str, mount: str = "/stream") -> str:
    """Ask a question, and return the name of the answer's stream, which is at `mount`."""
    page = http.get(address, f"/ask?question={question}")
    assert page.status == 200
    source = re.search(r'<stream-output src="([^"]+)" transport="sse"', unescape(page.text))[1]
    assert source.rpartition("/")[0] == mount
    return source.rpartition("/")[2]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_is_streamed_to_its_page(address: tuple[str, int], transport: str):
    reader = Reader(asked(address, "why")).read(transport, address)
    assert reader.texts == [*WORDS, "why"]
    assert reader.state == "done"


# The options by which a server tells the project that a proxy serves it below /app.
ROOT_PATH = {
    "daphne": ("--root-path", "/app"),
    "uvicorn": ("--root-path", "/app"),
    "granian": ("--url-path-prefix", "/app"),
}


@EVERY_SERVER
def test_an_answer_is_streamed_below_a_root_path(project: Path, on: str):
    with served(project, on, *ROOT_PATH[on]) as (address, pid):
        # As behind a proxy that removes the root path from what it forwards.
        name = asked(address, "why", mount="/app/stream")
        for transport in TRANSPORTS:
            assert Reader(name).read(transport, address).texts == [*WORDS, "why"]
        if on != "uvicorn":  # Uvicorn adds the root path to each path.
            kept = http.get(address, f"/app/stream/{name}/polling")
            assert kept.json["pieces"] == [*WORDS, "why"]
        # The engine, and not Django's handler, serves a viewer.
        before = threads(pid)
        with ExitStack() as leaving:
            endless = asked(address, "endless", mount="/app/stream")
            for _ in range(20):
                texts = leaving.enter_context(closing(sse(address, endless, "0", {})))
                assert next(texts)["text"] == WORDS[0]
            assert threads(pid) < before + 10


def test_runserver_serves_the_static_files_of_the_answers_page(project: Path):
    with served(project, "runserver") as (address, _pid):
        page = http.get(address, "/ask?question=why").text
        files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        assert files
        for file in files:
            assert http.get(address, file).status == 200


@EVERY_SERVER
def test_viewers_of_an_answer_cost_no_threads(project: Path, on: str):
    with served(project, on) as (address, pid), ExitStack() as leaving:
        name = asked(address, "endless")

        def watch() -> None:
            texts = leaving.enter_context(closing(sse(address, name, "0", {})))
            assert next(texts)["text"] == WORDS[0]

        watch()
        before = threads(pid)
        for _ in range(20):
            watch()
        assert threads(pid) <= before  # A thread that served the page may end meanwhile.


@EVERY_SERVER
def test_a_live_answer_is_interrupted_when_its_server_ends(project: Path, on: str):
    with served(project, on) as (address, _pid):
        name = asked(address, "endless")
        # The reader leaves before the server ends: other tests check what a viewer sees.
        reader = Reader(name).read("polling", address, len(WORDS) + 1)
    # Viewers on other servers don't have to wait until the lease expires.
    assert call(project, streams.state, name) == "interrupted"
    with served(project, on) as (address, _pid):
        reader.read("sse", address)
    assert reader.texts == [*WORDS, "endless"]
    assert reader.state == "interrupted"


@pytest.fixture(scope="module")
def published(project: Path) -> None:
    """Run the README's example of `publish`."""
    call(project, shop.run_as_written, PUBLISHING)


def test_the_example_of_publish_runs_as_written(published: None, address: tuple[str, int]):
    answer = Reader("answer-17").read("sse", address)
    assert (answer.texts, answer.state) == ([*WORDS, "why"], "done")
    lines = Reader("import-42").read("websocket", address)
    assert (lines.text, lines.state) == ("0 done\n1 done\n2 done\n", "done")
