"""manage.py publish with a command: what it prints, how it ends, and its children."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.inside import programs, streams
from tests.waiting import wait_until

from .command import Command, live_pieces, stored


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


@pytest.mark.parametrize(
    "words", [["make", "-j2"], ["--title", "Nightly", "make"], ["make", "--title", "Nightly"]]
)
def test_a_command_without_the_two_hyphens_is_refused_by_a_sentence_that_names_them(
    site, run, name, words
):
    status, output, errors = run("publish", name, *words).end()
    assert (status, output) == (2, "")
    assert f"Write -- before a command: manage.py publish {name} -- make" in errors
    assert not site.call(streams.exists, name)


def test_an_option_that_does_not_exist_is_named(run, name):
    status, _, errors = run("publish", name, "--titel", "Nightly").end()
    assert status == 2
    assert "unrecognized arguments: --titel Nightly" in errors
    assert "before a command" not in errors


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


def test_a_signal_loses_nothing_of_what_the_command_wrote_before(site, run, name):
    script = "trap 'echo bye; exit' TERM; printf 'one\ntwo\nthree\n'; while :; do sleep 0.1; done"
    publish = run("publish", name, "--every", "600", *in_shell(script))
    publish.wait_for("is live")
    wait_until(lambda: live_pieces(site, name), "the first line is published")
    publish.process.send_signal(signal.SIGTERM)
    assert publish.wait()[0] == 128 + signal.SIGTERM
    pieces = site.pieces(name)
    # Before its last words, the shell may report that its child was ended by a signal.
    assert (pieces[:3], pieces[-1]) == (["one\n", "two\n", "three\n"], "bye\n")


def test_a_stop_ends_the_command_and_its_children(site, run, name):
    publish = run("publish", name, "--tee", *in_shell("sh -c 'echo $$; exec sleep 600'; echo no"))
    child = pid_in(publish)
    # The copy comes before the piece.
    wait_until(lambda: live_pieces(site, name), "the line is published")
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
    # The daemon prints its id once it has left the group. The command waits for the id to be read,
    # because `publish` ends what is in the group soon after the command.
    script = "setsid sh -c 'echo $$; exec sleep 600' & read line"
    publish = run("publish", name, "--tee", *in_shell(script))
    child = pid_in(publish)
    try:
        assert publish.end(b"\n")[0] == 0
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
