"""Requests that HTTP/1.1 forbids, and unusual ones that it allows, byte by byte.

Each probe names the section that says what a server must or should do: of RFC 9112 unless the
section begins with 9110. The statuses are those that the section allows. Daphne meets all of them
through `streamsite.daphne`; `UVICORN` lists where uvicorn doesn't, with the reason.
"""

import re
import socket
from contextlib import suppress
from typing import NamedTuple

import pytest

from tests.raw import http
from tests.site import Site
from tests.waiting import PATIENCE

OK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /stream/article/stop HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# An answer to HTTP/1.0 may have this version.
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [\t\x20-\x7e]*\r\n")
# A request that is complete and whose answer shows that it was taken.
TAKEN = {401}


class Probe(NamedTuple):
    """A request, the statuses that a server may answer with, and the section that says so."""

    name: str
    sent: bytes
    allowed: set[int]
    section: str


def line(text: bytes) -> bytes:
    """Return a request with this request line."""
    return text + b"\r\nHost: localhost\r\n\r\n"


def header(text: bytes) -> bytes:
    """Return a request with this header line."""
    return OK + text + b"\r\n\r\n"


def target(text: bytes) -> bytes:
    """Return a GET for this target."""
    return line(b"GET " + text + b" HTTP/1.1")


def version(text: bytes) -> bytes:
    """Return a request of this version of HTTP."""
    return line(b"GET /healthz " + text)


def host(text: bytes) -> bytes:
    """Return a request to this host."""
    return b"GET /healthz HTTP/1.1\r\nHost: " + text + b"\r\n\r\n"


def length(text: bytes, body: bytes = b"") -> bytes:
    """Return a POST with this Content-Length."""
    return POST + b"Content-Length: " + text + b"\r\n\r\n" + body


def coding(text: bytes, body: bytes = b"") -> bytes:
    """Return a POST with this Transfer-Encoding."""
    return POST + b"Transfer-Encoding: " + text + b"\r\n\r\n" + body


PROBES = [
    # The request line.
    Probe("usual", OK + b"\r\n", {200}, "3"),
    Probe("empty line before", b"\r\n" + OK + b"\r\n", {200}, "2.2"),
    Probe("lower-case method", line(b"get /healthz HTTP/1.1"), {400, 501}, "9110 9.1"),
    Probe("mixed-case method", line(b"Get /healthz HTTP/1.1"), {400, 501}, "9110 9.1"),
    Probe("unknown method", line(b"BREW /healthz HTTP/1.1"), {400, 405, 501}, "9110 9.1"),
    Probe("method of no token", line(b"G@T /healthz HTTP/1.1"), {400, 501}, "3.1"),
    Probe("no method", line(b" /healthz HTTP/1.1"), {400}, "3"),
    Probe("space before", line(b" GET /healthz HTTP/1.1"), {400}, "3"),
    Probe("two spaces", line(b"GET  /healthz HTTP/1.1"), {400}, "3"),
    Probe("tabs", line(b"GET\t/healthz\tHTTP/1.1"), {400}, "3"),
    Probe("space in the target", line(b"GET /health z HTTP/1.1"), {400}, "3.2"),
    Probe("space at the end", line(b"GET /healthz HTTP/1.1 "), {400}, "3"),
    Probe("no version", line(b"GET /healthz"), {400, 505}, "3"),
    Probe("no target", line(b"GET HTTP/1.1"), {400}, "3"),
    Probe("only a method", b"GET\r\n\r\n", {400}, "3"),
    Probe("lower-case version", version(b"http/1.1"), {400, 505}, "2.3"),
    Probe("version without a minor", version(b"HTTP/1"), {400, 505}, "2.3"),
    Probe("version 1.10", version(b"HTTP/1.10"), {400, 505}, "2.3"),
    Probe("version 2.0", version(b"HTTP/2.0"), {400, 505}, "9110 15.6.6"),
    Probe("version 0.9", version(b"HTTP/0.9"), {400, 505}, "9110 15.6.6"),
    Probe("version 1.2", version(b"HTTP/1.2"), {200, 400, 505}, "9110 2.5"),
    Probe("version of words", version(b"HTTP/a.b"), {400}, "2.3"),
    Probe("another protocol", version(b"FTP/1.1"), {400}, "2.3"),
    Probe("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}, "9113 3.4"),
    Probe("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {0, 400}, "3"),
    Probe("NUL bytes", bytes(64) + b"\r\n\r\n", {0, 400}, "3"),
    Probe("NUL in the target", target(b"/heal\x00thz"), {400}, "3.2"),
    Probe("control in the target", target(b"/heal\x1bthz"), {400}, "3.2"),
    Probe("byte above ASCII", target(b"/heal\xffthz"), {400}, "3.2"),
    Probe("fragment", target(b"/healthz#a"), {400}, "3.2.1"),
    Probe("no slash", target(b"healthz"), {400}, "3.2"),
    Probe("absolute-form", target(b"http://localhost/healthz"), {200}, "3.2.2"),
    Probe("absolute-form, SHOUTED", target(b"HTTP://localhost/healthz"), {200}, "3.2.2"),
    Probe(
        "absolute-form counts",
        b"GET http://evil.example/stream/polling?cnt=0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {400},
        "3.2.2",
    ),
    Probe(
        "absolute-form before Host",
        b"GET http://localhost/stream/polling?cnt=0 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        {200},
        "3.2.2",
    ),
    Probe("absolute-form, no host", target(b"http:///healthz"), {400}, "3.2.2"),
    Probe("absolute-form, user", target(b"http://a@b/healthz"), {400}, "9110 4.2.4"),
    Probe("authority-form", target(b"localhost:80"), {400}, "3.2.3"),
    Probe("CONNECT", line(b"CONNECT localhost:80 HTTP/1.1"), {400, 405, 501}, "3.2.3"),
    Probe("asterisk-form", line(b"OPTIONS * HTTP/1.1"), {200, 204}, "3.2.4"),
    Probe("asterisk-form of GET", target(b"*"), {400}, "3.2.4"),
    Probe("long line", line(b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), {414}, "3"),
    Probe("very long line", line(b"GET /" + b"a" * 200_000 + b" HTTP/1.1"), {414}, "3"),
    Probe("endless line", b"GET /" + b"a" * 200_000, {414}, "3"),
    # Host.
    Probe("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", {400}, "3.2"),
    Probe("two Hosts", header(b"Host: localhost"), {400}, "3.2"),
    Probe("two different Hosts", header(b"Host: other"), {400}, "3.2"),
    Probe("Host with a space", host(b"local host"), {400}, "3.2"),
    Probe("Host with a path", host(b"a/b"), {400}, "3.2"),
    Probe("Host with a user", host(b"a@b"), {400}, "3.2"),
    Probe("Host with a bad port", host(b"a:b"), {400}, "3.2"),
    Probe("Host of IPv6", host(b"[::1]:80"), {200}, "3.2"),
    Probe("HTTP/1.0 without Host", b"GET /healthz HTTP/1.0\r\n\r\n", {200}, "3.2"),
    # Headers.
    Probe("no space", header(b"X-A:b"), {200}, "5"),
    Probe("spaces around", header(b"X-A: \t b \t"), {200}, "5"),
    Probe("empty value", header(b"X-A:"), {200}, "5"),
    Probe("byte above ASCII in a value", header(b"X-A: \xe4"), {200}, "9110 5.5"),
    Probe("tab in a value", header(b"X-A: b\tc"), {200}, "9110 5.5"),
    Probe("NUL in a value", header(b"X-A: b\x00c"), {400}, "9110 5.5"),
    Probe("escape in a value", header(b"X-A: b\x1bc"), {400}, "9110 5.5"),
    Probe("vertical tab in a value", header(b"X-A: b\x0bc"), {400}, "9110 5.5"),
    Probe("DEL in a value", header(b"X-A: b\x7fc"), {400}, "9110 5.5"),
    Probe("CR in a value", header(b"X-A: b\rc"), {400}, "2.2"),
    Probe("LF as a line end", b"GET /healthz HTTP/1.1\nHost: localhost\n\n", {200, 400}, "2.2"),
    Probe("LF in the head", OK + b"X-A: b\nX-B: c\r\n\r\n", {200, 400}, "2.2"),
    Probe("CR as a line end", OK + b"X-A: b\rX-B: c\r\n\r\n", {400}, "2.2"),
    Probe("space before the colon", header(b"X-A : b"), {400}, "5.1"),
    Probe("space in the name", header(b"X A: b"), {400}, "5.1"),
    Probe("no colon", header(b"X-A"), {400}, "5"),
    Probe("no name", header(b": b"), {400}, "5.1"),
    Probe("name of no token", header(b"X(A): b"), {400}, "5.1"),
    Probe("control in the name", header(b"X\x01A: b"), {400}, "5.1"),
    Probe("two lines", header(b"X-A: b\r\n c"), {200, 400}, "5.2"),
    Probe(
        "white space before the headers",
        b"GET /healthz HTTP/1.1\r\n X-A: b\r\nHost: localhost\r\n\r\n",
        {400},
        "2.2",
    ),
    Probe("long header", header(b"X-A: " + b"b" * 100_000), {400, 431}, "5.4 of RFC 6585"),
    Probe("endless header", OK + b"X-A: " + b"b" * 200_000, {400, 431}, "5.4 of RFC 6585"),
    Probe("many headers", OK + b"X-A: b\r\n" * 5000 + b"\r\n", {400, 431}, "5.4 of RFC 6585"),
    # The length of a body.
    Probe("Content-Length", length(b"2", b"{}"), TAKEN, "6.2"),
    Probe("Content-Length 0", length(b"0"), TAKEN, "6.2"),
    Probe("negative length", length(b"-1"), {400}, "6.3"),
    Probe("length with a plus", length(b"+2", b"{}"), {400}, "6.3"),
    Probe("length in hex", length(b"0x2", b"{}"), {400}, "6.3"),
    Probe("length with an underscore", length(b"1_0", b"{}"), {400}, "6.3"),
    Probe("length of words", length(b"two", b"{}"), {400}, "6.3"),
    Probe("empty length", POST + b"Content-Length:\r\n\r\n", {400}, "6.3"),
    Probe("fraction", length(b"2.0", b"{}"), {400}, "6.3"),
    Probe("list of lengths", length(b"2, 3", b"{}"), {400}, "6.3"),
    Probe("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", {400}, "6.3"),
    Probe("enormous length", POST + b"Content-Length: %b\r\n\r\n" % (b"9" * 40), {400, 413}, "6.3"),
    Probe(
        "length and chunks",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
        "6.3",
    ),
    Probe("unknown coding", coding(b"gzip"), {400, 501}, "6.1"),
    Probe("chunked, not last", coding(b"chunked, gzip"), {400}, "6.3"),
    Probe(
        "chunked twice",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
        "6.1",
    ),
    Probe(
        "a coding before chunked",
        coding(b"gzip, chunked", b"0\r\n\r\n"),
        {400, 501},
        "6.1",
    ),
    Probe(
        "coding almost chunked",
        coding(b"xchunked", b"0\r\n\r\n"),
        {400, 501},
        "6.1",
    ),
    Probe("CHUNKED", coding(b"CHUNKED", b"0\r\n\r\n"), TAKEN, "9110 10.1.4"),
    Probe(
        "chunks in HTTP/1.0",
        b"POST /stream/article/stop HTTP/1.0\r\nHost: localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
        "6.1",
    ),
    # Chunks.
    Probe("chunks", CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", TAKEN, "7.1"),
    Probe("chunk extension", CHUNKED + b"2;a=b\r\n{}\r\n0\r\n\r\n", TAKEN, "7.1.1"),
    Probe("trailer", CHUNKED + b"2\r\n{}\r\n0\r\nX-A: b\r\n\r\n", TAKEN, "7.1.2"),
    Probe("chunk size of words", CHUNKED + b"two\r\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("negative chunk size", CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("chunk size with 0x", CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("chunk size with a space", CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("empty chunk size", CHUNKED + b"\r\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("enormous chunk size", CHUNKED + b"f" * 40 + b"\r\n{}", {400, 413}, "7.1"),
    Probe("chunk longer than its size", CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("LF after a chunk size", CHUNKED + b"2\n{}\r\n0\r\n\r\n", {400}, "7.1"),
    Probe("endless chunk extension", CHUNKED + b"2;" + b"a" * 100_000, {400, 413, 431}, "7.1.1"),
    Probe("endless trailer", CHUNKED + b"0\r\nX-A: " + b"b" * 200_000, {400, 413, 431}, "7.1.2"),
    # Expectations.
    Probe("unknown expectation", header(b"Expect: tea"), {200, 417}, "9110 10.1.1"),
    Probe("expectation without a body", header(b"Expect: 100-continue"), {100, 200}, "9110 10.1.1"),
    # Connections.
    Probe("HEAD", line(b"HEAD /healthz HTTP/1.1"), {200}, "9110 9.3.2"),
    Probe(
        "upgrade to something", header(b"Connection: upgrade\r\nUpgrade: tea"), {200}, "9110 7.8"
    ),
    Probe("list of options", header(b"Connection: keep-alive, te"), {200}, "9110 7.6.1"),
]


# Where uvicorn with httptools answers something else, and why. A proxy such as nginx refuses these.
LENIENT = "llhttp, the parser in httptools, is lenient here"
UNCHECKED = "uvicorn does not check the Host header"
UNBOUNDED = "httptools sets no bound for a request line, a header or an extension"
FORMS = "uvicorn passes on the path of any form of the target"
UVICORN = {
    "two spaces": LENIENT,
    "no version": LENIENT,
    "version 2.0": LENIENT,
    "version 0.9": LENIENT,
    "fragment": LENIENT,
    "a coding before chunked": LENIENT,
    "chunks in HTTP/1.0": LENIENT,
    "absolute-form counts": FORMS,
    "absolute-form before Host": FORMS,
    "absolute-form, user": FORMS,
    "asterisk-form": FORMS,
    "asterisk-form of GET": FORMS,
    "long line": UNBOUNDED,
    "very long line": UNBOUNDED,
    "endless line": UNBOUNDED,
    "long header": UNBOUNDED,
    "endless header": UNBOUNDED,
    "many headers": UNBOUNDED,
    "endless chunk extension": UNBOUNDED,
    "endless trailer": UNBOUNDED,
    "no Host": UNCHECKED,
    "two Hosts": UNCHECKED,
    "two different Hosts": UNCHECKED,
    "Host with a space": UNCHECKED,
    "Host with a path": UNCHECKED,
    "Host with a user": UNCHECKED,
    "Host with a bad port": UNCHECKED,
}
# Seconds after which a server that only reads on counts as one that gives no answer.
SILENCE = 2.0


def status_of(site: Site, sent: bytes, patience: float) -> int | None:
    """Return the status of the answer to these bytes.

    Return 0 if the connection ends without an answer, and None if it stays open without one.
    """
    with http.Connection(site.address) as connection:
        connection.socket.settimeout(patience)
        try:
            # A server that has refused the beginning need not take the rest.
            with suppress(ConnectionError):
                connection.socket.sendall(sent)
            status, _line = http.match_line(STATUS_LINE, connection.file)
        except TimeoutError:
            return None
        except (ConnectionError, http.CutShort):
            return 0
        return int(status[1])


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
@pytest.mark.parametrize("shared_site", ["daphne", "uvicorn"], indirect=True)
def test_a_request_gets_a_status_that_the_standard_allows(site, probe):
    reason = UVICORN.get(probe.name) if site.server.name == "uvicorn" else None
    status = status_of(site, probe.sent, SILENCE if reason == UNBOUNDED else PATIENCE)
    if reason:
        assert status not in probe.allowed, f"no longer true: {reason}"
    else:
        assert status in probe.allowed, f"section {probe.section}"


def test_requests_that_come_together_are_answered_in_turn(site):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(
            b"".join(
                [
                    CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
                    OK + b"\r\n",
                    length(b"2", b"{}"),
                    b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    OK + b"Connection: close\r\n\r\n",
                    OK + b"\r\n",
                ]
            )
        )
        statuses = [
            http.read_response(connection.file, method=method).status
            for method in ("POST", "GET", "POST", "HEAD", "GET")
        ]
        assert statuses == [401, 200, 401, 200, 200]
        connection.assert_ended()


def test_a_request_may_come_byte_by_byte(site):
    request = length(b"2", b"{}") + OK + b"\r\n"
    with http.Connection(site.address) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            connection.socket.sendall(bytes([byte]))
        statuses = [http.read_response(connection.file).status for _ in range(2)]
    assert statuses == [401, 200]


def test_what_was_wrong_is_said_in_a_sentence(site):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        answer = http.read_response(connection.file)
        assert answer.json == {"detail": "The request must have one valid Host header."}
        assert answer.headers["connection"] == "close"
        connection.assert_ended()
