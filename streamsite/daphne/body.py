"""The body of a request while it comes in (RFC 9112, sections 6 and 7)."""

from typing import Any

# `_ChunkedTransferDecoder` and the error that it raises are private to Twisted.
from twisted.web.http import _ChunkedTransferDecoder
from twisted.web.http import _MalformedChunkedDataError as Malformed

__all__ = ["Body", "Malformed"]

# Bytes of the largest chunk: more than any server can receive.
LARGEST_CHUNK = 10**18


class Body:
    """A body while it comes in, of `length` bytes, or in chunks if `length` is None."""

    __slots__ = ("_decoder", "_left", "_parts", "_rests", "begun")

    def __init__(self, length: int | None) -> None:
        self._left = length or 0
        self._parts: list[bytes] = []
        # What follows the body, once the body is complete. In a list, because the decoder keeps its
        # callbacks: a method of this object would be a cycle.
        self._rests: list[bytes] = []
        self._decoder: Any = None
        if length is None:
            self._decoder = _ChunkedTransferDecoder(self._parts.append, self._rests.append)
        # Whether the client has been asked for the body.
        self.begun = False

    @property
    def rest(self) -> bytes | None:
        """What follows the body, or None while the body is not complete."""
        return self._rests[0] if self._rests else None

    def take(self, data: bytes) -> bytes:
        """Return the bytes of the body in `data`. Raises Malformed."""
        if self._decoder is None:
            part = data[: self._left]
            self._left -= len(part)
            if not self._left:
                self._rests.append(data[len(part) :])
            return part
        self._decoder.dataReceived(data)
        if self._decoder.state == "BODY" and self._decoder.length > LARGEST_CHUNK:
            raise Malformed
        # One part, however small the chunks are: each part takes some hundred bytes.
        part = b"".join(self._parts)
        self._parts.clear()
        return part
