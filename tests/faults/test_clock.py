"""The wall clock jumps: streams, viewers and producers go by clocks that don't."""

import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from streamsite.streams.writing.moments import LONGEST
from tests.commands.command import Command
from tests.inside import streams, users
from tests.raw import http, websocket
from tests.site import Site, SiteMaker
from tests.waiting import wait_until

DAYS = 24 * 3600


class ClockedSite:
    """A site whose processes share a wall clock that the test moves. Monotonic clocks stay."""

    def __init__(self, make_site: SiteMaker, folder: Path) -> None:
        if not (compiler := shutil.which("cc")):
            pytest.skip("There is no C compiler: on Debian, `apt-get install gcc`.")
        source, library = Path(__file__).with_name("wallclock.c"), folder / "wallclock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        self._file = folder / "clock"
        self.jump(0)
        self.site: Site = make_site(LD_PRELOAD=str(library), WALLCLOCK=str(self._file)).start()
        self.token = self.site.call(users.make_token, "publisher")

    def jump(self, seconds: int) -> None:
        """Set the clock to so many seconds after the true time."""
        # A new file takes the old one's place at once: no process reads half of it.
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        fresh.rename(self._file)

    def publish(self, name: str, **body: object) -> http.Response:
        return http.ask(
            self.site.address,
            f"/stream/{name}/pieces",
            method="POST",
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            body=json.dumps(body).encode(),
        )

    def has(self, name: str, text: str) -> bool:
        """Return whether a piece of a live stream was published."""
        answer = http.get(self.site.address, f"/stream/{name}/polling")
        return answer.status == 200 and text in answer.json["pieces"]

    def state(self, name: str) -> str:
        return http.get(self.site.address, f"/stream/{name}/polling").json["state"]


@pytest.fixture
def clocked(make_site: SiteMaker, tmp_path: Path) -> ClockedSite:
    return ClockedSite(make_site, tmp_path)


def test_streams_published_over_http_outlive_a_jump_of_two_days(clocked: ClockedSite):
    assert clocked.publish("leap", pieces=["before "]).status == 202
    with http.Connection(clocked.site.address) as viewer:
        viewer.send("/stream/leap/events")
        http.read_head(viewer.file)
        # Its producer never comes. Its end shows that the site still looks for dead producers.
        clocked.site.call(streams.reserve, "awaited", None, 5)
        clocked.jump(2 * DAYS)
        wait_until(lambda: clocked.state("awaited") == "interrupted", "the reservation is over")
        assert clocked.state("leap") == "live"
        assert clocked.publish("leap", pieces=["after"], end="done").status == 202
        events = b"".join(chunk for chunk, _ in http.read_chunks(viewer.file))
    assert b"before " in events
    assert b"after" in events
    assert b'"end":"done"' in events


def test_a_replay_neither_stalls_nor_hurries_after_a_jump(clocked: ClockedSite):
    began = time.monotonic()
    assert clocked.publish("replayed", pieces=["before "]).status == 202
    for number, jump in enumerate((2 * DAYS, -2 * DAYS, 0)):
        clocked.jump(jump)
        assert clocked.publish("replayed", pieces=[f"{number} "]).status == 202
    assert clocked.publish("replayed", pieces=["after"], end="done").status == 202
    passed = 1000 * (time.monotonic() - began)
    times = clocked.site.call(streams.times, "replayed")
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < passed
    answer = http.get(clocked.site.address, "/stream/replayed/chunked?pace=recorded")
    assert answer.body == b"before 0 1 2 after"


def test_a_replay_does_not_stall_where_a_producer_took_over_after_a_jump(clocked: ClockedSite):
    with ExitStack() as stack:

        def publish(*options: str) -> Command:
            command = Command(clocked.site, "publish", "taken", *options)
            stack.callback(command.kill)
            return command

        began = time.monotonic()
        first = publish()
        first.write(b"before\n")
        wait_until(lambda: clocked.has("taken", "before\n"), "the first piece is published")
        clocked.jump(2 * DAYS)
        wait_until(lambda: clocked.site.call(streams.leased, "taken"), "the lease is renewed")
        assert publish("--takeover").end(b"after\n")[0] == 0
        passed = 1000 * (time.monotonic() - began)
    # Where the wall clock is all that a process knows, a pause counts as at most a minute.
    assert clocked.site.call(streams.times, "taken")[-1] < passed + LONGEST * 1000


def test_a_clock_that_is_set_back_keeps_no_dead_producer_alive(clocked: ClockedSite):
    clocked.site.call(streams.reserve, "awaited", None, 5)
    with http.Connection(clocked.site.address) as viewer:  # The site looks after its streams.
        viewer.send("/stream/awaited/events")
        http.read_head(viewer.file)
        clocked.jump(-2 * DAYS)
        wait_until(lambda: clocked.state("awaited") == "interrupted", "the reservation is over")


def test_a_websocket_and_half_a_request_outlive_a_jump_of_two_days(clocked: ClockedSite):
    assert clocked.publish("leap-ws", pieces=["before "]).status == 202
    with (
        websocket.connect(clocked.site.address, "/stream/leap-ws/ws") as viewer,
        http.Connection(clocked.site.address) as slow,
    ):
        assert "before" in viewer.read_text()
        slow.socket.sendall(b"GET /healthz HTTP/1.1\r\n")
        clocked.jump(2 * DAYS)
        assert clocked.state("leap-ws") == "live"
        slow.socket.sendall(b"Host: localhost\r\n\r\n")
        assert http.read_response(slow.file).status == 200
        # Daphne looks at its connections every two seconds, and the reservation ends after that.
        clocked.site.call(streams.reserve, "awaited-ws", None, 5)
        wait_until(lambda: clocked.state("awaited-ws") == "interrupted", "the reservation is over")
        assert clocked.publish("leap-ws", pieces=["after"], end="done").status == 202
        texts = [frame for frame in viewer.frames() if frame.opcode == websocket.TEXT]
        assert any("after" in frame.text for frame in texts)
