"""The parts of the stream handler, called as a server calls them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path

from streamsite.streams import endpoint
from streamsite.streams.http.bodies import read_body
from streamsite.streams.http.handler import StreamHandler, asgi_headers, send_stream
from streamsite.streams.http.routing import Router


class Posted:
    """A request whose body is still to come, in chunks."""

    scope: dict[str, Any] = {"headers": []}


async def test_a_body_in_many_parts_is_read_completely():
    parts = [bytes([number % 256]) * 1024 for number in range(8 * 1024)]
    coming = iter(parts)
    left = len(parts)

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(coming), "more_body": left > 0}

    with await read_body(Posted(), receive, len(parts) * 1024) as body:
        assert body.read() == b"".join(parts)


def test_a_cookie_that_a_view_sets_is_sent():
    response = HttpResponse()
    response.set_cookie("theme", "dark", path="/stream/")
    assert (b"Set-Cookie", b"theme=dark; Path=/stream/") in asgi_headers(response)


class Stream:
    """A streaming body that never ends, and a client that leaves when `left` is set."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self.closed = False

    async def parts(self) -> AsyncGenerator[str, None]:
        try:
            yield "流"
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message["body"])

    async def start(self) -> asyncio.Task[None]:
        """Start to send the body, and return after its first part."""
        sending = asyncio.create_task(
            send_stream(self.parts(), "utf-8", {}, self.receive, self.send)
        )
        await self.begun.wait()
        return sending


async def test_the_body_is_closed_when_the_client_leaves():
    stream = Stream()
    sending = await stream.start()
    stream.left.set()
    await sending
    assert sending.cancelling() == 0
    assert stream.closed
    assert stream.sent == [b"", "流".encode()]


async def test_a_task_that_the_server_cancels_stays_cancelled():
    stream = Stream()
    sending = await stream.start()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert stream.closed


async def test_a_task_that_the_server_cancels_when_the_client_leaves_stays_cancelled():
    stream = Stream()
    sending = await stream.start()
    stream.left.set()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert stream.closed


# What the views of a project may return.


class Countdown:
    """An asynchronous iterator that is no generator, and of values that are no texts."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return self.left


@pytest.fixture
def ask(settings):
    """Return a function that asks an endpoint, given what its view returns for a request."""

    async def ask(returned: Callable[[Any], Any]) -> tuple[int, bytes]:
        @endpoint("GET")
        async def view(request: Any) -> Any:
            return returned(request)

        settings.ROOT_URLCONF = (path("asked", view),)
        messages: list[dict[str, Any]] = [{"type": "http.request"}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(b"host", settings.ALLOWED_HOSTS[0].encode())]
        scope = {"type": "http", "method": "GET", "path": "/asked", "headers": headers}
        await StreamHandler(Router(), None)(scope, receive, send)
        assert not sent[-1]["more_body"]
        return sent[0]["status"], b"".join(message["body"] for message in sent[1:])

    return ask


async def test_a_body_may_be_any_asynchronous_iterator_of_values(ask):
    assert await ask(lambda _: StreamingHttpResponse(Countdown())) == (200, b"210")


async def test_a_template_response_is_rendered(ask):
    template = engines["django"].from_string("{{ request.path }}")
    assert await ask(lambda request: TemplateResponse(request, template)) == (200, b"/asked")


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda _: StreamingHttpResponse(iter(["one"])), "Give StreamingHttpResponse an async"),
        (lambda _: None, "view returned None. Return an HttpResponse."),
    ],
    ids=["synchronous", "none"],
)
async def test_what_can_not_be_sent_is_a_500_whose_log_says_what_to_return(
    ask, caplog, returned: Callable[[Any], Any], sentence: str
):
    status, body = await ask(returned)
    assert (status, body) == (500, b'{"detail": "The server failed. Its log has the error."}')
    assert sentence in caplog.text
