"""Back-pressure (daphne#170).

Daphne takes all that an application sends, however slowly the client reads. Twisted tells a push
producer when the connection's buffer is full, and when it is empty.
"""

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

# Seconds after which a client that takes nothing of what waits for it is cut off.
STALL_TIMEOUT = 60


@implementer(IPushProducer)
class Flow:
    """Whether a connection takes more, as Twisted tells it and asyncio awaits it."""

    __slots__ = ("_drained",)

    def __init__(self) -> None:
        self._drained: asyncio.Future[None] | None = None

    @property
    def blocked(self) -> bool:
        return self._drained is not None

    async def drained(self) -> None:
        """Wait until the buffer is empty, or the connection lost. Raises TimeoutError."""
        if self._drained is not None:
            async with asyncio.timeout(STALL_TIMEOUT):
                await asyncio.shield(self._drained)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    stopProducing = resumeProducing  # noqa: N815 - Twisted's name
