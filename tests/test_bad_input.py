"""Invalid and hostile requests.

Each client is told what was wrong, and the server answers the next request as before.
"""

from contextlib import suppress

import pytest

from .conftest import ALLOWED_ORIGINS
from .marks import ON_EVERY_SERVER, upstream
from .raw import http, websocket
from .site import Site

pytestmark = ON_EVERY_SERVER

ENDPOINTS = ("/stream/polling", "/stream/chunked", "/stream/events")


def assert_refused(response: http.Response, status: int) -> str:
    """Check that a response is an error of the site. Return the error's detail."""
    assert response.status == status, response
    assert list(response.json) == ["detail"]
    assert response.json["detail"]
    assert response.headers["cache-control"] == "no-store"
    return response.json["detail"]


@pytest.fixture(autouse=True)
def _answers_the_next_request(site: Site):
    """Check that the server answers the next request. The fixture `site` checks the log."""
    yield
    assert http.get(site.address, "/stream/polling?cnt=0").status == 200


# Numbers.


@pytest.mark.parametrize(
    "cnt", ["", "abc", "1e9", "1.5", "0x1", "9" * 5000, "%00", "%FF", "1%FF", "NaN", "1,2"]
)
def test_a_number_that_is_not_valid_is_named(site, cnt):
    detail = assert_refused(http.get(site.address, f"/stream/polling?cnt={cnt}"), 400)
    assert "cnt" in detail


@pytest.mark.parametrize("cnt", ["-1", str(10**9), str(10**30), "-0001", str(2**63)])
def test_a_number_without_a_piece_is_outside_the_range(site, cnt):
    assert (
        assert_refused(http.get(site.address, f"/stream/polling?cnt={cnt}"), 400) == "Invalid index"
    )


# Methods and addresses.


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_only_GET_is_allowed(site, endpoint, method):
    response = http.ask(site.address, endpoint, method=method)
    assert "GET" in assert_refused(response, 405)
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "target",
    [
        "/stream/",
        "/stream/nothing",
        "/stream/article/pigeon",
        "/stream/no-such-stream/polling",
        "/stream/no-such-stream/chunked",
        "/stream/no-such-stream/events",
        "/stream/../polling",
        "/stream/%FF",
        "/stream/%F0%9F%98%80/polling",
        "/stream/polling/",
    ],
)
def test_an_unknown_stream_or_transport_is_not_found(site, target):
    response = http.get(site.address, target)
    assert response.status == 404
    assert response.json["detail"]


@pytest.mark.parametrize(
    "target", ["/stream/article/pigeon", "/stream/no-such-stream/ws", "/nothing", "/"]
)
def test_a_websocket_to_an_unknown_address_is_closed_with_4404(site, target):
    # The handshake is accepted first, because a browser tells its page nothing about a rejected
    # one.
    with websocket.connect(site.address, target) as socket:
        [close] = socket.frames()
        assert close.code == 4404


@pytest.mark.parametrize(
    "target",
    [
        b"/stream/polling?cnt=\xff",
        b"/\xff",
        pytest.param(
            "/stream/polling?cnt=0&\u4f60=1",
            marks=upstream("granian", "hyper accepts UTF-8 in a query"),
        ),
    ],
)
def test_bytes_that_are_not_allowed_in_a_url_are_refused(site, target):
    assert http.get(site.address, target).status == 400


def test_a_page_with_an_invalid_url_is_not_found(site):
    assert http.get(site.address, "/%FF%FE").status == 404


@pytest.mark.parametrize("endpoint", ["/stream/polling", "/stream/article/events"])
def test_a_query_with_too_many_fields_is_refused(site, endpoint):
    query = "&".join(["after=0"] * 1001)  # Django's DATA_UPLOAD_MAX_NUMBER_FIELDS is 1000.
    assert_refused(http.get(site.address, f"{endpoint}?{query}"), 400)


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/", "/en/", "/admin/login/"])
def test_an_unknown_host_is_refused(site, endpoint):
    assert http.get(site.address, endpoint, host="evil.example").status == 400


def test_the_error_for_an_unknown_host_names_the_setting(site):
    assert "ALLOWED_HOSTS" in assert_refused(
        http.get(site.address, "/stream/polling", host="evil.example"), 400
    )


def test_a_websocket_to_an_unknown_host_is_refused(site):
    with websocket.WebSocket(site.address) as socket:
        assert socket.shake_hands("/stream/ws", {"Host": "evil.example"}).status == 403


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"],
)
def test_bytes_that_are_not_http_are_refused(site, junk):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(junk)
        answer = connection.file.read()
        assert not answer or answer.startswith(b"HTTP/1.1 400 "), (
            "neither a 400 nor the end of the connection"
        )


# Origins.

OTHER_ORIGINS = [
    "null",
    "https://evil.example",
    "https://example.com.evil.example",
    "https://sub.example.com",
    "http://example.com",
    "https://example.com:8443",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://127.0.0.1:1",
    "ftp://example.com",
    "example.com",
    "https://example.com:port",
    "https://[",
]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_a_page_of_an_unknown_origin_may_not_open_a_websocket(site, origin):
    with websocket.WebSocket(site.address) as socket:
        # A server may answer 400 itself if the header is not an origin.
        assert socket.shake_hands("/stream/ws", {"Origin": origin}).status in (400, 403)


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_a_page_of_an_unknown_origin_may_not_read(site, origin):
    headers = http.get(site.address, "/stream/polling?cnt=0", origin=origin).headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [*ALLOWED_ORIGINS, "https://example.com:443"])
def test_a_page_of_a_listed_origin_may_open_a_websocket(site, origin):
    with websocket.connect(site.address, "/stream/ws", {"Origin": origin}) as socket:
        assert socket.read_text()


@pytest.mark.parametrize("origin", ALLOWED_ORIGINS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_page_of_a_listed_origin_may_read(site, endpoint, origin):
    with http.Connection(site.address) as connection:
        connection.send(endpoint, headers={"Origin": origin})
        headers = http.read_head(connection.file).headers
    assert headers["access-control-allow-origin"] == origin
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


def test_a_listed_origin_may_read_a_refusal_too(site):
    response = http.get(site.address, "/stream/polling?cnt=abc", origin=ALLOWED_ORIGINS[0])
    assert response.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]


def test_a_preflight_of_a_listed_origin_is_answered(site):
    request = {"Origin": ALLOWED_ORIGINS[0], "Access-Control-Request-Method": "GET"}
    response = http.ask(site.address, "/stream/events", method="OPTIONS", headers=request)
    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]
    assert "GET" in response.headers["access-control-allow-methods"]


def test_the_sites_own_pages_may_open_a_websocket(site):
    with websocket.connect(site.address, "/stream/ws", {"Origin": site.url}) as socket:
        assert socket.read_text()


def test_a_client_without_an_origin_may_open_a_websocket(site):
    with websocket.connect(site.address, "/stream/ws") as socket:
        assert socket.read_text()


# Frames.


@pytest.fixture
def socket(site: Site):
    with websocket.connect(site.address, "/stream/ws") as socket:
        # granian doesn't answer a frame that arrives before the handshake is complete.
        assert socket.read_text()
        yield socket


# granian answers an invalid frame with a close frame that has no code.
WITHOUT_A_CODE = upstream("granian", "snapview/tungstenite-rs#38")


@WITHOUT_A_CODE
def test_an_oversized_frame_is_refused_before_it_is_received(socket):
    socket.socket.sendall(websocket.write_header(websocket.TEXT, 2**31) + bytes(4))
    assert socket.closed() == 1009


@upstream(
    "granian", "it has no setting for the size of a message, so the limit is tungstenite's 64 MiB"
)
def test_an_oversized_message_in_fragments_is_refused(socket):
    part = bytes(65_536)
    # The server may close the connection before the whole message has been sent.
    try:
        socket.write(websocket.TEXT, part, final=False)
        for _ in range(64):
            socket.write(websocket.CONTINUATION, part, final=False)
        assert socket.closed() == 1009
    except (ConnectionResetError, BrokenPipeError):
        pass


def test_a_binary_frame_is_refused_as_unsupported(socket):
    socket.write(websocket.BINARY, b"\x00\xffstop")
    assert socket.closed() == 1003


@WITHOUT_A_CODE
def test_invalid_utf8_closes_the_socket(site, socket):
    socket.write(websocket.TEXT, b"stop\xff")
    assert socket.closed() == 1007
    if site.server.name == "uvicorn":
        site.server.excuse()  # uvicorn logs the client's mistake with a traceback.


def test_a_client_that_breaks_the_protocol_and_ignores_the_close_is_disconnected(socket):
    socket.write(websocket.TEXT, b"stop", masked=False)
    while socket.read().opcode != websocket.CLOSE:
        pass
    # The server may still send pieces of the article.
    with suppress(ConnectionResetError):
        socket.assert_ended()


@WITHOUT_A_CODE
@pytest.mark.parametrize(
    "mistake",
    [
        websocket.write_frame(websocket.TEXT, b"stop", masked=False),
        bytes([0xC1]) + websocket.write_frame(websocket.TEXT, b"stop")[1:],
        websocket.write_frame(0x3, b"stop"),
        websocket.write_frame(websocket.CONTINUATION, b"stop"),
        websocket.write_frame(websocket.PING, b"x" * 126),
        websocket.write_frame(websocket.CLOSE, b"\x03"),
    ],
    ids=[
        "unmasked",
        "reserved bit",
        "reserved opcode",
        "continuation of nothing",
        "long ping",
        "half a close status",
    ],
)
def test_an_invalid_frame_closes_the_socket_with_1002(socket, mistake):
    socket.socket.sendall(mistake)
    assert socket.closed() == 1002


def test_a_reserved_close_code_closes_the_socket_with_1002(socket):
    socket.write(websocket.CLOSE, websocket.close_payload(1005))
    assert socket.closed() == 1002


def test_an_empty_message_closes_the_socket_with_1003(socket):
    socket.write(websocket.TEXT, b"")
    assert socket.closed() == 1003


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(
            {"Sec-WebSocket-Key": "short"},
            marks=upstream("granian", "it accepts any key"),
        ),
        {"Sec-WebSocket-Version": "7"},
        {"Connection": "close"},
    ],
    ids=["key", "version", "connection"],
)
def test_an_invalid_handshake_is_refused(site, headers):
    with websocket.WebSocket(site.address) as socket:
        assert 400 <= socket.shake_hands("/stream/ws", headers).status < 500
