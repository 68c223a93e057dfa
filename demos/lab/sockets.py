"""The socket below a connection: how much of it waits to be read, and its reset.

ASGI hands out no socket. On Daphne, the door of `streamsite.daphne` has what is needed here. On
uvicorn, the engine knows the way to the transport. Other servers give none.
"""

import asyncio
from typing import Any

from streamsite.streams.http import uvicorn

# The key of Daphne's door in the extensions of a scope.
DOOR = "streamsite.door"


class Link:
    """One connection of a run: a request that is being answered, or a WebSocket."""

    def __init__(self, scope: Any, send: Any) -> None:
        self._door = (scope.get("extensions") or {}).get(DOOR)
        self._send = send
        # Done when the connection is to end and its socket can't be reached.
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        uvicorn.hold_little(send)

    @property
    def reachable(self) -> bool:
        """Whether the server gives a way to the socket."""
        return self._door is not None or uvicorn.transport_of(self._send) is not None

    def reset(self) -> str:
        """Reset the connection. Return "reset", or "ended" where the socket can't be reached."""
        if self._door is not None:
            self._door.abort()
        elif self.reachable:
            uvicorn.abort(self._send)
        else:
            if not self.ended.done():
                self.ended.set_result(None)
            return "ended"
        return "reset"

    def unread(self) -> int | None:
        """Return the bytes that wait for the client to read, or None where they can't be known."""
        if self._door is not None:
            return int(self._door.unread)
        return uvicorn.unread(self._send)

    async def send(self, message: Any) -> None:
        """Send a message, and give up a client that reads nothing, as the engine does.

        Nothing is sent on a connection that was ended. The endpoint learns that its client is gone.
        """
        if not self.ended.done():
            await uvicorn.patiently(self._send, self._send(message))
