"""Streams that are deleted while they are written and watched: all are told, and nobody waits."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engine.people import delete, introduce
from tests.engine.publisher import Publisher, new_name
from tests.inside import deleting, streams
from tests.marks import EVERY_SERVER
from tests.postgres import Postgres
from tests.raw import events, http, websocket
from tests.site import Site, SiteMaker

REASON = "The stream was deleted."


@EVERY_SERVER
def test_viewers_of_a_stream_that_is_deleted_in_the_admin_are_told(make_site: SiteMaker, on: str):
    site = make_site(servers=[on]).start()
    with ExitStack() as stack:
        publisher = Publisher(site.env)
        stack.callback(publisher.kill)
        source = publisher.open()
        source.write("first ")
        path = f"/stream/{source.name}"
        poll, chunked, sse = (stack.enter_context(http.Connection(site.address)) for _ in range(3))
        poll.send(f"{path}/polling?after=1&wait=60")
        for connection, kind in ((chunked, "chunked"), (sse, "events")):
            connection.send(f"{path}/{kind}")
            assert http.read_head(connection.file).status == 200
        socket = stack.enter_context(websocket.connect(site.address, f"{path}/ws"))
        assert '"first "' in socket.read_text()
        delete(site, publisher, source.name, introduce(publisher)["staff"])
        answer = http.read_response(poll.file).json
        assert (answer["state"], answer["reason"]) == ("failed", REASON)
        # The transport for bare text has no record of an end, whatever the end is.
        assert b"".join(part for part, _ in http.read_chunks(chunked.file)) == b"first "
        last = events.parse(b"".join(part for part, _ in http.read_chunks(sse.file)))[-1]
        assert ("event", "end") in last.fields
        assert REASON in dict(last.fields)["data"]
        texts = [frame.text for frame in socket.frames() if frame.opcode == websocket.TEXT]
        assert REASON in texts[-1]
        # Who comes back is refused, and gives up.
        for kind in ("polling", "chunked", "events"):
            assert http.get(site.address, f"{path}/{kind}").status == 404
        with websocket.connect(site.address, f"{path}/ws") as again:
            assert again.closed() == 4404


# On PostgreSQL, two transactions deadlock when each waits for a row that the other has locked, and
# one of them is ended. The engine must never make a deletion fail in this way.


@pytest.fixture(scope="module")
def on_postgres(make_shared_site: SiteMaker, postgres: Postgres) -> Site:
    """Return a site on PostgreSQL, whose server is not running."""
    site = make_shared_site(DATABASE_URL=postgres.new_database(new_name("deleting")))
    migrated = site.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    return site


@pytest.fixture(scope="module")
def publisher(on_postgres: Site) -> Iterator[Publisher]:
    publisher = Publisher(on_postgres.env)
    yield publisher
    publisher.kill()


@pytest.mark.parametrize("work", ["append", "renew", "count"])
def test_a_transaction_deletes_streams_in_any_order_while_the_engine_works_on_them(
    publisher: Publisher, work: str
):
    names = [new_name(work) for _ in range(3)]
    # When the engine works on the streams, the first one is not deleted yet.
    assert publisher.call(deleting.delete_meanwhile, work, names) == [True, False, True]
    assert [publisher.call(streams.exists, name) for name in names] == [False, False, True]


def test_a_stream_is_deleted_although_a_viewer_comes_at_this_moment(publisher: Publisher):
    name = new_name("gone")
    assert publisher.call(deleting.delete_while_a_viewer_comes, name) == 0
    assert not publisher.call(streams.exists, name)


def test_producers_of_deleted_streams_are_told_and_the_others_lose_nothing(publisher: Publisher):
    texts = [f"{number} " for number in range(500)]
    sources = [publisher.open() for _ in range(12)]
    gone, others = sources[:8], sources[8:]
    for source in gone:
        source.begin(texts * 40, pause=0.002)  # More than it can write before the deletion.
    for source in others:
        source.begin(texts, pause=0.002)
    publisher.call(deleting.delete_backwards, [source.name for source in gone])
    for source in gone:
        left = source.expect("left")
        assert left["stopped"], left
    for source in others:
        source.expect("written")
        source.end()
        assert publisher.call(streams.pieces, source.name) == texts
    assert not any(publisher.call(streams.exists, source.name) for source in gone)
