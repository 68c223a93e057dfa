"""A name that is used again: a cursor of the deleted stream never goes on in the new one."""

import pytest

from streamsite.streams import client
from tests.inside import keeping, streams
from tests.raw import http
from tests.reading import read, text_of
from tests.site import Site

from .people import Person, delete, delete_together, write
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader, read_all

People = dict[str, Person]
OLD = [f"old {number} " for number in range(5)]
NEW = [f"new {number} " for number in range(7)]


def publish(publisher: Publisher, name: str, *texts: str) -> Source:
    """Publish a live stream with these pieces."""
    source = publisher.open(name)
    source.write(*texts)
    return source


@pytest.fixture
def deleted(publisher: Publisher) -> str:
    """Return the name of a stream of five pieces that was deleted."""
    name = new_name("deleted")
    publish(publisher, name, *OLD).end()
    publisher.call(streams.delete, name)
    return name


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_absent_reader_gets_a_reset_and_the_new_text(
    backend_site: Site, publisher: Publisher, transport: str
):
    name = new_name("again")
    old = publish(publisher, name, *OLD)
    reader = Reader(name).read(transport, backend_site.address, 3)
    publisher.call(streams.delete, name)
    old.expect("left")
    source = publish(publisher, name, *NEW[:5])
    reader.read(transport, backend_site.servers[0].address, 2)
    reader.read(transport, backend_site.servers[-1].address, 3)
    assert [reset["reset"] for reset in reader.resets] == [0]
    assert "replaced" in reader.resets[0]["why"]
    # The first of the other pieces comes from the log, and the next ones by the channel layer.
    records = TRANSPORTS[transport](backend_site.servers[-1].address, name, reader.cursor, {})
    for text in NEW[5:]:
        source.write(text)
        reader.take(next(records))
    source.end()
    reader.take(next(records))
    assert (reader.texts, reader.state) == (NEW, "done")
    fresh = Reader(name).read(transport, backend_site.address)
    assert (fresh.texts, fresh.resets) == (NEW, [])


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("after", ["3", "5", "0.3"])
def test_a_plain_number_is_a_cursor_of_the_first_stream_of_a_name(
    backend_site: Site, publisher: Publisher, deleted: str, transport: str, after: str
):
    publish(publisher, deleted, *NEW).end()
    reset, *records = read_all(transport, backend_site.address, deleted, after)
    assert reset["reset"] == 0
    assert [record.get("text") for record in records] == [*NEW, None]


def test_the_bare_text_says_in_a_header_that_it_begins_again(
    backend_site: Site, publisher: Publisher, deleted: str
):
    publish(publisher, deleted, *NEW).end()
    answer = http.get(backend_site.address, f"/stream/{deleted}/chunked?after=3")
    assert (answer.headers["stream-reset"], answer.text) == ("0", "".join(NEW))


@pytest.mark.parametrize("how", ["page", "action", "queryset"])
def test_however_a_stream_is_deleted_its_name_begins_a_new_revision(
    backend_site: Site, publisher: Publisher, people: People, how: str
):
    names = [new_name("again") for _ in range(3)]
    for name in names:
        publish(publisher, name, *OLD).end()
    if how == "queryset":
        publisher.call(streams.delete_all, names)
    elif how == "action":
        delete_together(backend_site, publisher, names, people["staff"])
    else:
        for name in names:
            delete(backend_site, publisher, name, people["staff"])
    for name in names:
        publish(publisher, name, *NEW).end()
        reset, *_ = read_all("polling", backend_site.address, name, "5")
        assert (reset["reset"], reset["rev"]) == (0, 1)


def test_each_stream_of_a_name_has_revisions_of_its_own(
    backend_site: Site, publisher: Publisher, deleted: str
):
    publish(publisher, deleted, *OLD).end()
    second = Reader(deleted).read("sse", backend_site.address)
    # The deletion is asked of an object that is older than the edit.
    publisher.call(streams.edit_and_delete_as_read_before, deleted, "An edited text.")
    publish(publisher, deleted, *NEW).end()
    # A server has cached the second stream for a moment, and cursor 2.1 is newer than that.
    for cursor in ("2.1", second.cursor, "5"):
        reset, *_ = read_all("sse", backend_site.address, deleted, cursor)
        assert (reset["reset"], reset["rev"]) == (0, 3)


@pytest.mark.parametrize("gone", ["deleted", "removed"])
def test_a_text_that_staff_write_under_a_used_name_resets_old_readers(
    backend_site: Site, publisher: Publisher, people: People, gone: str
):
    name = new_name(gone)
    publish(publisher, name, *OLD).end()
    publisher.call(keeping.remove if gone == "removed" else streams.delete, name)
    write(backend_site, name, people["staff"], text="A new text.")
    reset, *records = read_all("chunked", backend_site.address, name, "1")
    assert reset["reset"] == 0
    assert "".join(record.get("text", "") for record in records) == "A new text."


@pytest.mark.parametrize("transport", client.TRANSPORTS)
async def test_the_client_tells_a_reader_that_the_text_begins_again(
    backend_site: Site, publisher: Publisher, deleted: str, transport: str
):
    publish(publisher, deleted, *NEW).end()
    url = f"{backend_site.url}/stream/{deleted}"
    reset, *records = await read(url, transport=transport, after=3)
    assert (reset.n, text_of(records)) == (0, "".join(NEW))


def test_a_deleted_name_is_forgotten_after_a_year(
    backend_site: Site, publisher: Publisher, deleted: str
):
    publisher.call(keeping.let_tombstone_age, deleted)
    publisher.call(keeping.prune)
    publish(publisher, deleted, *NEW).end()
    assert Reader(deleted).read("sse", backend_site.address).revision == 0
