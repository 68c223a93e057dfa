"""Invalid and outdated cursors: an explicit error or reset on every transport, never a gap."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.inside import streams
from tests.raw import http
from tests.site import Server, Site
from tests.waiting import wait_until

from .people import Person, save
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader, Refused, bare_text, read_all

BAD = ["abc", "-1", "1" + "0" * 30, str(2**53), "", "1.2.3", "1.", ".1", "1e3", " 1", "٣", "0x1"]


@pytest.fixture(scope="module")
def finished(shared_backend_site: Site, publisher: Publisher) -> Source:
    source = publisher.open(new_name("finished"))
    source.write(*(f"{number} " for number in range(5)))
    source.end()
    return source


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("after", BAD)
def test_an_invalid_cursor_is_refused_with_a_reason(
    backend_site: Site, finished: Source, transport, after: str
):
    with pytest.raises(Refused, match="cursor") as refused:
        ask_literally(transport, backend_site, finished.name, after)
    assert refused.value.status == 400


def ask_literally(transport: str, site: Site, name: str, after: str) -> None:
    """Read from a cursor of any characters, which goes into the query."""
    # The readers need a cursor that ends in a digit and that an address may contain.
    quoted = "".join(f"%{byte:02x}" for byte in after.encode())
    read_all(transport, site.address, name, f"{quoted}&x=.0")


@pytest.mark.parametrize("after", BAD[:5])
def test_an_invalid_last_event_id_is_refused_and_an_empty_one_is_ignored(
    backend_site: Site, finished: Source, after: str
):
    answer = http.get(backend_site.address, f"/stream/{finished.name}/events", last_event_id=after)
    assert answer.status == (400 if after else 200)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("after", ["6", "99", str(2**53 - 1)])
def test_a_cursor_beyond_the_end_gets_a_reset_and_the_whole_text(
    backend_site: Site, finished: Source, transport: str, after: str
):
    first, *records = read_all(transport, backend_site.address, finished.name, after)
    assert first["reset"] == 0
    assert after in first["why"]
    assert [record.get("text") for record in records] == ["0 ", "1 ", "2 ", "3 ", "4 ", None]
    assert records[-1]["end"] == "done"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_cursor_beyond_the_end_of_a_live_stream_gets_a_reset_and_the_stream_goes_on(
    backend_site: Site, publisher: Publisher, transport: str
):
    source = publisher.open()
    source.write("one ")
    records = TRANSPORTS[transport](backend_site.servers[-1].address, source.name, "2", {})
    assert next(records)["reset"] == 0
    assert next(records)["text"] == "one "
    source.write("two")
    source.end()
    assert [record.get("text") for record in records] == ["two", None]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_cursor_at_the_end_gets_only_the_end(
    backend_site: Site, finished: Source, transport: str
):
    (end,) = read_all(transport, backend_site.address, finished.name, "5")
    assert (end["end"], end["n"]) == ("done", 5)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_latest_begins_with_the_newest_piece_and_goes_on(
    backend_site: Site, publisher: Publisher, transport: str
):
    source = publisher.open(format="json")
    address = backend_site.servers[-1].address
    source.write({"step": 0}, {"step": 1}, {"step": 2})
    records = TRANSPORTS[transport](address, source.name, "latest", {})
    assert next(records) == {"n": 2, "data": {"step": 2}}
    source.write({"step": 3})
    source.end()
    assert [record.get("data") for record in records] == [{"step": 3}, None]
    last, end = read_all(transport, address, source.name, "latest")
    assert (last["n"], end["n"]) == (3, 4)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_latest_of_a_stream_without_pieces_is_its_beginning(
    backend_site: Site, publisher: Publisher, at_once: ThreadPoolExecutor, transport: str
):
    source = publisher.open()
    address = backend_site.servers[-1].address
    reading = at_once.submit(read_all, transport, address, source.name, "latest")
    wait_until(lambda: publisher.call(streams.viewers, source.name), "the reader is counted")
    source.write("one ", "two ")
    source.end()
    assert [record.get("text") for record in reading.result()] == ["one ", "two ", None]


def test_the_last_event_id_wins_over_the_query(backend_site: Site, finished: Source):
    target = f"/stream/{finished.name}/events?after=0"
    answer = http.get(backend_site.address, target, last_event_id="4")
    assert answer.text.count("\ndata: ") == 2
    assert '"text":"4 "' in answer.text


def poll_after_each_piece(site: Site, source: Source) -> None:
    """Write pieces, and poll from the beginning after each until the poll has all of them."""

    def polled() -> list[str]:
        return http.get(site.address, f"/stream/{source.name}/polling").json["pieces"]

    for texts in (["one "], ["one ", "two "], ["one ", "two ", "three "]):
        source.write(texts[-1])
        wait_until(lambda due=texts: polled() == due, "the poll has all pieces")


def test_a_poll_from_the_beginning_has_all_pieces_also_those_that_came_after_an_earlier_poll(
    backend_site: Site, publisher: Publisher
):
    poll_after_each_piece(backend_site, publisher.open())


def test_a_poll_from_the_beginning_has_all_pieces_while_another_reader_follows(
    backend_site: Site, publisher: Publisher
):
    source = publisher.open()
    with http.Connection(backend_site.address) as reader:
        reader.send(f"/stream/{source.name}/chunked")
        http.read_head(reader.file)
        poll_after_each_piece(backend_site, source)


# Revisions.


def edit(site: Site, source: Source, person: Person, text: str) -> None:
    """Change a stream's text as the admin's form does."""
    before = revision(site.server, source.name)
    answer = save(site, source.publisher, source.name, person, text=text)
    assert answer.status == 302, answer.text
    # Other processes may answer from their cache for a moment.
    for server in site.servers:
        wait_until(
            lambda s=server: revision(s, source.name) != before, "the server gives the edited text"
        )


def revision(server: Server, name: str) -> str:
    """Return the revision that this server gives."""
    return str(http.get(server.address, f"/stream/{name}/polling").json["after"]).rpartition(".")[0]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_after_an_edit_readers_of_the_old_text_get_a_reset_and_the_new_text(
    backend_site: Site, publisher: Publisher, people: dict[str, Person], transport: str
):
    source = publisher.open(new_name("edited"))
    source.write(*(f"{number} " for number in range(9)))
    source.end()
    some, all_of_it = Reader(source.name), Reader(source.name)
    some.read(transport, backend_site.address, 3)
    all_of_it.read(transport, backend_site.address, 9)
    for times, text in enumerate(["A wholly new text. ", "And 另一个 🦊 again."], 1):
        edit(backend_site, source, people["staff"], text)
        for reader in (some, all_of_it):
            reader.end = None
            reader.resets = []
            for server in backend_site.servers:
                reader.read(transport, server.address, 1)
            if reader.end is None:
                reader.read(transport, backend_site.address)
            assert (reader.text, reader.state, reader.revision) == (text, "done", times)
            assert [reset["reset"] for reset in reader.resets] == [0]
            assert reader.end["rev"] == times
        fresh = Reader(source.name).read(transport, backend_site.address)
        assert (fresh.text, fresh.resets) == (text, [])


def test_two_edits_at_once_make_two_revisions(backend_site: Site, publisher: Publisher):
    source = publisher.open(new_name("edited"))
    source.write("The text. ")
    source.end()
    texts = ["The first edit. ", "The second edit. "]
    assert publisher.call(streams.edit_at_once, source.name, texts) == [1, 2]
    reader = Reader(source.name).read("sse", backend_site.servers[-1].address)
    assert (reader.text, reader.revision) == (texts[-1], 2)


def test_a_reader_of_the_bare_text_gets_the_reset_in_a_header(backend_site: Site, finished: Source):
    answer = http.get(backend_site.address, f"/stream/{finished.name}/chunked?after=7")
    assert answer.headers["stream-reset"] == "0"
    assert answer.text == "0 1 2 3 4 "
    assert bare_text(backend_site.address, finished.name, "2") == "2 3 4 "
    digest = Reader(finished.name).read("polling", backend_site.address).end["sha256"]
    assert digest == hashlib.sha256(answer.body).hexdigest()
