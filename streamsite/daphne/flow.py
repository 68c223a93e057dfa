"""Back-pressure (daphne#170).

Daphne accepts everything that an application sends, however slowly the client reads, and keeps the
rest in memory. Twisted calls a push producer when the buffer of a connection is full, and again
when the buffer is empty. `Flow` is such a producer. The interface is documented in
`twisted.internet.interfaces.IPushProducer`.
"""

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

# Seconds after which a connection is closed if its client does not read the data in the buffer.
STALL_TIMEOUT = 60


@implementer(IPushProducer)
class Flow:
    """Whether a connection accepts more data. Twisted sets this, and asyncio tasks await it."""

    __slots__ = ("_drained",)

    def __init__(self) -> None:
        self._drained: asyncio.Future[None] | None = None

    @property
    def blocked(self) -> bool:
        return self._drained is not None

    async def drained(self) -> None:
        """Wait until the buffer is empty or the connection is lost.

        Raise `TimeoutError` if neither happens within `STALL_TIMEOUT` seconds.
        """
        if self._drained is not None:
            # `asyncio.timeout` would need a task, and the fan-out runs the first step without one.
            done, _ = await asyncio.wait((self._drained,), timeout=STALL_TIMEOUT)
            if not done:
                raise TimeoutError

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    stopProducing = resumeProducing  # noqa: N815 - Twisted's name
