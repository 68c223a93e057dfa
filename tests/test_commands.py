"""manage.py publish and manage.py follow, as a shell runs them."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import pytest

from streamsite.streams.client import TRANSPORTS

from .inside import programs, streams
from .raw import http
from .site import ROOT, Site, SiteMaker, environment
from .waiting import PATIENCE, wait_until

Run = Callable[..., "Command"]


class Command:
    """A manage.py command that runs, with its three pipes."""

    def __init__(self, site: Site, *arguments: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment({**site.env, **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.told = b""

    def give(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def heard(self, sentence: str) -> None:
        """Wait until it says this on standard error."""
        while sentence not in self.told.decode():
            line = self.process.stderr.readline()
            assert line, self.told.decode()
            self.told += line

    def read(self, size: int) -> bytes:
        """Return so many bytes of its output."""
        return read_exactly(self.process.stdout, size)

    def end(self, data: bytes = b"") -> tuple[int, str, str]:
        """Give it the rest of its input. Returns what `ended` does."""
        self.give(data)
        self.process.stdin.close()
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Return its exit status, the rest of its output, and all it said, once it has ended."""
        self.process.stdin, stdin = None, self.process.stdin  # Left open, if it is.
        output, told = self.process.communicate(timeout=PATIENCE)
        stdin.close()
        told = (self.told + told).decode()
        assert "Traceback" not in told, told
        return self.process.returncode, (output or b"").decode(), told


def read_exactly(file: IO[bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(file.fileno(), size - len(data))
        assert part, data
        data += part
    return data


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    """Start a manage.py command beside the shared site."""
    with ExitStack() as stack:

        def start(*arguments: str, at: Site = site, **env: str) -> Command:
            command = Command(at, *arguments, **env)
            stack.callback(command.process.wait)
            stack.callback(command.process.kill)
            return command

        yield start


@pytest.fixture
def name() -> str:
    return f"c{random.getrandbits(64):x}"


def address(site: Site, name: str) -> str:
    return f"{site.url}/stream/{name}"


def standing(site: Site, name: str) -> list[str]:
    """Return a stream's state and reason, as the database has them."""
    return site.call(streams.state_and_reason, name)


# publish.


def test_each_line_is_published_as_it_comes(site, run, name):
    publish = run("publish", name, "--title", "Nightly")
    publish.give(b"first\n")
    publish.heard("is live")
    assert f"manage.py follow {name}" in publish.told.decode()
    follow = run("follow", address(site, name))
    assert follow.read(6) == b"first\n"
    publish.give("zwéi\n".encode()[:3])
    publish.give("zwéi\n".encode()[3:])
    assert follow.read(6) == "zwéi\n".encode()
    # A line that nobody ends yet, such as a row of dots.
    publish.give(b"...")
    assert follow.read(3) == b"..."
    assert publish.end(b"\nlast") == (0, "", publish.told.decode())
    assert follow.end() == (0, "\nlast", "")
    assert site.pieces(name) == ["first\n", "zwéi\n", "...", "\n", "last"]


@pytest.mark.parametrize(
    ("split", "pieces"), [("word", ["One ", "two\n"]), ("char", [*"One two\n"])]
)
def test_other_splits_are_offered(site, run, name, split, pieces):
    assert run("publish", name, "--split", split).end(b"One two\n")[0] == 0
    assert site.pieces(name) == pieces


def test_the_input_is_echoed_unchanged_when_asked_for(site, run, name):
    data = b"\xff\0 as it came\n"
    publish = run("publish", name, "--tee")
    publish.give(data)
    assert publish.read(len(data)) == data
    status, _, told = publish.end()
    assert status == 0
    assert "UTF-8" in told
    assert "NUL" in told
    assert site.pieces(name) == ["\N{REPLACEMENT CHARACTER}\N{SYMBOL FOR NULL} as it came\n"]


def test_the_echo_may_lose_its_reader(site, run, name):
    publish = run("publish", name, "--tee")
    publish.give(b"one\n")
    publish.read(4)
    publish.process.stdout.close()
    publish.process.stdout = None
    assert publish.end(b"two\n")[0] == 0
    assert site.pieces(name) == ["one\n", "two\n"]


def to_a_full_disk(site: Site, *arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Run a command whose output can't be written. Returns its exit status and what it told."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(site.env),
            input=given,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    return done.returncode, done.stderr.decode()


def test_an_echo_that_cannot_be_written_is_told_and_the_stream_goes_on(site, name):
    status, told = to_a_full_disk(site, "publish", name, "--tee", given=b"one\ntwo\n")
    assert status == 1
    assert "No space left" in told
    assert "Traceback" not in told
    assert site.pieces(name) == ["one\n", "two\n"]


def test_an_echo_into_a_pipe_that_does_not_block_is_whole(site, name, tmp_path):
    data = b"0123456789abcde\n" * 16_384
    path = tmp_path / "text"
    path.write_bytes(data)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with (
        path.open("rb") as text,
        subprocess.Popen(
            [sys.executable, "manage.py", "publish", name, "--tee"],
            cwd=ROOT,
            env=environment(site.env),
            stdin=text,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        ) as publish,
    ):
        wait_until(lambda: not select.select([], [theirs], [], 0)[1], "the pipe is full")
        os.close(theirs)
        with open(ours, "rb") as echo:  # noqa: PTH123 - a pipe
            assert echo.read() == data
        assert publish.wait(PATIENCE) == 0


def test_a_pace_is_kept(run, name):
    publish = run("publish", name, "--every", "0.4")
    publish.heard("is live")
    begun = time.monotonic()
    assert publish.end(b"1\n2\n3\n4\n")[0] == 0
    assert time.monotonic() - begun >= 3 * 0.4


def test_a_file_is_an_input_too(site, run, name, tmp_path):
    path = tmp_path / "text"
    path.write_text("a\nb\n")
    with path.open("rb") as file:
        done = site.manage("publish", name, stdin=file)
    assert done.returncode == 0, done.stderr
    assert site.pieces(name) == ["a\n", "b\n"]


def test_a_piece_too_long_is_cut(site, run, name):
    assert run("publish", name, STREAM_MAX_PIECE_LENGTH="10").end(b"x" * 25 + b"\n")[0] == 0
    assert site.pieces(name) == ["x" * 10, "x" * 10, "x" * 5 + "\n"]


def test_a_stream_too_long_fails_and_says_so(site, run, name):
    publish = run("publish", name, STREAM_MAX_LENGTH="10")
    publish.give(b"12345\n")
    publish.heard("is live")
    status, _, told = publish.end(b"67890\n")
    assert status == 1
    assert "CommandError: " in told
    assert "10 characters" in told
    state, reason = standing(site, name)
    assert state == "failed"
    assert "10 characters" in reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_stream(site, run, name, number):
    publish = run("publish", name)
    publish.give(b"one\ntw")
    publish.heard("is live")
    wait_until(lambda: "".join(live_pieces(site, name)) == "one\ntw", "both are there")
    publish.process.send_signal(number)
    status, _, told = publish.ended()
    assert status == 128 + number
    assert "nterrupted" in told
    assert standing(site, name)[0] == "interrupted"


def live_pieces(site: Site, name: str) -> list[str]:
    return http.get(site.address, f"/stream/{name}/polling").json["pieces"]


def test_stopping_it_ends_the_publisher_and_closes_its_input(site, run, name):
    publish = run("publish", name)
    publish.give(b"one\n")
    publish.heard("is live")
    site.call(programs.stop_stream, name, "Enough.")
    status, _, told = publish.ended()
    assert status == 3
    assert "stopped. Enough." in told
    assert site.pieces(name) == ["one\n"]


def test_another_producer_may_take_over(site, run, name):
    first = run("publish", name)
    first.give(b"one\n")
    first.heard("is live")
    wait_until(lambda: live_pieces(site, name), "the first piece is there")
    status, _, told = run("publish", name).end(b"no\n")
    assert status == 1
    assert "has a producer already" in told
    assert run("publish", name, "--takeover").end(b"two\n")[0] == 0
    status, _, told = first.ended()
    assert status == 3
    assert "taken over" in told or "has ended" in told
    assert site.pieces(name) == ["one\n", "two\n"]


def test_a_stream_that_nobody_watches_is_abandoned(run, name):
    publish = run("publish", name, "--abandon", "1")
    publish.give(b"one\n")
    publish.heard("Nobody watched for 1 s.")
    assert publish.ended()[0] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a/b"], "can't name a stream"),
        (["x" * 300], "can't name a stream"),
        (["article"], "has ended"),
        (["fresh", "--title", "x" * 201], "title"),
        (["fresh", "--owner", "nobody"], "no user named 'nobody'"),
        (["fresh", "--every", "0"], "'0' is not a number of seconds above 0"),
        (["fresh", "--abandon", "nan"], "'nan' is not a number of seconds above 0"),
        (["fresh", "--split", "page"], "page"),
    ],
)
def test_what_cannot_be_published_is_refused_in_a_sentence(run, arguments, words):
    status, output, told = run("publish", *arguments).end()
    assert status in (1, 2)
    assert words in told
    assert not output


@pytest.mark.parametrize("arguments", [["publish", "x"], ["follow", "x"]])
def test_a_database_without_tables_is_named(make_site: SiteMaker, run, arguments):
    status, _, told = run(*arguments, at=make_site()).end()
    assert status == 1
    assert "migrate" in told


# follow.


WAYS = [*TRANSPORTS, "local"]


def source(site: Site, name: str, way: str) -> list[str]:
    return [name] if way == "local" else [address(site, name), "--transport", way]


@pytest.mark.parametrize("way", WAYS)
def test_a_finished_stream_is_printed(site, run, way):
    assert run("follow", *source(site, "article", way)).end() == (0, "".join(site.pieces()), "")


@pytest.mark.parametrize("way", ["local", "chunked"])
def test_the_first_pieces_may_be_skipped(site, run, way):
    follow = run("follow", *source(site, "article", way), "--after", "100")
    assert follow.end() == (0, "".join(site.pieces()[100:]), "")


@pytest.mark.parametrize("way", ["local", "websocket"])
def test_a_live_stream_is_printed_as_it_comes_and_ends_as_it_does(site, run, name, way):
    publish = run("publish", name)
    publish.give("你好\n".encode())
    publish.heard("is live")
    # A locale that knows no Chinese.
    follow = run("follow", *source(site, name, way), LC_ALL="C", PYTHONUTF8="0")
    assert follow.read(7).decode() == "你好\n"
    publish.process.send_signal(signal.SIGTERM)
    publish.ended()
    status, output, told = follow.end()
    assert (status, output) == (5, "")
    assert "ended as interrupted" in told


def test_each_state_has_a_status(site, run, name):
    site.call(streams.make_one_of_each_end, name)
    for state, status in {"done": 0, "stopped": 3, "failed": 4, "interrupted": 5}.items():
        found, _, told = run("follow", f"{name}-{state}").end()
        assert found == status
        assert ("Because." in told) == bool(status)
    help_text = run("follow", "--help").end()[1]
    assert "4    the stream ended as failed" in help_text


@pytest.mark.parametrize("way", ["local", "polling"])
def test_a_cursor_beyond_the_end_brings_the_text_anew(site, run, way):
    status, output, told = run("follow", *source(site, "article", way), "--after", "99999").end()
    assert (status, output) == (0, "".join(site.pieces()))
    assert "beyond the end" in told
    assert "no longer counts" in told


@pytest.mark.parametrize("way", ["local", "websocket"])
def test_a_stream_that_is_not_there_is_refused(site, run, way):
    status, output, told = run("follow", *source(site, "nowhere", way)).end()
    assert (status, output) == (1, "")
    assert told == "CommandError: There is no stream named 'nowhere'.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x", "--transport", "sse"], "address"),
        (["http://localhost/stream/x", "--transport", "local"], "name"),
        (["ftp://localhost/x"], "is not a stream's address"),
        (["http://:80/x"], "is not a stream's address"),
        (["http://a..b/x", "--transport", "websocket"], "is not a stream's address"),
        ([f"http://{'a' * 64}.example/x"], "is not a stream's address"),
        (["x", "--after", "abc"], "is not valid"),
        (["x", "--header", "nonsense"], "Name: value"),
        (["x", "--patience", "nan"], "seconds"),
        (["http://127.0.0.1:1/stream/x", "--patience", "0.5"], "doesn't answer"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_a_sentence(run, arguments, words):
    status, output, told = run("follow", *arguments).end()
    assert status in (1, 2)
    assert words in told
    assert not output


@pytest.mark.parametrize("way", ["local", "sse"])
def test_a_text_that_cannot_be_written_is_an_error(site, way):
    status, told = to_a_full_disk(site, "follow", *source(site, "article", way))
    assert status == 1
    assert told == "CommandError: Standard output can't be written (No space left on device).\n"


@pytest.mark.parametrize("way", ["local", "sse"])
def test_a_reader_that_leaves_ends_it(site, run, way):
    follow = run("follow", *source(site, "article", way))
    follow.process.stdout.close()
    follow.process.stdout = None
    status, _, told = follow.end()
    assert (status, told) == (141, "")


@pytest.mark.parametrize("way", ["local", "sse"])
def test_ctrl_c_ends_it(site, run, name, way):
    publish = run("publish", name)
    publish.give(b"one\n")
    publish.heard("is live")
    follow = run("follow", *source(site, name, way))
    follow.read(4)
    follow.process.send_signal(signal.SIGINT)
    assert follow.end() == (130, "", "")


def test_it_survives_the_servers_restart(make_site: SiteMaker, run, name, monkeypatch):
    site = make_site().start()
    publish = run("publish", name, at=site)
    publish.give(b"one\n")
    publish.heard("is live")
    follow = run("follow", address(site, name))
    assert follow.read(4) == b"one\n"
    site.stop()
    follow.heard("Connection lost")
    port = site.server.port
    monkeypatch.setattr("tests.site.free_port", lambda: port)
    publish.give(b"two\n")
    site.start()
    assert follow.read(4) == b"two\n"
    assert publish.end(b"three\n")[0] == 0
    status, output, _ = follow.end()
    assert (status, output) == (0, "three\n")
