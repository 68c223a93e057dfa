"""A connection of HTTP/2 on which a response may be complete before its request.

An answer such as 413 comes before the client has sent its whole body. Twisted then forgets the
request, and the next part of the body raises a KeyError. The error closes the connection with all
its streams, and an answer that has not gone out yet is lost. When a client sent the parts some
milliseconds apart, it missed 54 of 600 answers. Hypercorn had the same fault (hypercorn#365).
"""

from typing import Any

from h2.errors import ErrorCodes
from twisted.web._http2 import H2Connection

# mypy can't read the types of Twisted.
TwistedConnection: Any = H2Connection


class Connection(TwistedConnection):
    """A connection that outlives answers before the end of a request.

    After such an answer the client is asked to send no more. A response that is cut off ends with
    an error.

    The class uses private names of `twisted.web._http2.H2Connection` and of its streams, and the
    undocumented attribute `streams` of `h2.connection.H2Connection`.
    """

    def _requestDone(self, streamID: int) -> None:  # noqa: N802, N803 - Twisted's names
        held = self.streams[streamID]._inboundDataBuffer
        super()._requestDone(streamID)
        # RFC 9113, section 8.1: after a complete response, a server may reset the stream without an
        # error. From then on h2 answers what is on its way, and Twisted does not see it.
        stream = self.conn.streams.get(streamID)
        if self._stillProducing and stream is not None and not stream.closed:
            self.conn.reset_stream(streamID, ErrorCodes.NO_ERROR)
            self._tryToWriteControlData()
        # What the application did not take has used up the window that all streams share.
        unread = sum(length or 0 for _, length in held)
        held.clear()
        if self._stillProducing and unread:
            self.openStreamWindow(streamID, unread)

    def abortRequest(self, streamID: int) -> None:  # noqa: N802, N803 - Twisted's names
        # Twisted's own method resets the stream without an error, and a client may then take a
        # response that is cut off for a complete one.
        self.conn.reset_stream(streamID, ErrorCodes.INTERNAL_ERROR)
        if self._tryToWriteControlData():
            self._requestDone(streamID)
