"""The plain way: a loop in a view that sends what happens now, without a log and without a cursor.

A client that was away gets what happens after its return. Only polling has a memory: the list of
this process, with the request's `cnt` as its cursor.
"""

from collections.abc import AsyncGenerator

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse

from streamsite.streams import Consumer, endpoint, handshake_request
from streamsite.streams.wire import sse

from .broadcast import hear
from .runs import Run
from .visitors import run_for


async def texts(run: Run) -> AsyncGenerator[str, None]:
    """Yield the pieces from now on."""
    if not run.plain_over:
        async for text in hear(run.id, run.has_listener):
            yield text


@endpoint("GET")
async def polling(request: HttpRequest, run_id: str, **_where: str) -> HttpResponseBase:
    """Answer with piece number `cnt`, or with no text when it is still to come. 400 is the end."""
    run = await run_for(request, run_id)
    try:
        cnt = int(request.GET.get("cnt", 1))
    except ValueError:
        return JsonResponse({"detail": "cnt has to be a whole number from 0"}, status=400)
    given = run.given.texts
    if not 0 <= cnt < len(given) and (cnt < 0 or run.plain_over):
        return JsonResponse({"detail": "Invalid index"}, status=400)
    message = given[cnt] if cnt < len(given) else ""
    return JsonResponse({"message": message}, json_dumps_params={"ensure_ascii": False})


@endpoint("GET")
async def chunked(request: HttpRequest, run_id: str, **_where: str) -> HttpResponseBase:
    """Send each piece when it happens. The server makes a chunk of each."""
    pieces = texts(await run_for(request, run_id))
    return StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")


@endpoint("GET")
async def events(request: HttpRequest, run_id: str, **_where: str) -> HttpResponseBase:
    """Send each piece as an event, and at the end an event on which the client closes."""

    async def body(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[bytes, None]:
        async for text in pieces:
            yield sse.event(text)
        yield sse.event("END")

    pieces = texts(await run_for(request, run_id))
    return StreamingHttpResponse(body(pieces), content_type=sse.CONTENT_TYPE)


class PlainConsumer(Consumer):
    """Send each piece as a text frame, unless the client says "stop"."""

    async def connect(self) -> None:
        where = self.scope["url_route"]["kwargs"]
        run = await run_for(handshake_request(self.scope), where["run_id"])
        await self.accept()
        self.start_sending(self.send_pieces(run))

    async def send_pieces(self, run: Run) -> None:
        async for text in texts(run):
            await self.send(text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.stop_sending()
        await self.close(1000 if text_data == "stop" else 1003)
