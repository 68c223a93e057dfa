"""What can go wrong with reading over the network, by what a reader should do about it."""

from ..errors import StreamError


class Refused(StreamError):
    """The server said no, and would say so again. `status` is that of HTTP on every transport."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Corrupt(Exception):
    """What was received isn't what the stream's end says was sent."""


class ConnectionLost(Exception):
    """A connection failed or broke off: the next one may fare better.

    `retry_after` is how many seconds the server asked to be left alone, 0 when it didn't.
    """

    def __init__(self, why: str, *, retry_after: float = 0) -> None:
        super().__init__(why)
        self.retry_after = retry_after
