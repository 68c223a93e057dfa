"""The pure parts of the lab: parsing, counting, bounds and addresses."""

import asyncio
import json
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from demos.lab import account, faults, panels, proxies
from demos.lab.options import MOST_CHARACTERS, Options, read_options
from demos.lab.parsing import PARSERS
from demos.lab.producer import give
from demos.lab.runs import Run
from demos.lab.texts import numbers
from streamsite.daphne.http import chunk
from streamsite.daphne.websocket import text_frame
from streamsite.streams import BadRequest, Conflict, End, Pieces, Stream, TooLarge
from streamsite.streams.http.transports import chunked, events, websocket
from streamsite.streams.wire import sse

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: any\r\n\r\n"
CLOSE = b"\x88\x02\x03\xe8"
TEXTS = ["0 ··", "1 ··", "{\n", "END"]


def engine_messages(transport: str) -> list[bytes]:
    """Return what the engine sends of a stream of four pieces, as its endpoints encode it."""
    records = [Pieces(0, TEXTS[:1]), Pieces(1, TEXTS[1:]), End("done", 4, "ab")]
    if transport == "websocket":
        return [frame.encode() for each in records for frame in websocket.frames([each])]
    body = (chunked.LINES if transport == "chunked" else events.FORMAT).body
    return [sse.retry(1000), *map(body, ([each] for each in records)), body([])]


def plain_messages(transport: str) -> list[bytes]:
    if transport == "sse":
        return [*(sse.event(text) for text in TEXTS[:3]), sse.event("END")]
    return [text.encode() for text in TEXTS]


def messages_of(source: str, transport: str) -> list[bytes]:
    return engine_messages(transport) if source == "engine" else plain_messages(transport)


@pytest.mark.parametrize(("source", "transport"), PARSERS)
@given(cuts=st.lists(st.integers(1, 400), max_size=8))
def test_a_parser_finds_the_pieces_however_the_bytes_are_cut(source, transport, cuts):
    messages = messages_of(source, transport)
    if (source, transport) == ("engine", "chunked"):
        messages = messages[1:]  # Lines have no `retry`.
    frame, end = (text_frame, CLOSE) if transport == "websocket" else (chunk, b"0\r\n\r\n")
    data = HEAD + b"".join(frame(message) for message in messages if message) + end
    parser = PARSERS[source, transport]()
    places = [0, *sorted(cuts), len(data)]
    for start, stop in pairwise(places):
        parser.feed(data[start:stop])
    assert parser.over
    expected = 3 if (source, transport) == ("plain", "sse") else 4
    assert (parser.pieces, parser.distinct) == (expected, expected)


@pytest.mark.parametrize(("source", "transport"), PARSERS)
def test_a_row_counts_the_pieces_that_are_sent(source, transport):
    row = account.Row("panel", source, transport, "direct")
    messages = messages_of(source, transport)
    for message in messages:
        row.sent(message)
    expected = 3 if (source, transport) == ("plain", "sse") else 4
    assert row.pieces == expected
    assert row.bytes == sum(map(len, messages))


def test_a_row_counts_the_pieces_in_the_answers_to_polls():
    engine = account.Row("panel", "engine", "polling", "direct")
    plain = account.Row("panel", "plain", "polling", "direct")
    engine.sent(json.dumps({"pieces": ["a", "b"], "after": 2, "state": "live"}).encode())
    engine.sent(b'{"detail":"There is no stream."}')
    plain.sent(b'{"message":"a"}')
    plain.sent(b'{"message":""}')
    plain.sent(b'{"detail":"Invalid index"}')
    assert (engine.pieces, plain.pieces) == (2, 1)


@given(
    st.dictionaries(
        st.sampled_from([*Options.__dataclass_fields__, "other"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    )
)
def test_options_are_within_their_bounds_or_refused(body):
    try:
        options = read_options(body)
    except (BadRequest, TooLarge):
        return
    assert 1 <= options.rate <= 200
    assert 1 <= options.seconds <= 60
    assert options.pieces * options.size <= MOST_CHARACTERS


def test_a_missing_option_has_a_default():
    assert read_options({"rate": 50.0}) == Options(rate=50)
    with pytest.raises(BadRequest, match="unknown key 'Rate'"):
        read_options({"Rate": 50})


async def test_a_number_is_never_cut():
    texts = [text async for text in numbers(Options(rate=100, seconds=2, size=3))]
    assert texts[0] == "0 ·"
    assert texts[199] == "199 "


@pytest.mark.parametrize("source", ["engine", "plain"])
@pytest.mark.parametrize("path", proxies.PATHS)
@pytest.mark.parametrize("endpoint", panels.TRANSPORTS)
def test_the_addresses_of_panels_are_in_the_urlconf(source, path, endpoint):
    from django.urls import resolve

    address = f"/lab/runs/0123abcd/tab1/{source}/{path}/{endpoint}"
    assert panels.ADDRESS.fullmatch(address)
    assert resolve(address).kwargs["run_id"] == "0123abcd"
    assert not panels.ADDRESS.fullmatch(address + "/")


async def test_a_source_whose_producer_has_failed_does_not_keep_the_process_alive():
    pieces = asyncio.Queue(1)
    giving = asyncio.create_task(give(Options(rate=200), pieces))
    async with asyncio.timeout(60):
        while not pieces.full():
            await asyncio.sleep(0.01)
        giving.cancel()
        await asyncio.wait([giving])
    assert giving.cancelled()


@pytest.fixture
def run():
    return Run(Stream(name="run", started_at=timezone.now()), None)


async def test_a_stop_that_comes_too_late_is_not_among_the_events_at_any_time(run, monkeypatch):
    told = []

    async def refuse(_stream, _reason):
        told.extend(run.events.all)
        return False

    monkeypatch.setattr(faults, "stop", refuse)
    with pytest.raises(Conflict, match="has ended already"):
        await faults.cause(run, {"fault": "stop"}, {})
    assert told == run.events.all == []


async def test_a_stop_comes_before_the_end_that_it_causes(run, monkeypatch):
    async def end(_stream, _reason):
        run.events.add("end")
        return True

    monkeypatch.setattr(faults, "stop", end)
    await faults.cause(run, {"fault": "stop"}, {})
    assert [event["kind"] for event in run.events.all] == ["stop", "end"]
