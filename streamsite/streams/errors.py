"""The errors of the engine. Each class has an HTTP status and a WebSocket close code.

The engine raises these errors in Python, and answers with the same errors on every transport:

    HTTP/1.1 404 Not Found
    Content-Type: application/json

    {"detail": "There is no stream named 'nowhere', or it is private: log in as its owner."}

The client imports this module without Django, so the module imports nothing of Django.
"""


class StreamError(Exception):
    """The engine refuses a request. `detail` says what was wrong and what would be right.

        try:
            async for batch in follow("nowhere"):
                ...
        except StreamError as error:
            print(error.status, error.detail)  # 404 There is no stream named 'nowhere'.

    `status` is the HTTP status (RFC 9110, 15.5).
    `close_code` is the close code of a WebSocket, 4000 + the status.
    """

    status = 400
    # Applications may use the close codes from 4000 to 4999 (RFC 6455, 7.4.2).
    close_code = 4400
    # Seconds after which the same request may succeed, for the header Retry-After.
    retry_after: int | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(StreamError):
    """A parameter or a body is not valid."""


class Unauthorized(StreamError):
    """The request has no token, or the token is unknown or revoked."""

    status = 401
    close_code = 4401


class Forbidden(StreamError):
    """This reader may not watch the stream, or this user may not do what the request asks for."""

    status = 403
    close_code = 4403


class NoSuchStream(StreamError):
    """There is no stream with this name."""

    status = 404
    close_code = 4404

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no stream named {name!r}.")


class Unseen(NoSuchStream):
    """There is no stream with this name, or this reader may not know that there is one.

    Both cases have the same answer, so that nobody can find out the names of private streams.
    """

    def __init__(self, name: str) -> None:
        StreamError.__init__(
            self, f"There is no stream named {name!r}, or it is private: log in as its owner."
        )


class Removed(NoSuchStream):
    """The stream was removed, because the time for which it was kept is over.

    The engine remembers the name for a year. After the year the name gets NoSuchStream. `private`
    says whether the stream was private. The readers of a private stream get Unseen instead.
    """

    status = 410
    close_code = 4410

    def __init__(self, name: str, *, private: bool = False) -> None:
        StreamError.__init__(
            self, f"Stream {name!r} was removed, because the time for which it was kept is over."
        )
        self.private = private


class Conflict(StreamError):
    """The state of the stream does not allow the request."""

    status = 409
    close_code = 4409


class Ended(Conflict):
    """The stream has ended, so no piece can be added. `state` is the end state, such as "done"."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"Stream {name!r} has ended ({state}). Publish under another name.")
        self.state = state


class TakenOver(Conflict):
    """Another producer has taken over the stream, so this producer may not write any more."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stream {name!r} was taken over by another producer.")


class OutOfTurn(Conflict):
    """The request has pieces other than the next ones of the stream."""


class TooLarge(StreamError):
    """A piece, a stream or a body is longer than the limit."""

    status = 413
    close_code = 4413


class TooMany(StreamError):
    """The client asks for more than it may have at once (RFC 6585, section 4)."""

    status = 429
    close_code = 4429
    retry_after = 5


class Unavailable(StreamError):
    """The site can't do what the request asks for at the moment, or at all."""

    status = 503
    close_code = 4503


class Restarting(Unavailable):
    """The process is about to end, and takes nothing new. Another process may."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("This process is about to end. Connect again.")


class DatabaseAway(Unavailable):
    """The database of the site does not answer."""

    retry_after = 2

    def __init__(self) -> None:
        super().__init__("The database does not answer at the moment. Try again.")


class NotMigrated(StreamError):
    """The database lacks a table or a column. The log of the site says which."""

    status = 500
    close_code = 4500

    def __init__(self) -> None:
        super().__init__("The database lacks a table or a column. Run `manage.py migrate`.")


class StorageFull(StreamError):
    """The disk of the database is full, so nothing can be written (RFC 4918, section 11.5)."""

    status = 507
    close_code = 4507
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("The disk of the site is full, so nothing was stored. Try again later.")
