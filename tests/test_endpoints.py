"""The article's four endpoints, byte by byte.

All endpoints send the same text, each in the framing of its transport.
"""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from .marks import ON_EVERY_SERVER
from .raw import events, http, websocket
from .site import Site
from .transfers import TRANSFERS, Transfer

pytestmark = ON_EVERY_SERVER

STREAMS = {"chunked": "/stream/chunked", "sse": "/stream/events"}
HTTP = {"polling": "/stream/polling?cnt=0", **STREAMS}

NO_STORE = "no-store"
NO_TRANSFORM = "no-cache, no-transform"


@pytest.fixture(scope="module")
def stored(shared_site: Site) -> list[str]:
    return shared_site.pieces()


@pytest.fixture(scope="module")
def running(shared_site: Site) -> Iterator[dict[str, Future[Transfer]]]:
    """Start a transfer on each transport, all at once: each takes as long as the article."""
    with ThreadPoolExecutor(len(TRANSFERS)) as pool:
        yield {
            name: pool.submit(transfer, shared_site.address) for name, transfer in TRANSFERS.items()
        }


@pytest.fixture(scope="module")
def polled(running: dict[str, Future[Transfer]]) -> Transfer:
    return running["polling"].result()


@pytest.fixture(scope="module")
def chunked(running: dict[str, Future[Transfer]]) -> Transfer:
    return running["chunked"].result()


@pytest.fixture(scope="module")
def sse(running: dict[str, Future[Transfer]]) -> Transfer:
    return running["sse"].result()


@pytest.fixture(scope="module")
def ws(running: dict[str, Future[Transfer]]) -> Transfer:
    return running["websocket"].result()


def test_the_article_has_the_characters_that_are_hard_to_stream(stored):
    text = "".join(stored)
    assert 100 < len(stored) < 300
    for kind in (
        "\n",
        "你",
        "the",
        "\N{ZERO WIDTH JOINER}",
        "\N{COMBINING ACUTE ACCENT}",
        "\N{RIGHT-TO-LEFT MARK}",
    ):
        assert kind in text


@pytest.mark.parametrize("transport", TRANSFERS)
def test_every_transport_sends_the_stored_pieces(running, stored, transport):
    assert running[transport].result().texts == stored


def test_polling_returns_the_piece_of_each_number(polled, stored):
    *answers, _last = polled.answers
    assert [answer.body for answer in answers] == [
        b'{"message": ' + json.dumps(piece, ensure_ascii=False).encode() + b"}" for piece in stored
    ]


def test_polling_ends_with_a_400(polled, stored):
    assert len(polled.answers) == len(stored) + 1
    assert polled.last.status == 400
    assert polled.last.body == b'{"detail": "Invalid index"}'


def test_polling_starts_at_piece_1_when_no_number_is_given(site, stored):
    assert http.get(site.address, "/stream/polling").json == {"message": stored[1]}


def test_each_piece_is_one_chunk(chunked, stored):
    encoded = [piece.encode() for piece in stored]
    # A server may write hexadecimal digits in either case (RFC 9112, section 7.1).
    wires = [
        b"".join(framing % (len(piece), piece) for piece in encoded) + b"0\r\n\r\n"
        for framing in (b"%x\r\n%b\r\n", b"%X\r\n%b\r\n")
    ]
    assert chunked.response.wire in wires


def test_each_event_is_one_chunk_with_data_lines(sse, stored):
    written = ["data: " + piece.replace("\n", "\ndata: ") + "\n\n" for piece in stored]
    assert [chunk.decode() for chunk in sse.response.chunks] == [*written, "data: END\n\n"]


def test_events_have_only_data_and_the_last_is_END(sse):
    fields = {name for block in events.parse(sse.response.body) for name, _value in block.fields}
    assert fields == {"data"}
    assert sse.last.data == "END"


def test_each_piece_is_one_text_frame_before_a_normal_close(ws, stored):
    *frames, close = ws.frames
    assert all(frame.opcode == websocket.TEXT and frame.final for frame in frames)
    assert [frame.size - len(frame.payload) for frame in frames] == [
        2 if len(piece.encode()) < 126 else 4 for piece in stored
    ]
    assert close.code == 1000


@pytest.mark.parametrize(
    ("transport", "content_type"),
    [
        ("polling", "application/json"),
        ("chunked", "text/plain; charset=utf-8"),
        ("sse", "text/event-stream"),
    ],
)
def test_headers_forbid_caching_buffering_and_sniffing(running, transport, content_type):
    headers = running[transport].result().response.headers
    assert headers["content-type"] == content_type
    assert headers["cache-control"] == (NO_TRANSFORM if transport == "sse" else NO_STORE)
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in headers


@pytest.mark.parametrize("transport", HTTP)
def test_a_stream_is_never_compressed(site, transport):
    with http.Connection(site.address) as connection:
        connection.send(HTTP[transport], headers={"Accept-Encoding": "gzip, br"})
        assert "content-encoding" not in http.read_head(connection.file).headers


@pytest.mark.parametrize("transport", STREAMS)
def test_the_first_piece_arrives_before_the_last_one_is_sent(site, transport):
    with http.Connection(site.address) as connection:
        connection.send(STREAMS[transport])
        http.read_head(connection.file)
        http.read_chunk(connection.file)
        connection.socket.setblocking(False)
        assert not (connection.file.peek() or b"").endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("transport", HTTP)
def test_HEAD_returns_the_headers_without_a_body(site, transport):
    with http.Connection(site.address) as connection:
        head = connection.ask(HTTP[transport], method="HEAD", headers={"Connection": "close"})
        assert head.status == 200
        connection.assert_ended()


def test_stop_closes_the_websocket_early_with_1000(site, stored):
    with websocket.connect(site.address, "/stream/ws") as socket:
        first = socket.read()
        socket.write(websocket.TEXT, b"stop")
        *rest, close = socket.frames()
        assert close.code == 1000
        received = [frame.text for frame in (first, *rest)]
        assert received == stored[: len(received)]
        assert len(received) < len(stored)


def test_another_message_than_stop_closes_the_websocket_with_1003(site):
    with websocket.connect(site.address, "/stream/ws") as socket:
        socket.write(websocket.TEXT, "停".encode())
        *_pieces, close = socket.frames()
        assert close.code == 1003


def test_a_client_may_close_the_websocket(site):
    with websocket.connect(site.address, "/stream/ws") as socket:
        socket.read()
        socket.write(websocket.CLOSE, websocket.close_payload(1000))
        *_pieces, close = socket.frames()
        assert close.code == 1000


def test_a_ping_is_answered_with_its_payload(site):
    with websocket.connect(site.address, "/stream/ws") as socket:
        socket.write(websocket.PING, b"there?")
        pong = next(frame for frame in socket.frames() if frame.opcode != websocket.TEXT)
        assert (pong.opcode, pong.payload) == (websocket.PONG, b"there?")
