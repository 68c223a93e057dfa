"""Producers: one at a time, alive or dead, and how their pieces are kept."""

import signal
from collections.abc import Iterator

import pytest
import redis

from tests.inside import streams
from tests.site import Site
from tests.waiting import wait_until

from .marks import ON_VALKEY
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader


@pytest.fixture
def another(shared_backend_site: Site) -> Iterator[Publisher]:
    """A second process of sources, which may die."""
    publisher = Publisher(shared_backend_site.env)
    yield publisher
    publisher.kill()


def segments(source: Source) -> list[list[int]]:
    """Return the rows in which a stream's pieces are kept, as the numbers that they span."""
    return source.publisher.call(streams.segments, source.name)


# Two on one name.


def test_a_second_producer_is_refused(backend_site: Site, publisher: Publisher):
    first = publisher.open()
    raised = publisher.launch(first.name).expect("raised")
    assert raised["error"] == "Conflict"
    assert first.name in raised["detail"]


@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_producer_that_says_so_takes_over_and_the_first_is_refused(
    backend_site: Site, publisher: Publisher, another: Publisher, form: str
):
    first = publisher.open(new_name("taken"), form=form)
    first.write("first ")
    second = another.launch(first.name, takeover=True)
    assert second.expect("opened")["n"] == 1
    first.begin(["lost"])
    outcome = publisher.next_event(first.name)
    assert outcome.get("raised", outcome.get("error")) in ("CancelledError", "TakenOver")
    second.write("second")
    second.end()
    reader = Reader(first.name).read("polling", backend_site.address)
    assert (reader.text, reader.state) == ("first second", "done")


def test_a_producer_that_slept_through_a_takeover_writes_nothing_more(
    backend_site: Site, publisher: Publisher, another: Publisher
):
    sleeper = another.open()
    sleeper.write("before ")
    another.signal(signal.SIGSTOP)
    successor = publisher.launch(sleeper.name, takeover=True)
    assert successor.expect("opened")["n"] == 1
    successor.write("meanwhile ")
    # For all it knows, when it wakes up, the stream is its own.
    sleeper.begin(["lost"])
    another.signal(signal.SIGCONT)
    assert sleeper.expect("left")["stopped"] is True
    successor.write("after")
    successor.end()
    reader = Reader(sleeper.name).read("chunked", backend_site.address)
    assert reader.texts == ["before ", "meanwhile ", "after"]


def test_nobody_publishes_to_a_stream_that_has_ended(backend_site: Site, publisher: Publisher):
    source = publisher.open()
    source.end()
    for takeover in (False, True):
        raised = publisher.launch(source.name, takeover=takeover).expect("raised")
        assert raised["error"] == "Ended"


# The dead.


def test_a_killed_producers_stream_ends_as_interrupted_for_everybody(
    backend_site: Site, publisher: Publisher, another: Publisher, at_once
):
    living = publisher.open(new_name("living"))
    written = [f"{number} 🦊\r\n" for number in range(100_000)]
    dying = [another.open(new_name("dying"), form=form) for form in ("async", "sync")]
    reading = []
    for source in dying:
        source.begin(written, pause=0.001)
        for number, transport in enumerate(TRANSPORTS):
            server = backend_site.servers[number % len(backend_site.servers)]
            reading.append(at_once.submit(Reader(source.name).read, transport, server.address))
        Reader(source.name).read("websocket", backend_site.address, 20)
    another.kill()
    readers = [future.result() for future in reading]
    for reader in readers:
        assert reader.state == "interrupted"
        assert reader.texts == written[: len(reader.texts)]
        assert len(reader.texts) >= 20
    assert len({(reader.name, reader.text) for reader in readers}) == len(dying)
    # By now one that lives, and was silent for as long, would have ended too.
    living.write("still here")
    assert living.end()["stopped"] is False


def test_a_stream_that_nobody_watches_is_found_interrupted_by_whoever_asks_next(
    backend_site: Site, publisher: Publisher, another: Publisher
):
    source = another.open()
    source.write("one")
    another.kill()
    publisher.call(streams.expire_lease, source.name)
    reader = Reader(source.name).read("polling", backend_site.address)
    assert (reader.text, reader.state) == ("one", "interrupted")


# Abandoned.


def test_an_abandoned_stream_stops_and_one_that_is_watched_elsewhere_does_not(
    backend_site: Site, publisher: Publisher
):
    watched = publisher.open(new_name("watched"), abandon=4)
    watched.write("one ")
    reader = Reader(watched.name)
    records = TRANSPORTS["sse"](backend_site.servers[-1].address, watched.name, "0", {})
    reader.take(next(records))
    # It began later, so it is abandoned later than the other would be.
    lonely = publisher.open(new_name("lonely"), abandon=4)
    assert lonely.expect("left")["stopped"] is True
    watched.write("two")
    reader.take(next(records))
    assert reader.text == "one two"
    records.close()
    assert watched.expect("left")["stopped"] is True
    for name in (watched.name, lonely.name):
        end = Reader(name).read("polling", backend_site.address).end
        assert end["end"] == "stopped"
        assert "watched" in end["reason"]


# How pieces are kept.


def test_many_streams_share_commits_and_a_finished_one_is_a_single_row(
    backend_site: Site, publisher: Publisher
):
    texts = [f"{number} " for number in range(100)]
    sources = [publisher.open(new_name("many")) for _ in range(40)]
    for source in sources:
        source.begin(texts)
    for source in sources:
        source.expect("written")
    kept = [segments(source) for source in sources]
    for rows in kept:
        assert [first for first, _ in rows] == [0, *(end for _, end in rows[:-1])]
        assert rows[-1][1] == len(texts)
    assert sum(map(len, kept)) < len(sources) * len(texts) / 4
    for source in sources:
        source.end()
    assert {tuple(map(tuple, segments(source))) for source in sources} == {((0, len(texts)),)}
    assert Reader(sources[7].name).read("chunked", backend_site.address).texts == texts


@ON_VALKEY
def test_a_commit_rings_once_however_many_watch(backend_site: Site, publisher: Publisher, at_once):
    source = publisher.open(new_name("ringing"))
    pk = publisher.call(streams.primary_key, source.name)
    reading = [
        at_once.submit(Reader(source.name).read, transport, server.address)
        for transport in ("chunked", "sse", "websocket")
        for server in backend_site.servers * 2
    ]
    wait_until(lambda: watching(source) == len(reading), "all are counted as viewers")
    with redis.Redis.from_url(backend_site.env["REDIS_URL"]) as valkey, valkey.pubsub() as rings:
        rings.psubscribe(f"*streams.{pk}")
        assert rings.get_message(timeout=30)["type"] == "psubscribe"
        source.begin([f"{number} " for number in range(300)], pause=0.001)
        source.expect("written")
        commits = len(segments(source))
        source.end()
        for future in reading:
            assert len(future.result().texts) == 300
        heard = [rings.get_message(timeout=30) for _ in range(commits + 1)]
        assert {message["type"] for message in heard} == {"pmessage"}
        # Whatever else were rung, a ring of the test's own would come after.
        valkey.publish(f"last.streams.{pk}", b"")
        assert rings.get_message(timeout=30)["channel"] == f"last.streams.{pk}".encode()


def watching(source: Source) -> int:
    """Return how many readers are counted, over all processes."""
    return source.publisher.call(streams.viewers, source.name)


# Commits of several streams together.


def test_a_write_that_is_refused_takes_no_other_of_its_commit_along(
    backend_site: Site, publisher: Publisher
):
    names = [new_name("together") for _ in range(3)]
    outcomes = publisher.call(streams.append_in_groups, names)
    assert outcomes == [None, None, None, "OutOfTurn", "TooLarge", None, None]
    for name, text in zip(names, ["a b c e ", "d f ", ""], strict=True):
        reader = Reader(name).read("polling", backend_site.address)
        assert (reader.text, reader.state) == (text, "done")


# What publish() refuses.


@pytest.mark.parametrize(
    ("text", "error"),
    [("a\0b", "BadRequest"), ("x" * 65_537, "TooLarge"), ("half \ud83d", "BadRequest")],
    ids=["NUL", "too long", "half a surrogate pair"],
)
@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_piece_that_cannot_be_one_fails_the_stream_with_what_came_before(
    backend_site: Site, publisher: Publisher, form: str, text: str, error: str
):
    source = publisher.open(form=form)
    source.begin(["before", text, "after"])
    assert source.expect("raised")["error"] == error
    reader = Reader(source.name).read("polling", backend_site.address)
    assert (reader.text, reader.state) == ("before", "failed")
    assert error in reader.end["reason"]


@pytest.mark.parametrize("name", ["a/b", "x" * 300, "-a", "ü", "a b", "a\n"])
def test_a_name_that_cannot_be_one_is_refused(backend_site: Site, publisher: Publisher, name: str):
    raised = publisher.launch(name).expect("raised")
    assert raised["error"] == "BadRequest"


def test_a_source_without_pieces_is_an_empty_text(backend_site: Site, publisher: Publisher):
    source = publisher.open()
    source.begin([""])
    source.expect("written")
    source.end()
    for transport in TRANSPORTS:
        reader = Reader(source.name).read(transport, backend_site.address)
        assert (reader.texts, reader.state) == ([], "done")
