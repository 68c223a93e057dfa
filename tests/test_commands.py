"""The commands manage.py publish and manage.py follow, run as a shell runs them."""

import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from streamsite.streams.client import TRANSPORTS

from .inside import programs, streams
from .raw import http
from .site import ROOT, Site, SiteMaker, environment
from .waiting import PATIENCE, wait_until

Run = Callable[..., "Command"]


class Command:
    """A running manage.py command, with pipes for its input, its output and its standard error."""

    def __init__(self, site: Site, *arguments: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment({**site.env, **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.errors = b""

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for(self, sentence: str) -> None:
        """Wait until the command has written `sentence` to standard error."""
        while sentence not in self.errors.decode():
            line = self.process.stderr.readline()
            assert line, self.errors.decode()
            self.errors += line

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of the output."""
        return read_exactly(self.process.stdout, size)

    def end(self, data: bytes = b"") -> tuple[int, str, str]:
        """Write the rest of the input and close the input. Return the result of `wait`."""
        self.write(data)
        self.process.stdin.close()
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        """Wait for the end. Return the exit status, the rest of the output, and standard error."""
        self.process.stdin, stdin = (
            None,
            self.process.stdin,
        )  # communicate() would close an open input.
        output, errors = self.process.communicate(timeout=PATIENCE)
        stdin.close()
        errors = (self.errors + errors).decode()
        assert "Traceback" not in errors, errors
        return self.process.returncode, (output or b"").decode(), errors

    def kill(self) -> None:
        """Kill the command if it still runs, and close its pipes."""
        with self.process:
            self.process.kill()


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
            stack.callback(command.kill)
            return command

        yield start


@pytest.fixture
def name() -> str:
    return f"c{random.getrandbits(64):x}"


def address(site: Site, name: str) -> str:
    return f"{site.url}/stream/{name}"


def stored(site: Site, name: str) -> list[str]:
    """Return the stream's state and reason in the database."""
    return site.call(streams.state_and_reason, name)


# publish.


def test_each_line_is_published_as_it_arrives(site, run, name):
    publish = run("publish", name, "--title", "Nightly")
    publish.write(b"first\n")
    publish.wait_for("is live")
    assert f"manage.py follow {name}" in publish.errors.decode()
    follow = run("follow", address(site, name))
    assert follow.read(6) == b"first\n"
    publish.write("zwéi\n".encode()[:3])
    publish.write("zwéi\n".encode()[3:])
    assert follow.read(6) == "zwéi\n".encode()
    # An unfinished line, such as a row of dots that shows progress.
    publish.write(b"...")
    assert follow.read(3) == b"..."
    assert publish.end(b"\nlast") == (0, "", publish.errors.decode())
    assert follow.end() == (0, "\nlast", "")
    assert site.pieces(name) == ["first\n", "zwéi\n", "...", "\n", "last"]


@pytest.mark.parametrize(
    ("split", "pieces"), [("word", ["One ", "two\n"]), ("char", [*"One two\n"])]
)
def test_the_input_is_split_as_asked_for(site, run, name, split, pieces):
    assert run("publish", name, "--split", split).end(b"One two\n")[0] == 0
    assert site.pieces(name) == pieces


def test_lines_of_json_are_published_and_followed_as_values(site, run, name):
    publish = run("publish", name, "--format", "json")
    publish.write(b'{"progress": 0.5,\t"message": "\xc3\xa9\\n"}\n\n[1')
    publish.wait_for("is live")
    follow = run("follow", address(site, name), "--transport", "polling")
    first = '{"progress":0.5,"message":"é\\n"}\n'
    assert follow.read(len(first.encode())).decode() == first
    assert publish.end(b', 2]\r\n"last"')[0] == 0
    rest = '[1,2]\n"last"\n'
    assert follow.end() == (0, rest, "")
    assert run("follow", name).end() == (0, first + rest, "")
    assert run("follow", name, "--after", "latest").end() == (0, '"last"\n', "")


def test_a_line_that_is_not_json_fails_the_stream_and_is_named(site, run, name):
    status, _, errors = run("publish", name, "--format", "json").end(b'{"a":1}\n\n{"b": }\n[]\n')
    assert status == 1
    assert "Line 3: The line is not JSON at column 7: Expecting value." in errors
    assert run("follow", name).end()[:2] == (4, '{"a":1}\n')


def test_tee_copies_the_input_unchanged(site, run, name):
    data = b"\xff\0 as it came\n"
    publish = run("publish", name, "--tee")
    publish.write(data)
    assert publish.read(len(data)) == data
    status, _, errors = publish.end()
    assert status == 0
    assert "UTF-8" in errors
    assert "NUL" in errors
    assert site.pieces(name) == ["\N{REPLACEMENT CHARACTER}\N{SYMBOL FOR NULL} as it came\n"]


def test_the_stream_goes_on_when_nobody_reads_the_copy(site, run, name):
    publish = run("publish", name, "--tee")
    publish.write(b"one\n")
    publish.read(4)
    publish.process.stdout.close()
    publish.process.stdout = None
    assert publish.end(b"two\n")[0] == 0
    assert site.pieces(name) == ["one\n", "two\n"]


def to_a_full_disk(site: Site, *arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Run a command whose output can't be written. Return its exit status and standard error."""
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


def test_the_stream_goes_on_when_the_copy_cannot_be_written(site, name):
    status, errors = to_a_full_disk(site, "publish", name, "--tee", given=b"one\ntwo\n")
    assert status == 1
    assert "No space left" in errors
    assert "Traceback" not in errors
    assert site.pieces(name) == ["one\n", "two\n"]


def test_tee_copies_everything_into_a_non_blocking_pipe(site, name, tmp_path):
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
        with open(ours, "rb") as copy:  # noqa: PTH123 - a pipe
            assert copy.read() == data
        assert publish.wait(PATIENCE) == 0


def test_pieces_are_spaced_out_as_asked_for(run, name):
    publish = run("publish", name, "--every", "0.4")
    publish.wait_for("is live")
    begun = time.monotonic()
    assert publish.end(b"1\n2\n3\n4\n")[0] == 0
    assert time.monotonic() - begun >= 3 * 0.4


def test_a_file_can_be_the_input(site, run, name, tmp_path):
    path = tmp_path / "text"
    path.write_text("a\nb\n")
    with path.open("rb") as file:
        done = site.manage("publish", name, stdin=file)
    assert done.returncode == 0, done.stderr
    assert site.pieces(name) == ["a\n", "b\n"]


def test_a_long_piece_is_cut(site, run, name):
    assert run("publish", name, STREAM_MAX_PIECE_LENGTH="10").end(b"x" * 25 + b"\n")[0] == 0
    assert site.pieces(name) == ["x" * 10, "x" * 10, "x" * 5 + "\n"]


def test_a_stream_longer_than_the_limit_fails(site, run, name):
    publish = run("publish", name, STREAM_MAX_LENGTH="10")
    publish.write(b"12345\n")
    publish.wait_for("is live")
    wait_until(lambda: live_pieces(site, name), "the first line is published")
    status, _, errors = publish.end(b"67890\n")
    assert status == 1
    assert "CommandError: " in errors
    assert "The limit is 10." in errors
    state, reason = stored(site, name)
    assert state == "failed"
    assert "The limit is 10." in reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_stream(site, run, name, number):
    publish = run("publish", name)
    publish.write(b"one\ntw")
    publish.wait_for("is live")
    wait_until(
        lambda: "".join(live_pieces(site, name)) == "one\ntw",
        "the line and the unfinished line are published",
    )
    publish.process.send_signal(number)
    status, _, errors = publish.wait()
    assert status == 128 + number
    assert "nterrupted" in errors
    assert stored(site, name)[0] == "interrupted"


def live_pieces(site: Site, name: str) -> list[str]:
    return http.get(site.address, f"/stream/{name}/polling").json["pieces"]


def test_the_command_ends_when_the_stream_is_stopped(site, run, name):
    publish = run("publish", name)
    publish.write(b"one\n")
    publish.wait_for("is live")
    site.call(programs.stop_stream, name, "Enough.")
    status, _, errors = publish.wait()
    assert status == 3
    assert "stopped. Enough." in errors
    assert site.pieces(name) == ["one\n"]


def test_another_producer_can_take_over(site, run, name):
    first = run("publish", name)
    first.write(b"one\n")
    first.wait_for("is live")
    wait_until(lambda: live_pieces(site, name), "the first piece is published")
    status, _, errors = run("publish", name).end(b"no\n")
    assert status == 1
    assert "already has a producer" in errors
    assert run("publish", name, "--takeover").end(b"two\n")[0] == 0
    status, _, errors = first.wait()
    assert status == 3
    assert "taken over" in errors or "has ended" in errors
    assert site.pieces(name) == ["one\n", "two\n"]


def test_a_stream_that_nobody_watches_is_abandoned(run, name):
    publish = run("publish", name, "--abandon", "1")
    publish.write(b"one\n")
    publish.wait_for("Nobody watched for 1 s.")
    assert publish.wait()[0] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a/b"], "is not a valid stream name"),
        (["x" * 300], "is not a valid stream name"),
        (["article"], "has ended"),
        (["fresh", "--title", "x" * 201], "title"),
        (["fresh", "--owner", "nobody"], "no user named 'nobody'"),
        (["fresh", "--every", "0"], "'0' is not a number of seconds above 0"),
        (["fresh", "--abandon", "nan"], "'nan' is not a number of seconds above 0"),
        (["fresh", "--split", "page"], "page"),
    ],
)
def test_publish_explains_invalid_arguments(run, arguments, message):
    status, output, errors = run("publish", *arguments).end()
    assert status in (1, 2)
    assert message in errors
    assert not output


@pytest.mark.parametrize("arguments", [["publish", "x"], ["follow", "x"]])
def test_a_database_without_tables_is_explained(make_site: SiteMaker, run, arguments):
    status, _, errors = run(*arguments, at=make_site()).end()
    assert status == 1
    assert "migrate" in errors


# publish, with a command.


def in_shell(script: str) -> list[str]:
    """Return the words with which `publish` runs a script of the shell."""
    return ["--", "sh", "-c", script]


def test_output_and_errors_of_a_command_are_published_in_their_order(site, run, name):
    publish = run("publish", name, "--title", "Nightly", *in_shell("echo 1; echo 2 >&2; echo 3"))
    assert publish.end()[:2] == (0, "")
    assert site.pieces(name) == ["1\n", "2\n", "3\n"]
    assert stored(site, name) == ["done", ""]


def test_output_of_a_command_is_published_as_it_comes(site, run, name):
    publish = run(
        "publish", name, "--tee", *in_shell("echo one; printf ...; read line; echo $line")
    )
    assert publish.read(7) == b"one\n..."
    wait_until(
        lambda: "".join(live_pieces(site, name)) == "one\n...",
        "the line and the unfinished line are published",
    )
    # The command reads what is piped into `publish`.
    assert publish.end(b"two\n")[:2] == (0, "two\n")
    assert site.pieces(name) == ["one\n", "...", "two\n"]


def test_a_command_may_print_any_bytes(site, run, name):
    status, _, errors = run("publish", name, *in_shell(r"printf 'zw\303\251i\000\377\n'")).end()
    assert status == 0
    assert "UTF-8" in errors
    assert "NUL" in errors
    assert site.pieces(name) == ["zwéi\N{SYMBOL FOR NULL}\N{REPLACEMENT CHARACTER}\n"]


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("exit 2", 2, "The command ended with status 2."),
        # A shell that reports a signal of its own child has ended with a status.
        ("exit 137", 137, "The command ended with status 137."),
        ("kill -9 $$", 137, "The command was ended by SIGKILL."),
        ("kill -40 $$", 168, "The command was ended by signal 40."),
    ],
)
def test_a_command_that_fails_makes_the_stream_fail(site, run, name, script, status, reason):
    found, _, errors = run("publish", name, *in_shell(f"echo text; {script}")).end()
    assert found == status
    assert reason in errors
    assert stored(site, name) == ["failed", reason]
    assert site.pieces(name) == ["text\n"]


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ([], 2, "There is no command after --."),
        (["no-such-command"], 127, "There is no command 'no-such-command'."),
        (["echo word"], 127, "Write each argument as a word of its own"),
        (["./README.md"], 126, "'./README.md' is not executable."),
    ],
)
def test_without_a_command_to_run_there_is_no_stream(site, run, name, command, status, message):
    found, output, errors = run("publish", name, "--", *command).end()
    assert (found, output) == (status, "")
    assert message in errors
    assert not site.call(streams.exists, name)


def test_a_command_that_cannot_be_started_leaves_no_live_stream(site, run, name, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    status, _, errors = run("publish", name, "--", str(script)).end()
    assert status == 127
    reason = "The command could not be started: No such file or directory."
    assert reason in errors
    assert stored(site, name) == ["failed", reason]


def test_options_after_the_two_hyphens_belong_to_the_command(site, run, name):
    assert run("publish", name, "--", "printf", "%s ", "--title", "--", "-h").end()[0] == 0
    assert "".join(site.pieces(name)) == "--title -- -h "


def alive(pid: int) -> bool:
    """Return whether a process runs. One that has ended and was not waited for does not run."""
    try:
        return not re.search(r"^State:\s+Z", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except FileNotFoundError:
        return False


def pid_in(publish: Command) -> int:
    """Return the process id that the command prints as its first line."""
    line = b""
    while not line.endswith(b"\n"):
        line += publish.read(1)
    return int(line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_its_children(site, run, name, number):
    script = f"trap 'echo bye' {number:d}; sh -c 'echo $$; exec sleep 600'; echo after"
    publish = run("publish", name, "--tee", *in_shell(script))
    child = pid_in(publish)
    publish.process.send_signal(number)
    status, output, errors = publish.wait()
    assert status == 128 + number
    # Before that, the shell reports that its child was ended by a signal.
    assert output.endswith("bye\nafter\n")
    assert "nterrupted" in errors
    assert not alive(child)
    assert stored(site, name)[0] == "interrupted"
    # The last words of the command belong to its log.
    assert "".join(site.pieces(name)) == f"{child}\n{output}"


def test_a_stop_ends_the_command_and_its_children(site, run, name):
    publish = run("publish", name, "--tee", *in_shell("sh -c 'echo $$; exec sleep 600'; echo no"))
    child = pid_in(publish)
    site.call(programs.stop_stream, name, "Enough.")
    status, _, errors = publish.wait()
    assert status == 3
    assert "stopped. Enough." in errors
    assert not alive(child)
    assert site.pieces(name) == [f"{child}\n"]


@pytest.mark.parametrize("way", ["stop", "signal"])
def test_a_command_that_does_not_end_is_killed(site, run, name, way):
    # The command also fills its pipe, so that it could not even end by itself if nobody read there.
    script = "trap '' TERM; sh -c 'echo $$; exec sleep 600'; yes"
    publish = run("publish", name, "--grace", "0.5", "--tee", *in_shell(script))
    child = pid_in(publish)
    publish.process.stdout.close()
    publish.process.stdout = None
    if way == "stop":
        site.call(programs.stop_stream, name, "Enough.")
    else:
        publish.process.send_signal(signal.SIGTERM)
    status, _, errors = publish.wait()
    assert status == {"stop": 3, "signal": 143}[way]
    assert "did not end within 0.5 s" in errors
    assert not alive(child)
    assert stored(site, name)[0] == {"stop": "stopped", "signal": "interrupted"}[way]


def test_a_second_signal_kills_the_command(site, run, name):
    publish = run(
        "publish",
        *(name, "--grace", "600", "--tee"),
        *in_shell("trap 'echo no' INT; echo $$; while true; do sleep 0.1; done"),
    )
    command = pid_in(publish)
    publish.process.send_signal(signal.SIGINT)
    assert publish.read(3) == b"no\n"
    publish.process.send_signal(signal.SIGINT)
    assert publish.wait()[0] == 130
    assert not alive(command)
    assert stored(site, name)[0] == "interrupted"


@pytest.mark.parametrize("redirected", ["", ">/dev/null 2>&1"])
def test_a_process_that_outlives_its_command_is_ended(site, run, name, redirected):
    publish = run("publish", name, "--tee", *in_shell(f"sleep 600 {redirected} & echo $!"))
    child = pid_in(publish)
    assert publish.wait()[0] == 0
    assert not alive(child)
    assert site.pieces(name) == [f"{child}\n"]


def test_a_daemon_that_keeps_the_pipe_open_does_not_keep_the_stream_open(site, run, name):
    publish = run("publish", name, "--tee", *in_shell("setsid sleep 600 & echo $!"))
    child = pid_in(publish)
    try:
        assert publish.wait()[0] == 0
        assert alive(child)
    finally:
        os.kill(child, signal.SIGKILL)
    assert stored(site, name) == ["done", ""]


def test_a_command_whose_output_is_too_long_is_ended(site, run, name):
    publish = run("publish", name, *in_shell("yes"), STREAM_MAX_LENGTH="100")
    status, _, errors = publish.end()
    assert status == 1
    assert "The limit is 100." in errors
    assert stored(site, name)[0] == "failed"


# follow.


WAYS = [*TRANSPORTS, "local"]


def source(site: Site, name: str, way: str) -> list[str]:
    return [name] if way == "local" else [address(site, name), "--transport", way]


@pytest.mark.parametrize("way", WAYS)
def test_a_finished_stream_is_printed(site, run, way):
    assert run("follow", *source(site, "article", way)).end() == (0, "".join(site.pieces()), "")


@pytest.mark.parametrize("way", ["local", "chunked"])
def test_follow_can_skip_the_first_pieces(site, run, way):
    follow = run("follow", *source(site, "article", way), "--after", "100")
    assert follow.end() == (0, "".join(site.pieces()[100:]), "")


@pytest.mark.parametrize("way", ["local", "websocket"])
def test_a_live_stream_is_printed_as_it_arrives(site, run, name, way):
    publish = run("publish", name)
    publish.write("你好\n".encode())
    publish.wait_for("is live")
    # A locale without Chinese characters.
    follow = run("follow", *source(site, name, way), LC_ALL="C", PYTHONUTF8="0")
    assert follow.read(7).decode() == "你好\n"
    publish.process.send_signal(signal.SIGTERM)
    publish.wait()
    status, output, errors = follow.end()
    assert (status, output) == (5, "")
    assert "ended as interrupted" in errors


def test_each_end_state_has_an_exit_status(site, run, name):
    site.call(streams.make_one_of_each_end, name)
    for state, status in {"done": 0, "stopped": 3, "failed": 4, "interrupted": 5}.items():
        found, _, errors = run("follow", f"{name}-{state}").end()
        assert found == status
        assert ("Because." in errors) == bool(status)
    help_text = run("follow", "--help").end()[1]
    assert "4    the stream ended as failed" in help_text


@pytest.mark.parametrize("way", ["local", "polling"])
def test_a_cursor_beyond_the_end_prints_the_whole_text(site, run, way):
    status, output, errors = run("follow", *source(site, "article", way), "--after", "99999").end()
    assert (status, output) == (0, "".join(site.pieces()))
    assert "beyond the last piece" in errors
    assert "Discard the text printed so far" in errors


@pytest.mark.parametrize("way", ["local", "websocket"])
def test_follow_can_wait_for_a_stream_that_does_not_exist_yet(site, run, name, way):
    follower = run("follow", *source(site, name, way), "--wait")
    assert run("publish", name).end("你好\n".encode())[0] == 0
    assert follower.end() == (0, "你好\n", "")


# A site does not tell which private streams there are.
ABSENT = {
    "local": "CommandError: There is no stream named 'nowhere'.\n",
    "websocket": (
        "CommandError: There is no stream named 'nowhere', or it is private: log in as its owner.\n"
    ),
}


@pytest.mark.parametrize("way", ABSENT)
def test_follow_does_not_wait_for_ever(site, run, way):
    status, _, errors = run("follow", *source(site, "nowhere", way), "--wait", "0.1").end()
    assert (status, errors) == (1, ABSENT[way])


@pytest.mark.parametrize("way", ABSENT)
def test_an_unknown_name_is_refused(site, run, way):
    status, output, errors = run("follow", *source(site, "nowhere", way)).end()
    assert (status, output) == (1, "")
    assert errors == ABSENT[way]


@pytest.mark.parametrize(
    ("arguments", "message"),
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
def test_follow_explains_invalid_arguments(run, arguments, message):
    status, output, errors = run("follow", *arguments).end()
    assert status in (1, 2)
    assert message in errors
    assert not output


@pytest.mark.parametrize("way", ["local", "sse"])
def test_an_output_that_cannot_be_written_is_an_error(site, way):
    status, errors = to_a_full_disk(site, "follow", *source(site, "article", way))
    assert status == 1
    assert errors == "CommandError: Can't write to standard output: No space left on device.\n"


@pytest.mark.parametrize("way", ["local", "sse"])
def test_follow_ends_when_nobody_reads_its_output(site, run, way):
    follow = run("follow", *source(site, "article", way))
    follow.process.stdout.close()
    follow.process.stdout = None
    status, _, errors = follow.end()
    assert (status, errors) == (141, "")


@pytest.mark.parametrize("way", ["local", "sse"])
def test_ctrl_c_ends_follow(site, run, name, way):
    publish = run("publish", name)
    publish.write(b"one\n")
    publish.wait_for("is live")
    follow = run("follow", *source(site, name, way))
    follow.read(4)
    follow.process.send_signal(signal.SIGINT)
    assert follow.end() == (130, "", "")


def test_follow_survives_a_restart_of_the_server(make_site: SiteMaker, run, name, monkeypatch):
    site = make_site().start()
    publish = run("publish", name, at=site)
    publish.write(b"one\n")
    publish.wait_for("is live")
    follow = run("follow", address(site, name))
    assert follow.read(4) == b"one\n"
    site.stop()
    follow.wait_for("Connection lost")
    port = site.server.port
    monkeypatch.setattr("tests.site.free_port", lambda: port)
    publish.write(b"two\n")
    site.start()
    assert follow.read(4) == b"two\n"
    assert publish.end(b"three\n")[0] == 0
    status, output, _ = follow.end()
    assert (status, output) == (0, "three\n")
