"""The client, by itself and against servers that misbehave."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams import client
from streamsite.streams.client import connections
from streamsite.streams.client.backoff import CAP, Backoff
from streamsite.streams.client.ledger import Ledger
from streamsite.streams.client.parsing import merge_pieces, parse_poll, parse_records
from streamsite.streams.http.transports.encoding import json_objects
from streamsite.streams.pieces import Cursor, End, Pieces, Reset
from streamsite.streams.values import line_of
from tests.ports import HOST
from tests.reading import read, sha256, text_of

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


# The address of a connection.


def test_a_connection_has_the_whole_query_of_the_streams_address_and_its_own_cursor():
    url = "https://example.com/stream/a/?tag=b&tag=c&empty=&after=3#top"
    subscription = connections.Subscription(connections.http_client({}), url, "17", {}, Backoff())
    assert subscription.address("polling", wait=20) == (
        "https://example.com/stream/a/polling?tag=b&tag=c&empty=&after=17&wait=20"
    )


# How long to wait before the next connection.


def test_waits_double_up_to_a_cap_and_reset_to_the_first():
    backoff = Backoff(jitter=lambda: 1.0)
    waits = [backoff.next() for _ in range(100)]
    assert waits[0] == backoff.base
    assert all(later == min(CAP, 2 * earlier) for earlier, later in pairwise(waits))
    assert waits[-1] == CAP
    backoff.reset()
    assert backoff.next() == backoff.base


def test_a_wait_is_anything_from_zero_to_the_longest():
    assert Backoff(jitter=lambda: 0.0).next() == 0
    backoff = Backoff()
    backoff.base = 2.0  # seconds, as set by a server's `retry:` field
    assert {0 <= backoff.next() <= CAP for _ in range(50)} == {True}


# The records received so far.


def test_the_ledger_drops_repeated_pieces():
    ledger = Ledger(Cursor())
    assert ledger.take(Pieces(0, ["a", "b"])) == Pieces(0, ["a", "b"])
    assert ledger.take(Pieces(0, ["a", "b"])) is None
    assert ledger.take(Pieces(1, ["b", "c"])) == Pieces(2, ["c"])
    assert ledger.cursor == Cursor(0, 3)
    end = End("done", 3, sha256("abc"))
    assert ledger.take(end) is end


def test_a_gap_is_a_lost_connection():
    ledger = Ledger(Cursor())
    with pytest.raises(client.ConnectionLost, match="piece 1 arrived where piece 0 was expected"):
        ledger.take(Pieces(1, ["b"]))


def test_another_revision_is_a_lost_connection_unless_a_reset_announces_it():
    ledger = Ledger(Cursor())
    ledger.take(Pieces(0, ["a"]))
    with pytest.raises(client.ConnectionLost, match="revision 2"):
        ledger.take(Pieces(1, ["b"], revision=2))
    ledger.take(Reset(0, "edited", revision=2))
    ledger.take(Pieces(0, ["new"], revision=2))
    assert str(ledger.cursor) == "2.1"
    ledger.take(End("done", 1, sha256("new"), revision=2))


@pytest.mark.parametrize("end", [End("done", 2, sha256("ab")), End("done", 1, sha256("b"))])
def test_an_end_that_contradicts_the_pieces_is_corrupt(end):
    ledger = Ledger(Cursor())
    ledger.take(Pieces(0, ["a"]))
    with pytest.raises(client.Corrupt):
        ledger.take(end)


def test_a_text_without_its_beginning_is_checked_by_its_number_of_pieces_alone():
    ledger = Ledger(Cursor(0, 5))
    ledger.take(Pieces(5, ["f"]))
    ledger.take(End("done", 6, "0" * 64))


def test_a_reader_of_the_latest_piece_begins_with_any_piece():
    ledger = Ledger("latest")
    assert str(ledger.cursor) == "latest"
    ledger.take(Pieces(7, ["a"], revision=2))
    assert ledger.cursor == Cursor(2, 8)
    ledger.take(End("done", 8, "0" * 64, revision=2))
    # A reader that has the first piece, or a stream without pieces, checks the whole text.
    ledger = Ledger("latest")
    ledger.take(Pieces(0, ["a"]))
    with pytest.raises(client.Corrupt):
        ledger.take(End("done", 1, sha256("b")))
    Ledger("latest").take(End("done", 0, sha256("")))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=5,
)
RECORDS = st.one_of(
    st.builds(
        Pieces,
        st.integers(0, 99),
        st.lists(VALUES.map(line_of), min_size=1, max_size=4),
        revision=st.integers(0, 3),
        format=st.just("json"),
    ),
    st.builds(
        Pieces,
        st.integers(0, 99),
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
            min_size=1,
            max_size=4,
        ),
        revision=st.integers(0, 3),
    ),
    st.builds(Reset, st.just(0), st.text(), revision=st.integers(0, 3)),
    st.builds(
        End,
        st.just("failed"),
        st.integers(0, 9),
        st.just("ab"),
        st.text(),
        revision=st.integers(0, 3),
    ),
)


@given(st.lists(RECORDS, max_size=5), st.booleans())
def test_the_client_parses_the_objects_that_the_engine_writes(records, in_batches):
    objects = [text for record in records for text in json_objects(record)]
    texts = [f"[{','.join(objects)}]"] if in_batches else objects
    assert parse_records(texts) == merge_pieces(records)


@pytest.mark.parametrize(
    "text", ["", "{", '{"n": 1, "text": 2}', '{"end": "done"}', '{"reset": "0"}', "[" * 99_999]
)
def test_an_invalid_record_is_refused(text):
    with pytest.raises((ValueError, RecursionError)):
        parse_records([text])


def test_unknown_kinds_of_objects_are_skipped():
    assert parse_records(['{"error": "…"}', '"word"', '{"n": 0, "text": "a", "more": 1}']) == [
        Pieces(0, ["a"])
    ]


def test_an_answer_of_polling_has_the_same_records_as_the_other_transports():
    answer = {
        "pieces": ["c"],
        "after": "2.1",
        "state": "done",
        "sha256": "ab",
        "reset": 0,
        "why": "edited",
    }
    assert parse_poll(answer) == (
        [
            Reset(0, "edited", revision=2),
            Pieces(0, ["c"], revision=2),
            End("done", 1, "ab", revision=2),
        ],
        Cursor(2, 1),
    )
    assert parse_poll(
        {"pieces": ["c", {"a": 1}], "after": 3, "state": "live", "format": "json"}
    ) == (
        [Pieces(1, ['"c"\n', '{"a":1}\n'], format="json")],
        Cursor(0, 3),
    )
    # Without a SHA-256 the answer has no end, whatever the state: more pieces follow.
    assert parse_poll({"pieces": [], "after": 3, "state": "done"}) == ([], Cursor(0, 3))


@pytest.mark.parametrize(
    "url", ["", "build", "ftp://x/y", "http://", "http://x:99999/", "http://[/"]
)
async def test_an_invalid_address_or_transport_raises_value_error(url):
    with pytest.raises(ValueError, match="is not a stream's address"):
        await read(url)
    with pytest.raises(ValueError, match="There is no transport 'pigeon'"):
        await read("http://localhost/stream/x", transport="pigeon")


# Servers that misbehave.


class Script:
    """A server that gives the next of its `answers` to each request, and records the paths."""

    def __init__(self, *answers: Answer | bytes) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.url = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ")[1])
        answer = self.answers.pop(0)
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        else:
            await answer(head, writer)
        writer.close()


@asynccontextmanager
async def server(*answers: Answer | bytes) -> AsyncIterator[Script]:
    script = Script(*answers)
    listening = await asyncio.start_server(script.accept, HOST, 0)
    script.url = "http://{}:{}/stream/x".format(*listening.sockets[0].getsockname())
    async with listening:
        yield script


def answer(
    *parts: bytes, status: str = "200 OK", kind: str = "application/x-ndjson", **headers: str
) -> bytes:
    """Return a chunked response that breaks off: its last chunk is missing."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def lines(*objects: object) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in objects)


END = {"end": "done", "n": 2, "sha256": sha256("你好")}
FIRST, SECOND = {"n": 0, "text": "你"}, {"n": 1, "text": "好"}


@pytest.mark.parametrize("part", [0.0, 0.1, 0.2, 0.3, 0.5, 0.9])
async def test_the_client_resumes_wherever_a_connection_was_cut(monkeypatch, part):
    monkeypatch.setattr("streamsite.streams.client.backoff.BASE", 0.01)
    whole = lines(FIRST, SECOND, END)
    begun = whole[: int(len(whole) * part)]
    # The second answer repeats the pieces that the client has, as a faulty server might.
    async with server(answer(begun), answer(whole)) as script:
        records = await read(script.url, transport="chunked")
    assert text_of(records) == "你好"
    assert script.asked[1].endswith(f"after={begun.count(b'}')}")


@pytest.mark.parametrize(
    "first",
    [
        answer(status="503 Service Unavailable", Retry_After="0"),
        answer(status="429 Too Many Requests"),
        answer(b"<p>Pay here", kind="text/html"),
        answer(lines(SECOND)),
        answer(b"{nonsense}\n"),
        answer(b'{"n": 0, "text": "\xff"}\n'),
        answer(b"[" * 99_999 + b"\n"),
        answer(b"0"),
        b"HTTP/1.1 200 OK\r\n",
        b"\x16\x03\x01 no HTTP at all",
        b"",
    ],
    ids=lambda data: data[:16].decode(errors="replace"),
)
async def test_the_client_repeats_a_request_after_a_faulty_answer(monkeypatch, first):
    monkeypatch.setattr("streamsite.streams.client.backoff.BASE", 0.01)
    lost: list[str] = []
    async with server(first, answer(lines(FIRST, SECOND, END))) as script:
        records = await read(
            script.url, transport="chunked", on_lost=lambda error, _: lost.append(f"{error}")
        )
    assert text_of(records) == "你好"
    assert len(lost) == 1
    assert lost[0]


async def test_an_event_stream_is_decoded_byte_by_byte_and_its_retry_is_respected(monkeypatch):
    events = b"retry: 10\n\n: ping\n\n" + b"".join(
        b"data: " + line + b"\n\n" for line in lines(FIRST, SECOND, END).splitlines()
    )
    parts = [events[i : i + 1] for i in range(len(events))]
    half = answer(*parts[:-60], kind="text/event-stream")
    waits: list[float] = []
    async with server(half, answer(*parts, kind="text/event-stream")) as script:
        records = await read(script.url, on_lost=lambda _, wait: waits.append(wait))
    assert text_of(records) == "你好"
    assert max(waits) <= 0.01


async def test_a_silent_connection_is_a_lost_connection(monkeypatch):
    monkeypatch.setattr(connections, "READ_TIMEOUT", 0.2)
    over = asyncio.Event()

    async def hang_at_first(head: str, writer: asyncio.StreamWriter) -> None:
        begins = "after=0" in head
        writer.write(answer(lines(FIRST) if begins else lines(SECOND, END)))
        await writer.drain()
        if begins:
            await over.wait()

    # On a busy machine any of these connections may be silent for too long.
    async with server(*[hang_at_first] * 99) as script:
        records = await read(script.url, transport="chunked")
        over.set()
        assert text_of(records) == "你好"
        assert script.asked[0].endswith("after=0")
        assert script.asked[-1].endswith("after=1")


async def test_a_wrong_sha256_is_corrupt_and_the_request_is_not_repeated():
    async with server(answer(lines(FIRST, SECOND, {**END, "sha256": "0" * 64}))) as script:
        with pytest.raises(client.Corrupt, match="SHA-256"):
            await read(script.url, transport="chunked")
    assert len(script.asked) == 1


async def test_the_client_gives_up_when_its_patience_ends():
    async with server(*[b""] * 99) as script:
        with pytest.raises(client.ConnectionLost):
            await read(script.url, transport="polling", patience=0.5)
    assert len(script.asked) >= 1


def refusal(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_the_client_waits_for_a_stream_that_does_not_exist_yet(monkeypatch):
    monkeypatch.setattr("streamsite.streams.client.backoff.BASE", 0.01)
    missing = refusal("404 Not Found")
    async with server(missing, missing, answer(lines(FIRST, SECOND, END))) as script:
        records = await read(script.url, transport="chunked", wait=True)
    assert text_of(records) == "你好"
    assert len(script.asked) == 3


async def test_the_client_waits_no_longer_than_asked_for(monkeypatch):
    monkeypatch.setattr("streamsite.streams.client.backoff.BASE", 0.01)
    async with server(*[refusal("404 Not Found")] * 99) as script:
        with pytest.raises(client.Refused):
            await read(script.url, transport="chunked", wait=0.05)


async def test_the_client_does_not_wait_for_a_stream_that_was_removed():
    async with server(refusal("410 Gone")) as script:
        with pytest.raises(client.Refused):
            await read(script.url, transport="chunked", wait=True)
    assert len(script.asked) == 1


async def test_headers_are_sent_with_every_transport():
    heads: list[str] = []

    async def note(head: str, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with server(*[note] * 4) as script:
        for transport in client.TRANSPORTS:
            with pytest.raises(client.Refused) as refused:
                await read(script.url, transport=transport, headers={"Cookie": "sessionid=1"})
            assert refused.value.status == 403
    assert all("sessionid=1" in head for head in heads)


async def test_a_poll_says_how_long_ago_the_last_piece_came():
    def poll(*texts: str, **more: object) -> bytes:
        body = {"pieces": texts, "after": 2 if more else len(texts), "state": "done", **more}
        return answer(json.dumps(body).encode(), kind="application/json") + b"0\r\n\r\n"

    async with server(poll("你"), poll(), poll("好", sha256=END["sha256"])) as script:
        await read(f"{script.url}?pace=60", transport="polling")
    waited = [float(re.search(r"waited=([0-9.]+)", each)[1]) for each in script.asked]
    # The second answer has no piece, so the time goes on, by the pause between two polls at least.
    assert waited[2] >= waited[1] + connections.POLL_PAUSE
