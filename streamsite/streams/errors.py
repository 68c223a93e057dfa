"""What the engine refuses, each with the HTTP status that says so and a sentence that helps."""


class StreamError(Exception):
    """A refusal. `detail` says what was wrong and what would be right."""

    status = 400
    # The WebSocket close code that says the same: 4000-4999 are the application's (RFC 6455 7.4.2).
    close_code = 4400

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(StreamError):
    """A parameter or a body that can't be understood."""


class Unauthorized(StreamError):
    """No token, or none that counts."""

    status = 401
    close_code = 4401


class Forbidden(StreamError):
    """A stream that this reader may not see, or an act that this user may not do."""

    status = 403
    close_code = 4403


class NoSuchStream(StreamError):
    """No stream has this name."""

    status = 404
    close_code = 4404

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no stream named {name!r}.")


class Conflict(StreamError):
    """The stream isn't in a state that allows this."""

    status = 409
    close_code = 4409


class Ended(Conflict):
    """The stream has ended, so nothing can be added. `state` says how."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"Stream {name!r} has ended ({state}): publish under another name.")
        self.state = state


class TakenOver(Conflict):
    """Another producer writes this stream now, so this one may not."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stream {name!r} was taken over by another producer.")


class OutOfTurn(Conflict):
    """Pieces that aren't the next, since others came before them."""


class TooLarge(StreamError):
    """A piece, a stream or a body beyond a limit."""

    status = 413
    close_code = 4413
