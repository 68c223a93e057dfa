"""The database away: clients are told at once, the log stays short, and the site recovers."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.engine.people import introduce
from tests.engine.publisher import Publisher
from tests.inside import streams
from tests.postgres import Postgres
from tests.raw import http, websocket
from tests.site import Site, SiteMaker
from tests.waiting import PATIENCE, wait_until

# Seconds within which a client is told that the database does not answer, on a machine that is busy
# with other tests. A client that waits until the database is back would wait for 30 s, as producers
# do. For the promise of 2 s, tests/unit/test_promises.py adds up the defaults.
SOON = 20
# Lines that an outage may log, whatever the number of requests.
MOST_LINES = 20
PAGES = ("/live/list", "/en/live/")


@pytest.fixture
def on_postgres(own_postgres: Postgres, make_site: SiteMaker) -> Site:
    """Return a running site on `own_postgres`."""
    site = make_site(DATABASE_URL=own_postgres.new_database("away"))
    migrated = site.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    return site.start()


def told_soon(site: Site, target: str, **request: Any) -> http.Response:
    """Return the answer to a request, which has to come soon."""
    began = time.monotonic()
    answer = http.ask(site.address, target, **request)
    assert time.monotonic() - began < SOON, target
    return answer


def assert_unavailable(site: Site, name: str) -> None:
    """Check that pages and endpoints tell at once that the database does not answer."""
    for page in PAGES:
        answer = told_soon(site, page)
        assert answer.status == 503, page
        assert answer.headers["retry-after"] == "2"
        assert "text/html" in answer.headers["content-type"]
    for kind in ("polling", "events", "chunked"):
        answer = told_soon(site, f"/stream/{name}/{kind}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "2"), kind
        assert "database" in answer.json["detail"]
    with websocket.connect(site.address, f"/stream/{name}/ws") as socket:
        assert socket.closed() == 4503


def assert_log_is_short(site: Site) -> None:
    site.server.assert_calm()
    lines = [line for line in site.server.log.splitlines() if "does not answer" in line]
    assert 0 < len(lines) < MOST_LINES, site.server.log


@contextmanager
def viewer(site: Site, name: str) -> Iterator[ClientConnection]:
    """Connect a WebSocket that has the first piece of the stream, and answers pings meanwhile."""
    with connect("ws://{}:{}/stream/{}/ws".format(*site.address, name)) as socket:
        expect(socket, '"first "')
        yield socket


def expect(socket: ClientConnection, piece: str) -> None:
    """Read to a piece."""
    while piece not in socket.recv(timeout=PATIENCE):
        pass


@contextmanager
def away(server: Postgres, how: str) -> Iterator[None]:
    """Take the server away, and bring it back."""
    leave, come = {"stopped": (server.stop, server.start), "hung": (server.pause, server.resume)}[
        how
    ]
    leave()
    try:
        yield
    finally:
        come()


@pytest.mark.parametrize("how", ["stopped", "hung"])
def test_while_postgresql_is_away_clients_are_told_at_once_and_viewers_stay(
    on_postgres: Site, own_postgres: Postgres, how: str
):
    site = on_postgres
    with ExitStack() as stack:
        publisher = Publisher(site.env)
        stack.callback(publisher.kill)
        source = publisher.open()
        source.write("first ")
        socket = stack.enter_context(viewer(site, source.name))
        with away(own_postgres, how):
            for _ in range(3):
                assert_unavailable(site, source.name)
            assert http.get(site.address, "/en/").status == 200
            assert http.get(site.address, "/healthz").status == 200
        assert_log_is_short(site)
        # The viewer was not cut off, and gets what comes after the outage.
        source.write("second ")
        expect(socket, '"second "')
        wait_until(
            lambda: http.get(site.address, "/en/live/list").status == 200, "the pages are back"
        )
        assert http.get(site.address, f"/stream/{source.name}/polling").status == 200


def test_a_locked_sqlite_can_be_read_and_writers_are_told_at_once(make_site: SiteMaker):
    site = make_site().start()
    with ExitStack() as stack:
        publisher = Publisher(site.env)
        stack.callback(publisher.kill)
        source = publisher.open()
        source.write("first ")
        socket = stack.enter_context(viewer(site, source.name))
        # A stream whose producer is dead, which whoever looks tries to end.
        dead = publisher.open()
        publisher.call(streams.expire_lease, dead.name)
        staff = introduce(publisher)["staff"]
        with locked(site.var / "db.sqlite3"):
            for target in ("/en/live/list", "/en/live/", f"/stream/{source.name}/polling"):
                assert told_soon(site, target).status == 200, target
            for target, headers, body in (
                ("/en/admin/logout/", staff.form, b""),
                ("/stream/new/pieces", staff.bearer, b'{"pieces": ["text"]}'),
            ):
                answer = told_soon(site, target, method="POST", headers=headers, body=body)
                assert (answer.status, answer.headers["retry-after"]) == (503, "2"), target
        assert_log_is_short(site)
        source.write("second ")
        expect(socket, '"second "')


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock an SQLite database, as another program that writes for long."""
    with closing(sqlite3.connect(path, PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
