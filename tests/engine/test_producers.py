"""Producers: one for each stream, alive or dead, and how the log keeps their pieces."""

import signal
from collections.abc import Iterator
from typing import Any

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
    """Yield a second process of sources, which the test may kill."""
    publisher = Publisher(shared_backend_site.env)
    yield publisher
    publisher.kill()


def segments(source: Source) -> list[list[int]]:
    """Return the first piece's number and the end of each segment of a stream."""
    return source.publisher.call(streams.segments, source.name)


# Two producers of one stream.


def test_a_second_producer_of_a_stream_is_refused(backend_site: Site, publisher: Publisher):
    first = publisher.open()
    raised = publisher.launch(first.name).expect("raised")
    assert raised["error"] == "Conflict"
    assert first.name in raised["detail"]


@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_producer_may_take_over_and_the_first_producer_is_refused(
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


def test_a_takeover_keeps_the_format_of_the_stream(
    backend_site: Site, publisher: Publisher, another: Publisher
):
    first = publisher.open(new_name("taken"), format="json")
    first.write([1])
    other = another.launch(first.name, takeover=True, format="text").expect("raised")
    assert (other["error"], "has the format json" in other["detail"]) == ("Conflict", True)
    second = another.launch(first.name, takeover=True)
    second.expect("opened")
    second.write([2])
    second.end()
    assert Reader(first.name).read("polling", backend_site.address).texts == [[1], [2]]


def test_a_producer_that_was_suspended_during_a_takeover_writes_nothing_more(
    backend_site: Site, publisher: Publisher, another: Publisher
):
    sleeper = another.open()
    sleeper.write("before ")
    another.signal(signal.SIGSTOP)
    successor = publisher.launch(sleeper.name, takeover=True)
    assert successor.expect("opened")["n"] == 1
    successor.write("meanwhile ")
    # When the first producer resumes, it still believes that it owns the stream.
    sleeper.begin(["lost"])
    another.signal(signal.SIGCONT)
    assert sleeper.expect("left")["stopped"] is True
    successor.write("after")
    successor.end()
    reader = Reader(sleeper.name).read("chunked", backend_site.address)
    assert reader.texts == ["before ", "meanwhile ", "after"]


def test_publishing_to_an_ended_stream_is_refused(backend_site: Site, publisher: Publisher):
    source = publisher.open()
    source.end()
    for takeover in (False, True):
        raised = publisher.launch(source.name, takeover=takeover).expect("raised")
        assert raised["error"] == "Ended"


# Dead producers.


def test_the_stream_of_a_killed_producer_ends_as_interrupted_for_every_reader(
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
    # The living producer was silent for as long, and its stream must not have ended.
    living.write("still here")
    assert living.end()["stopped"] is False


def test_the_next_reader_of_a_dead_producers_stream_finds_it_interrupted(
    backend_site: Site, publisher: Publisher, another: Publisher
):
    source = another.open()
    source.write("one")
    another.kill()
    publisher.call(streams.expire_lease, source.name)
    reader = Reader(source.name).read("polling", backend_site.address)
    assert (reader.text, reader.state) == ("one", "interrupted")


# Abandoned streams.


def test_a_stream_without_viewers_is_abandoned_and_one_with_a_viewer_elsewhere_is_not(
    backend_site: Site, publisher: Publisher, at_once
):
    name = new_name("watched")
    publisher.call(streams.reserve, name)
    reader = Reader(name)
    records = TRANSPORTS["sse"](backend_site.servers[-1].address, name, "0", {})
    first = at_once.submit(next, records)
    # A busy server counts a viewer late, perhaps later than a producer without viewers waits.
    wait_until(lambda: publisher.call(streams.viewers, name), "the viewer is counted")
    watched = publisher.open(name, abandon=4)
    watched.write("one ")
    reader.take(first.result())
    # This stream began later, so the other one would be abandoned first.
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


# Segments.


def test_many_streams_share_commits_and_a_finished_stream_is_one_row(
    backend_site: Site, publisher: Publisher
):
    texts = [f"{number} " for number in range(100)]
    sources = [publisher.open(new_name("many")) for _ in range(40)]
    # The pieces that come meanwhile share a commit, however fast the database is.
    publisher.call(streams.keep_database_busy, 1)
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
def test_a_commit_rings_at_most_once_for_any_number_of_viewers(
    backend_site: Site, publisher: Publisher, at_once
):
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
        # All rings of the engine come before this ring of the test's own.
        valkey.publish(last := f"last.streams.{pk}", b"")
        heard = iter(lambda: rings.get_message(timeout=30)["channel"], last.encode())
        # Rings that wait for the channel layer together are sent as one.
        assert 1 <= len(list(heard)) <= commits + 1


def watching(source: Source) -> int:
    """Return how many viewers are counted, over all processes."""
    return source.publisher.call(streams.viewers, source.name)


# Commit groups.


def test_a_refused_write_does_not_affect_the_other_writes_of_its_commit_group(
    backend_site: Site, publisher: Publisher
):
    names = [new_name("together") for _ in range(3)]
    outcomes = publisher.call(streams.append_in_groups, names)
    assert outcomes == [None, None, "OutOfTurn", None, "TooLarge", None]
    for name, text in zip(names, ["a b e ", "c d ", ""], strict=True):
        reader = Reader(name).read("polling", backend_site.address)
        assert (reader.text, reader.state) == (text, "done")


# Invalid pieces and names.


@pytest.mark.parametrize(
    ("text", "error"),
    [("a\0b", "BadRequest"), ("x" * 65_537, "TooLarge"), ("half \ud83d", "BadRequest")],
    ids=["NUL", "too long", "half a surrogate pair"],
)
@pytest.mark.parametrize("form", ["async", "sync"])
def test_an_invalid_piece_fails_the_stream_and_the_earlier_pieces_are_kept(
    backend_site: Site, publisher: Publisher, form: str, text: str, error: str
):
    source = publisher.open(form=form)
    source.begin(["before", text, "after"])
    assert source.expect("raised")["error"] == error
    reader = Reader(source.name).read("polling", backend_site.address)
    assert (reader.text, reader.state) == ("before", "failed")
    assert reader.end["reason"] == "The source failed."
    reason, failure = publisher.call(streams.reason_and_failure, source.name)
    assert reason == "The source failed."
    assert failure.startswith(f"{error}: ")


@pytest.mark.parametrize(
    ("format", "piece", "sentence"),
    [
        (
            "text",
            {"a": 1},
            'A piece must be text, not dict. Only a stream with format="json" takes',
        ),
        ("json", {"a": [float("nan")]}, "The number at $.a[0] is nan, which is not JSON."),
        ("json", "half \ud83d", "The text at $ has half a surrogate pair at character 5"),
        ("json", ["x" * 65_536], "has 65540 characters. The limit is 65536."),
    ],
    ids=["dict", "nan", "surrogate", "too long"],
)
@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_value_that_the_format_does_not_have_is_refused_by_a_sentence(
    backend_site: Site, publisher: Publisher, form: str, format: str, piece: Any, sentence: str
):
    source = publisher.open(form=form, format=format)
    source.begin(["before", piece])
    assert sentence in source.expect("raised")["detail"]
    reader = Reader(source.name).read("websocket", backend_site.address)
    assert (reader.texts, reader.state) == (["before"], "failed")


@pytest.mark.parametrize("name", ["a/b", "x" * 300, "-a", "ü", "a b", "a\n"])
def test_an_invalid_name_is_refused(backend_site: Site, publisher: Publisher, name: str):
    raised = publisher.launch(name).expect("raised")
    assert raised["error"] == "BadRequest"


def test_a_source_without_pieces_makes_an_empty_stream(backend_site: Site, publisher: Publisher):
    source = publisher.open()
    source.begin([""])
    source.expect("written")
    source.end()
    for transport in TRANSPORTS:
        reader = Reader(source.name).read(transport, backend_site.address)
        assert (reader.texts, reader.state) == ([], "done")
