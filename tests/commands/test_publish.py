"""manage.py publish: from its input to a stream."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.inside import programs
from tests.site import ROOT, SiteMaker, environment
from tests.waiting import PATIENCE, wait_until

from .command import address, live_pieces, stored, to_a_full_disk


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
    first, *second, dots, end, last = site.pieces(name)
    assert (first, dots, end, last) == ("first\n", "...", "\n", "last")
    # On a busy machine, what came before the middle of a character may be a piece of its own.
    assert "".join(second) == "zwéi\n"


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


def test_a_signal_loses_nothing_of_what_was_read(site, run, name):
    publish = run("publish", name, "--every", "600")
    publish.write(b"one\ntwo\nthree\nfo")
    publish.wait_for("is live")
    wait_until(lambda: live_pieces(site, name), "the first line is published")
    publish.process.send_signal(signal.SIGTERM)
    assert publish.wait()[0] == 128 + signal.SIGTERM
    assert site.pieces(name) == ["one\n", "two\n", "three\n", "fo"]


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


def test_the_command_ends_when_the_stream_is_stopped(site, run, name):
    publish = run("publish", name)
    publish.write(b"one\n")
    publish.wait_for("is live")
    wait_until(lambda: live_pieces(site, name), "the line is published")
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
