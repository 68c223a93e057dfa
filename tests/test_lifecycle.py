"""Starting and stopping the site, and the mistakes that operators make."""

import signal
import sqlite3
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from .inside import streams
from .marks import EVERY_SERVER, upstream
from .ports import HOST, free_port
from .postgres import Postgres
from .raw import http, websocket
from .site import SiteMaker, run, server_command

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def sentence(done) -> str:
    """Return the single line with which a command failed."""
    assert done.returncode not in (0, None), done.stdout
    assert done.returncode > 0, f"killed by signal {-done.returncode}"
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("streamsite: ")
    assert lines[0].endswith(".")
    return lines[0]


def run_server(env: dict[str, str], on: str = "daphne", port: int = 0):
    return run(*server_command(on, port or free_port()), env=env)


def run_manage(env: dict[str, str]):
    return run(sys.executable, "manage.py", "check", env=env)


# The first start, and the second.


@EVERY_SERVER
def test_the_first_start_makes_the_key_the_database_and_the_static_files(
    make_site: SiteMaker, tmp_path: Path, on: str
):
    site = make_site(servers=[on], STATIC_ROOT=str(tmp_path / "static")).start()
    key = site.var / "secret-key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_text()) >= 50
    assert (site.var / "db.sqlite3").is_file()
    assert (tmp_path / "static" / "staticfiles.json").is_file()
    assert http.get(site.address, "/").status == 200
    assert http.get(site.address, "/stream/polling?cnt=0").status == 200


def test_the_second_start_keeps_everything(make_site: SiteMaker):
    site = make_site().start()
    key = (site.var / "secret-key").read_bytes()
    site.call(streams.edit, "article", "edited text", "mine")
    site.stop()
    site.start()
    assert (site.var / "secret-key").read_bytes() == key
    assert site.pieces() == ["edited ", "text"]
    assert site.call(streams.title, "article") == "mine"
    assert http.get(site.address, "/stream/polling?cnt=0").json == {"message": "edited "}


def test_two_servers_may_start_together_for_the_first_time(make_site: SiteMaker):
    """Both servers make a key, a database and static files; only one of each remains."""
    site = make_site(servers=["daphne"] * 2).start()
    first, second = (
        http.get(server.address, "/stream/polling?cnt=0").body for server in site.servers
    )
    assert first == second
    assert site.call(streams.count) == 1


# Stopping.


def open_all_transports(stack: ExitStack, address: tuple[str, int]) -> websocket.WebSocket:
    """Receive a first piece over each transport. Return the WebSocket."""
    polling = stack.enter_context(http.Connection(address))
    assert polling.ask("/stream/polling?cnt=0").status == 200
    for target in ("/stream/chunked", "/stream/events"):
        connection = stack.enter_context(http.Connection(address))
        connection.send(target)
        assert http.read_head(connection.file).status == 200
        assert http.read_chunk(connection.file)[0]
    socket = stack.enter_context(websocket.connect(address, "/stream/ws"))
    assert socket.read_text()
    return socket


@EVERY_SERVER
@pytest.mark.parametrize("by", SIGNALS, ids=lambda number: number.name)
def test_a_server_with_open_streams_stops_cleanly(
    make_site: SiteMaker, by: signal.Signals, on: str
):
    site = make_site(servers=[on]).start()
    with ExitStack() as stack:
        open_all_transports(stack, site.address)
        site.server.send(by)
        site.server.wait()
        site.stop(by)


@EVERY_SERVER
@pytest.mark.parametrize("by", SIGNALS, ids=lambda number: number.name)
def test_an_idle_server_stops_cleanly(make_site: SiteMaker, by: signal.Signals, on: str):
    make_site(servers=[on]).start().stop(by)


@upstream("granian", "emmett-framework/granian#796: it drops WebSockets when it stops")
@EVERY_SERVER
def test_stopping_sends_a_close_frame_that_asks_to_come_back(make_site: SiteMaker, on: str):
    site = make_site(servers=[on]).start()
    with ExitStack() as stack:
        socket = open_all_transports(stack, site.address)
        site.server.send(signal.SIGTERM)
        assert socket.closed() in (1001, 1012)
        assert site.server.wait() == site.server.good_status(signal.SIGTERM)


@EVERY_SERVER
def test_stopping_never_ends_a_chunked_body_as_if_it_were_complete(make_site: SiteMaker, on: str):
    site = make_site(servers=[on]).start()
    with http.Connection(site.address) as connection:
        connection.send("/stream/chunked")
        http.read_head(connection.file)
        http.read_chunk(connection.file)
        site.server.send(signal.SIGTERM)
        with pytest.raises((http.Malformed, ConnectionResetError)):
            for _chunk in http.read_chunks(connection.file):
                pass
        assert site.server.wait() == site.server.good_status(signal.SIGTERM)


# Mistakes.


def test_a_port_in_use_is_named(make_site: SiteMaker):
    site = make_site().start()
    assert str(site.server.port) in sentence(run_server(site.env, port=site.server.port))
    assert http.get(site.address, "/healthz").status == 200


@pytest.mark.parametrize("start", [run_server, run_manage])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, start):
    # A file in place of a folder, because root may write to any folder.
    (tmp_path / "file").touch()
    assert "VAR_DIR" in sentence(start({"VAR_DIR": str(tmp_path / "file" / "var")}))


BAD_VALUES = [
    ("DEBUG", "maybe"),
    ("DATABASE_URL", "foo"),
    ("DATABASE_URL", "postgres://user:secret@host:port/name"),
    ("REDIS_URL", "http://x"),
    ("REDIS_URL", "redis://user:secret@localhost:99999"),
    ("REDIS_URL", "redis://localhost/zero"),
    ("STREAM_ALLOWED_ORIGINS", "example.com"),
    ("STREAM_ALLOWED_ORIGINS", "https://example.com/path"),
    ("ALLOWED_HOSTS", "http://x"),
    ("ALLOWED_HOSTS", "a.example b.example"),
    ("STREAM_MAX_PIECES", "abc"),
    ("STREAM_MAX_PIECES", "0"),
    ("TLS", "perhaps"),
]


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES)
def test_a_bad_value_is_refused_with_the_name_of_its_variable(
    tmp_path: Path, variable: str, value: str
):
    told = sentence(run_server({"VAR_DIR": str(tmp_path), variable: value}))
    assert variable in told
    assert "secret" not in told


@EVERY_SERVER
def test_every_server_prints_the_message(tmp_path: Path, on: str):
    assert "DEBUG" in sentence(run_server({"VAR_DIR": str(tmp_path), "DEBUG": "maybe"}, on))


def test_manage_py_refuses_a_bad_value_too(tmp_path: Path):
    assert "DEBUG" in sentence(run_manage({"VAR_DIR": str(tmp_path), "DEBUG": "maybe"}))


def test_a_database_without_migrations_is_left_unchanged(make_site: SiteMaker, tmp_path: Path):
    database = tmp_path / "empty.sqlite3"
    site = make_site(DATABASE_URL=f"sqlite:///{database}")
    assert "manage.py migrate" in sentence(run_server(site.env))
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_database_that_the_operator_migrated_works(make_site: SiteMaker, postgres: Postgres):
    site = make_site(DATABASE_URL=postgres.new_database("migrated"))
    assert "manage.py migrate" in sentence(run_server(site.env))
    done = site.manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    site.start()
    assert http.get(site.address, "/stream/polling?cnt=0").status == 200


def test_a_database_that_does_not_answer_is_named(tmp_path: Path):
    told = sentence(
        run_server(
            {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"postgres://user:secret@{HOST}:1/name"}
        )
    )
    assert "DATABASE_URL" in told
    assert "secret" not in told
