"""The errors of reading over the network. Each class stands for one reaction of the reader.

- `Refused`: give up, because the server would refuse the same request again.
- `ConnectionLost`: connect again. `client.open` does so until the reader's patience ends.
- `Corrupt`: discard the text.
"""

from ..errors import StreamError


class Refused(StreamError):
    """The server refused the request, and would refuse the same request again.

    `status` is the HTTP status, such as 404, on every transport. On a WebSocket the status is the
    close code minus 4000. `detail` is the server's explanation.

        try:
            async for record in client.open("https://example.com/stream/nowhere"):
                ...
        except client.Refused as error:
            print(error.status, error.detail)  # 404 There is no stream named 'nowhere', or …
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Corrupt(Exception):
    """The received text differs from the text that the server sent.

    The `End` of a stream has the number of pieces and the SHA-256 of the text. The reader compares
    both with the pieces that it received.
    """


class ConnectionLost(Exception):
    """A connection failed or broke off. Another connection may succeed.

    `retry_after` is the number of seconds that the server asked clients to wait, by the header
    Retry-After (RFC 9110, 10.2.3), or 0 if the server did not ask.
    """

    def __init__(self, why: str, *, retry_after: float = 0) -> None:
        super().__init__(why)
        self.retry_after = retry_after
