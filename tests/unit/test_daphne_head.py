"""The parser of heads, and the names of Twisted that connections depend on."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.web import http

from streamsite.daphne.body import Body, Malformed
from streamsite.daphne.head import (
    MAX_HEAD,
    MAX_HEADERS,
    MAX_LINE,
    Refused,
    check_beginning,
    parse_head,
)

HOST = b"Host: localhost\r\n"


def get(line: bytes = b"GET / HTTP/1.1", *headers: bytes) -> bytes:
    return line + b"\r\n" + HOST + b"".join(header + b"\r\n" for header in headers)


def status_of(data: bytes) -> int:
    with pytest.raises(Refused) as caught:
        parse_head(data)
    return caught.value.status


def test_a_head_has_what_a_server_needs():
    head = parse_head(get(b"POST /a%20b?c=d?e HTTP/1.1", b"Content-Length: 007", b"X-A: \t b \t"))
    assert (head.method, head.path, head.query) == (b"POST", b"/a%20b", b"c=d?e")
    assert (head.target, head.version, head.length) == (b"/a%20b?c=d?e", b"HTTP/1.1", 7)
    assert head.headers[-1] == (b"x-a", b"b")
    assert (head.closes, head.expects, head.upgrades) == (False, False, False)


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        (b"GET http://localhost HTTP/1.1", b"/", b""),
        (b"GET http://localhost:80/a HTTP/1.1", b"/a", b""),
        (b"GET HTTPS://localhost?a=b HTTP/1.1", b"/", b"a=b"),
        (b"GET //a/b HTTP/1.1", b"//a/b", b""),
        (b"OPTIONS * HTTP/1.1", b"*", b""),
    ],
)
def test_each_form_of_a_target_has_a_path(line, path, query):
    head = parse_head(get(line))
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        ([b"Connection: close"], True),
        ([b"Connection: TE,  Close"], True),
        ([b"Connection: TE", b"Connection: close"], True),
        ([b"Connection: keep-alive, not-close"], False),
    ],
)
def test_a_client_may_ask_in_a_list_for_the_end_of_its_connection(headers, closes):
    assert parse_head(get(b"GET / HTTP/1.1", *headers)).closes == closes


def test_http_1_0_is_one_request_without_expectations():
    head = parse_head(get(b"POST / HTTP/1.0", b"Expect: 100-continue", b"Content-Length: 1"))
    assert (head.closes, head.expects, head.length) == (True, False, 1)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get(b"GET /" + b"a" * MAX_LINE + b" HTTP/1.1"), 414),
        (get(b"GET / HTTP/1.1", b"X: " + b"a" * MAX_HEAD), 431),
        (get(b"GET / HTTP/1.1", *[b"X: a"] * MAX_HEADERS), 431),
        (get(b"get / HTTP/1.1"), 501),
        (get(b"GET / HTTP/3.0"), 505),
        (get(b"GET / HTTP/1.1", b"Expect: tea"), 417),
        (get(b"POST / HTTP/1.1", b"Content-Length: " + b"9" * 5000), 413),
        (get(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip"), 501),
        (get(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked, chunked"), 400),
        (get(b"GET / HTTP/1.1", b"X-A: b\x85c"), 400),
    ],
)
def test_a_head_that_is_refused_has_the_status_that_says_why(data, status):
    assert status_of(data) == status


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data):
    for attempt in (data, b"GET / HTTP/1.1\r\n" + data, get(b"GET / HTTP/1.1", data)):
        with suppress(Refused):
            assert parse_head(attempt + b"\r\n").path


@given(st.integers(0, 500))
def test_no_beginning_of_a_valid_head_is_refused(size):
    head = get(b"GET /" + b"a" * 100 + b" HTTP/1.1", *[b"X-Header: value"] * 20)
    if head[:size]:
        check_beginning(head[:size])


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_body_is_the_same_however_its_bytes_are_divided(size):
    sent = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\nGET"
    body, got, rest = Body(None), b"", b""
    for start in range(0, len(sent), size):
        if body.rest is None:
            got += body.take(sent[start : start + size])
        else:
            rest += sent[start : start + size]
    assert got == b"abc0123456789"
    assert (body.rest or b"") + rest == b"GET"


def test_a_chunk_that_is_too_large_for_any_server_is_malformed():
    with pytest.raises(Malformed):
        Body(None).take(b"f" * 40 + b"\r\nabc")


# The private names of Twisted. An upgrade that changes one of them fails here.


def test_twisted_has_the_names_that_connections_use():
    channel = http.HTTPChannel()
    assert (channel.requests, channel.persistent) == ([], 1)
    assert (channel._handlingRequest, channel._waitingForTransport) == (False, False)
    assert http._GenericHTTPChannelProtocol(channel)._channel is channel
    decoder = http._ChunkedTransferDecoder(None, None)
    assert (decoder.state, callable(decoder.dataReceived)) == ("CHUNK_LENGTH", True)
    assert callable(reactor.seconds)
