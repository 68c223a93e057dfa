"""Requests of which only a half comes, or which trickle in, don't occupy a connection."""

import threading
import time

import pytest

from tests.raw import http
from tests.site import Site
from tests.waiting import wait_until

# Seconds after which a request is cut off here. It is 15 s on a site without this module's setting.
BOUND = 2.0
# The same on a machine that is busy with other tests.
SOON = 20

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /stream/article/stop HTTP/1.1\r\nHost: localhost\r\n"
PAGE = b"POST /en/ HTTP/1.1\r\nHost: localhost\r\n"
HALVES = {
    "one byte": b"G",
    "a request line": b"GET /healthz HTTP/1.1\r\n",
    "headers": GET,
    "a header": GET + b"X-A: b",
    "no byte of a body": POST + b"Content-Length: 100\r\n\r\n",
    "a part of a body": POST + b"Content-Length: 20000\r\n\r\nabc",
    "a part of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc",
    "no last chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "a part of a body for a page": PAGE + b"Content-Length: 100\r\n\r\nabc",
    "a body that was asked for": POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
}
# More bytes of each half, sent one at a time. They make up no whole request.
TRICKLE = {"headers": b"X-Slow: " + b"a" * 10_000, "a part of a body": b"a" * 10_000}


@pytest.fixture(scope="module")
def hasty_site(make_shared_site) -> Site:
    return make_shared_site(DJANGO_SETTINGS_MODULE="tests.inside.settings.hasty").start()


def cut_off(site: Site, sent: bytes, trickle: bytes = b"") -> tuple[int, float]:
    """Send half of a request. Return the status that the server answers, and after how long."""
    # The server's time begins with the connection, before this process goes on.
    began = time.monotonic()
    with http.Connection(site.address) as connection:
        connection.socket.sendall(sent)
        over = threading.Event()

        def go_on() -> None:
            for byte in trickle:
                if over.wait(0.05):
                    return
                try:
                    connection.socket.sendall(bytes([byte]))
                except OSError:
                    return

        slow = threading.Thread(target=go_on)
        slow.start()
        try:
            answer = http.read_response(connection.file)
            if answer.status == 100:
                answer = http.read_response(connection.file)
            passed = time.monotonic() - began
            connection.assert_ended()
        finally:
            over.set()
            slow.join()
        return answer.status, passed


@pytest.mark.parametrize("half", HALVES)
def test_half_of_a_request_is_answered_with_408(hasty_site, half):
    status, passed = cut_off(hasty_site, HALVES[half])
    assert status == 408
    assert BOUND * 0.9 < passed < SOON
    hasty_site.server.assert_calm()


@pytest.mark.parametrize("half", TRICKLE)
def test_a_request_that_trickles_in_is_answered_with_408(hasty_site, half):
    status, passed = cut_off(hasty_site, HALVES[half], TRICKLE[half])
    assert status == 408
    assert passed < SOON
    hasty_site.server.assert_calm()


def send_steadily(site: Site, parts: int, pause: float) -> int:
    """Send a body in parts with pauses between them. Return the status of the answer.

    Return 0 where a busy machine made a pause so long that the body did not come steadily.
    """
    with http.Connection(site.address) as connection:
        began = time.monotonic()
        connection.socket.sendall(POST + b"Content-Length: %d\r\n\r\n" % (2000 * parts))
        for _ in range(parts):
            threading.Event().wait(pause)
            # From before one part was sent to after the next: a pause may come in any place.
            before, began = began, time.monotonic()
            connection.socket.sendall(b"a" * 2000)
            if time.monotonic() - before > BOUND / 2:
                return 0
        return http.read_response(connection.file).status


def test_a_body_that_comes_steadily_may_take_longer(hasty_site):
    parts, pause = 20, 0.25
    assert parts * pause > BOUND * 2
    status = wait_until(lambda: send_steadily(hasty_site, parts, pause), "the body comes steadily")
    assert status == 401


def test_a_connection_that_is_kept_open_between_requests_is_not_cut_off(hasty_site):
    with http.Connection(hasty_site.address) as connection:
        assert connection.ask("/healthz").status == 200
        threading.Event().wait(BOUND * 1.5)
        assert connection.ask("/healthz").status == 200
