"""The reference deployment: nginx with TLS and HTTP/2, two processes, PostgreSQL and Valkey."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import astuple, dataclass

import pytest

from tests.engine.people import Person, introduce
from tests.engine.publisher import Publisher
from tests.engine.reading import TRANSPORTS
from tests.engine.test_contract import (
    FORMATS,
    Plan,
    check_stopped,
    check_whole,
    large,
    long,
    readers_of,
)
from tests.engine.test_faults import texts, texts_of
from tests.raw import http
from tests.site import Server
from tests.waiting import wait_until

from .deployment import Deployment


@dataclass(frozen=True)
class SecurePerson(Person):
    """A user whose browser sends the forms with TLS, where Django demands a Referer."""

    referer: str = ""

    @property
    def form(self) -> Mapping[str, str]:
        return {**super().form, "Referer": self.referer}


@pytest.fixture
def readers(deployment: Deployment, at_once: ThreadPoolExecutor):
    return readers_of(deployment, at_once)


@pytest.fixture(scope="module")
def publisher(deployment: Deployment) -> Iterator[Publisher]:
    publisher = Publisher(deployment.site.env)
    yield publisher
    publisher.kill()


@pytest.fixture(scope="module")
def people(deployment: Deployment, publisher: Publisher) -> dict[str, Person]:
    return {
        name: SecurePerson(*astuple(person), f"{deployment.url}/")
        for name, person in introduce(publisher).items()
    }


@pytest.fixture(scope="module")
def at_once() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


# The contract, which tests/engine/test_contract.py states for every server and back end.


@FORMATS
@pytest.mark.parametrize("plan", [long, large])
def test_every_reader_gets_exactly_the_pieces_through_nginx(
    publisher: Publisher, readers, plan: Callable[[str], Plan], format: str
):
    check_whole(plan(format), publisher, readers, "done")


def test_every_reader_of_a_stopped_stream_gets_the_same_pieces_through_nginx(
    deployment: Deployment, publisher: Publisher, people: dict[str, Person], readers
):
    check_stopped(long("text"), publisher, readers, deployment, people["staff"])


# TLS, HTTP/2, and a process that dies.


def test_pages_come_over_http_2_and_plain_http_leads_to_them(deployment: Deployment):
    nginx = deployment.nginx
    modern = nginx.address._replace(tls=nginx.certificate.client("h2", "http/1.1"))
    with http.Connection(modern) as connection:
        assert connection.socket.selected_alpn_protocol() == "h2"
    page = http.get(nginx.address, "/en/")
    assert page.status == 200
    assert "max-age" in page.headers["strict-transport-security"]
    plain = http.get(nginx.plain_address, "/en/")
    assert (plain.status, plain.headers["location"]) == (301, "https://127.0.0.1/en/")
    # The figures of a process are not for everyone.
    assert http.get(nginx.address, "/metrics").status == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="There is no curl on the PATH.")
def test_a_stream_comes_over_http_2(deployment: Deployment, publisher: Publisher):
    source = publisher.open()
    address = f"{deployment.url}/stream/{source.name}/events"
    command = ["curl", "-sN", "--http2", "--cacert", deployment.nginx.certificate.authority]
    with subprocess.Popen([*command, "-D", "-", address], stdout=subprocess.PIPE) as curl:
        assert curl.stdout.readline().startswith(b"HTTP/2 200")
        for text in texts(0, 3):
            source.write(text)
            # Each piece comes before the next is written.
            while text.strip().encode() not in curl.stdout.readline():
                assert curl.poll() is None
        source.end()
        assert b"event: end" in curl.stdout.read()
    assert curl.returncode == 0


async def test_viewers_go_on_when_one_of_the_two_processes_is_killed(
    deployment: Deployment, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(deployment.nginx.certificate.authority))
    source = publisher.open()
    got: list[list[str]] = [[] for _ in range(5) for _ in TRANSPORTS]

    async def read(transport: str, into: list[str]) -> None:
        url = f"{deployment.url}/stream/{source.name}"
        async for text in texts_of(url, transport):
            into.append(text)  # noqa: PERF401 - all pieces are awaited while this goes on

    def all_have(count: int) -> None:
        wait_until(lambda: all(len(each) == count for each in got), f"all have {count} pieces")

    victim = deployment.site.servers[0]
    async with asyncio.TaskGroup() as reading:
        for number, into in enumerate(got):
            reading.create_task(read([*TRANSPORTS][number % 4], into))
        await asyncio.to_thread(source.write, *texts(0, 10))
        await asyncio.to_thread(all_have, 10)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(source.write, *texts(10, 20))
        await asyncio.to_thread(all_have, 20)
        # The process comes back at its address, and takes new viewers.
        await asyncio.to_thread(victim.launch, victim.port)
        await asyncio.to_thread(victim.ready)
        await asyncio.to_thread(source.end)
    assert got == [texts(0, 20)] * len(got)


def drain(process: Server) -> None:
    """Tell a process that has a viewer to end, and wait until it takes no new viewers."""
    process.send(signal.SIGTERM)
    wait_until(lambda: http.get(process.address, "/readyz").status == 503, "the process drains")


def test_new_viewers_do_not_meet_the_process_that_is_told_to_end(
    deployment: Deployment, publisher: Publisher
):
    source = publisher.open()
    source.write("first ")
    victim = deployment.site.servers[1]
    with http.Connection(victim.address) as held:
        # As nginx asks. The process goes on for this viewer.
        target = f"/stream/{source.name}/chunked"
        held.send(target, headers={"X-Forwarded-Proto": "https"})
        assert http.read_head(held.file).status == 200
        drain(victim)
        for _ in range(20):
            polled = http.get(deployment.address, f"/stream/{source.name}/polling")
            assert (polled.status, polled.json["pieces"]) == (200, ["first "])
        source.write("second ")
        source.end()
        chunks = [data for data, _wire in http.read_chunks(held.file)]
        assert b"".join(chunks) == b"first second "
    assert victim.wait() == 0
    victim.launch(victim.port)
    victim.ready()


def test_a_restart_of_one_process_after_the_other_refuses_no_viewer(
    deployment: Deployment, publisher: Publisher
):
    source = publisher.open()
    source.write("first ")
    poll = f"/stream/{source.name}/polling"

    def is_served() -> bool:
        polled = http.get(deployment.address, poll)
        assert polled.status == 200, f"{polled}\n{deployment.nginx.log}"
        return True

    def restart(process: Server) -> None:
        process.send(signal.SIGTERM)
        wait_until(lambda: is_served() and not process.running, "the process has ended")
        process.launch(process.port)
        # nginx meets refused connections until the process is ready.
        wait_until(lambda: is_served() and process.alive(), "the process is ready")

    first, second = deployment.site.servers
    restart(first)
    restart(second)
    source.end()


def test_viewers_are_told_when_to_come_back_while_both_processes_end(
    deployment: Deployment, publisher: Publisher
):
    source = publisher.open()
    source.write("first ")
    path = f"/stream/{source.name}"
    with ExitStack() as stack:
        for process in deployment.site.servers:
            held = stack.enter_context(http.Connection(process.address))
            held.send(f"{path}/chunked", headers={"X-Forwarded-Proto": "https"})
            assert http.read_head(held.file).status == 200
            drain(process)
        for _ in range(3):
            refused = http.get(deployment.address, f"{path}/polling")
            assert refused.status == 503
            assert int(refused.headers["retry-after"]) > 0
        source.end()
    for process in deployment.site.servers:
        assert process.wait() == 0
        process.launch(process.port)
        process.ready()
