"""manage.py follow: from a stream to its output."""

import re
import signal

import pytest

from streamsite.streams.client import TRANSPORTS
from tests.inside import streams
from tests.site import Site, SiteMaker

from .command import address, to_a_full_disk

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
    assert re.search(r"^ +4 +the stream ended as failed$", help_text, re.MULTILINE)


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


def followed(site, run, name, way):
    """Return a publisher of a live stream, and a follower that has read the first piece."""
    publish = run("publish", name)
    publish.write(b"one\n")
    publish.wait_for("is live")
    follow = run("follow", *source(site, name, way))
    follow.read(4)
    return publish, follow


@pytest.mark.parametrize("way", ["local", "sse"])
def test_follow_ends_when_nobody_reads_its_output(site, run, name, way):
    publish, follow = followed(site, run, name, way)
    follow.process.stdout.close()
    follow.process.stdout = None
    publish.write(b"two\n")
    status, _, errors = follow.end()
    assert (status, errors) == (141, "")


@pytest.mark.parametrize("way", ["local", "sse"])
def test_ctrl_c_ends_follow(site, run, name, way):
    _publish, follow = followed(site, run, name, way)
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
