"""A limit for the bodies of requests to a project's own pages.

Django reads a whole body, into a temporary file, before it asks who sends the body and what for.
The engine's own endpoints read their bodies themselves: see `bodies`.
"""

from typing import Any

from ..errors import TooLarge
from .bodies import declared_length, too_large, usual_limit
from .endpoints import refusal_of
from .handler import asgi_headers


class LimitedBodies:
    """An ASGI application that refuses a body with 413 as soon as it is too large for the pages.

    A body may have `most` bytes, or DATA_UPLOAD_MAX_MEMORY_SIZE bytes.
    """

    def __init__(self, pages: Any, most: int | None = None) -> None:
        self._pages = pages
        self._most = most

    async def most_from(self, scope: Any, usual: int) -> int:
        """Return how many bytes a body may have that is larger than `usual`.

        A subclass that knows who sends the request may allow more.
        """
        return usual

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        length, most = 0, usual_limit() if self._most is None else self._most

        async def check(length: int) -> None:
            nonlocal most
            if length > most:
                most = await self.most_from(scope, most)
            if length > most:
                raise too_large(most)

        async def receive_within_limit() -> Any:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            try:
                await check(length)
            except TooLarge as error:
                await refuse(error, send)
                # For Django the request ends here.
                return {"type": "http.disconnect"}
            return message

        try:
            await check(declared_length(scope))
        except TooLarge as error:
            await refuse(error, send)
        else:
            await self._pages(scope, receive_within_limit, send)


async def refuse(error: TooLarge, send: Any) -> None:
    """Send a refusal, as the engine's endpoints do."""
    response = refusal_of(error)
    response["Content-Length"] = str(len(response.content))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": asgi_headers(response),
        }
    )
    await send({"type": "http.response.body", "body": response.content})
