"""The guide's blocks of code run as they are written, in a project made of the guide's files.

Left out, and only compiled by tests/unit/test_guide.py, are the blocks without a mark: they show a
part of a file, or commands that start servers. The block for django.tasks runs on Django 6 alone.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from playwright.async_api import expect

from tests.browser import chromium, page_at
from tests.guide import Block, blocks, running
from tests.inside import shop, users
from tests.ports import HOST, free_port
from tests.raw import http
from tests.site import ROOT, environment
from tests.waiting import PATIENCE, wait_until

from .project import answers, call, new_project, run, served
from .reading import TRANSPORTS, Reader

BUILD = ["one\n", "二\n", "three\n"]
TEXT = "".join(BUILD)
PUBLISH_BUILD = f"""
from streamsite.streams import publish
with publish("build") as stream:
    for text in {BUILD!r}:
        stream.write(text)
"""
# What the guide leaves to its reader: the URLs of the further views, and a Celery without a broker.
LEFT_OUT = {
    "shop/urls.py": """
from . import imports, loop, orders, visibility

urlpatterns += [
    path("private", visibility.private_answer),
    path("import", imports.start_import),
    path("orders", orders.orders),
    path("loop", loop.answer),
]
""",
    "shop/__init__.py": """
from celery import Celery

Celery("shop", set_as_current=True).conf.task_always_eager = True
""",
}
# The output of each block for a shell, as a pattern. The first key that the block contains counts.
OUTPUTS = {
    "x-ndjson": r'{"n":0,"text":"one\\n"}\n(.*\n)*{"end":"done","n":3,"sha256":"[0-9a-f]{64}"}\n',
    "build/chunked": re.escape(TEXT),
    "build/events": r'(?s)retry: 1000\n\nid: 2\ndata: {"n":1,.*event: end\n.*',
    "build/polling": r'{"pieces":\["one\\n",.*"after":3,"state":"done","sha256":"\w+"}',
    "manage.py follow": re.escape(TEXT * 2),
    "script -qefc": "",
    "manage.py publish": r"(?s)GNU Make .*",
    "Bearer": r'{"after": 2, "state": "done"}',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Django project made of the guide's files, with the stream `build`."""
    # The page about the app comes first: it has the settings that other pages add to.
    # The page about the chat makes a project of its own: see tests/chat/test_guide.py.
    pages = [block for block in blocks() if block.topic != "chat"]
    found = sorted(pages, key=lambda block: block.topic != "own-app")
    files: dict[str, str] = {}
    for block in found:
        if block.file:
            files[block.file] = files.get(block.file, "") + block.code
    for name, text in LEFT_OUT.items():
        files[name] = files.get(name, "") + text
    folder = new_project(tmp_path_factory.mktemp("guide"), files)
    call(folder, shop.run_as_written, PUBLISH_BUILD)
    return folder


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[tuple[str, int]]:
    with served(project, "runserver") as (address, _pid):
        yield address


@pytest.fixture(scope="module")
def here(address: tuple[str, int]) -> str:
    return "http://{}:{}".format(*address)


def named(block: Block) -> str:
    return f"{block.topic}-{running(block.run).index(block)}"


# The files.


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_is_streamed_to_its_page(address: tuple[str, int], transport: str):
    page = http.get(address, "/ask?question=why").text
    name = re.search(r'<stream-output src="/stream/(\w+)"', page)[1]
    assert Reader(name).read(transport, address).texts == ["You ", "asked: ", "why"]


def test_a_private_answer_is_refused_to_others(address: tuple[str, int]):
    name = http.get(address, "/private?question=why").json["name"]
    assert http.get(address, f"/stream/{name}/polling").status == 404


def test_an_import_is_reserved_and_then_published_by_a_task(address: tuple[str, int]):
    name = http.get(address, "/import").json["name"]
    assert Reader(name).read("sse", address).texts == ["first done\n", "second done\n"]


@pytest.mark.skipif(django.VERSION < (6,), reason="django.tasks came with Django 6")
def test_a_django_task_publishes(project: Path, address: tuple[str, int]):
    enqueue = """
from shop.background import build
from streamsite.streams import reserve
build.enqueue(reserve("task").name)
"""
    call(project, shop.run_as_written, enqueue)
    assert Reader("task").read("sse", address).texts[-1] == "make link\n"


async def test_the_progress_of_a_celery_task_is_shown(here: str):
    # The console has a 404, because the project has no icon.
    async with chromium() as browser, page_at(browser, f"{here}/orders", calm=False) as page:
        bar = page.get_by_role("progressbar", name="Import of the orders")
        await expect(bar).to_have_js_property("value", 1)
        await expect(page.locator("stream-progress")).to_contain_text("Order 19")


@pytest.mark.skipif(django.VERSION < (6,), reason="django.tasks came with Django 6")
def test_the_progress_of_a_django_task_is_published(project: Path, address: tuple[str, int]):
    enqueue = """
from shop.background import import_orders_in_background
from streamsite.streams import reserve
stream = reserve("orders", format="json")
import_orders_in_background.enqueue(stream.name, [17, 18, 19])
"""
    call(project, shop.run_as_written, enqueue)
    values = http.get(address, "/stream/orders/polling").json["pieces"]
    assert values[-1] == {"progress": 1, "message": "Order 19"}
    assert [value["message"] for value in values] == ["Order 17", "Order 18", "Order 19"]


def test_a_loop_in_a_view_streams(address: tuple[str, int]):
    assert http.get(address, "/loop?question=why").text == "You asked: why"


def test_the_settings_and_the_storage_for_production_can_be_imported(project: Path):
    modules = "import shop.production, shop.embedded, shop.storage"
    call(project, shop.run_as_written, modules)


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "test"],
        ["-m", "pytest", "-p", "no:playwright", "--ds=shop.settings", "-c", os.devnull, "."],
    ],
    ids=["manage.py", "pytest"],
)
def test_the_tests_of_the_guide_pass(project: Path, command: list[str]):
    run(project, *command)


# The blocks that run.


@pytest.mark.parametrize("block", running("django"), ids=named)
def test_a_block_runs_inside_the_project(project: Path, block: Block):
    # Some blocks need the stream "build", and one deletes old streams.
    call(project, shop.run_as_written, block.code)


@pytest.mark.parametrize("block", running("python"), ids=named)
def test_a_program_reads_from_the_project(here: str, block: Block):
    done = subprocess.run(
        [sys.executable, "-c", block.code.replace("http://localhost:8000", here)],
        env=environment({"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout.decode() == f"{TEXT}The stream ended as done.\n"


@pytest.mark.parametrize("block", running("shell"), ids=named)
def test_a_shell_runs_the_commands(project: Path, here: str, block: Block):
    expected = next(pattern for part, pattern in OUTPUTS.items() if part in block.code)
    programs = [
        name for name in ("curl", "make", "script") if re.search(rf"\b{name} -", block.code)
    ]
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"There is no {program} on the PATH.")
    token = call(project, users.make_token, block.code)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code.replace("http://localhost:8000", here)],
        cwd=project,
        env=environment({"PATH": path, "PYTHONPATH": str(ROOT), "TOKEN": token}),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert re.fullmatch(expected, done.stdout.decode())


@pytest.mark.parametrize("block", running("javascript"), ids=named)
async def test_a_page_reads_from_the_project(here: str, block: Block):
    # The console has a 404, because the project has no icon.
    address = f"{here}/ask?question=why"
    async with chromium() as browser, page_at(browser, address, calm=False) as page:
        await page.set_content("<output></output>")
        await page.add_script_tag(type="module", content=block.code)
        await page.wait_for_function(
            "text => document.querySelector('output').textContent === text", arg=TEXT
        )


@pytest.mark.skipif(shutil.which("nginx") is None, reason="There is no nginx on the PATH.")
@pytest.mark.parametrize("block", running("nginx"), ids=named)
def test_nginx_passes_every_transport_on(
    project: Path, address: tuple[str, int], tmp_path: Path, block: Block
):
    proxy = HOST, free_port()
    server = block.code.replace("127.0.0.1:8000", "{}:{}".format(*address))
    server = server.replace("listen 80;", "listen {}:{};".format(*proxy))
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid;\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{server}}}\n"
    )
    log = tmp_path / "error.log"
    nginx = subprocess.Popen(["nginx", "-e", log, "-c", configuration, "-p", tmp_path])
    try:
        wait_until(lambda: answers(proxy) or nginx.poll() is not None, "nginx answers")
        assert nginx.poll() is None, log.read_text()
        for transport in TRANSPORTS:
            assert Reader("build").read(transport, proxy).texts == BUILD
    finally:
        nginx.terminate()
        nginx.wait(PATIENCE)
