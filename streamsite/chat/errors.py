"""The errors of the chat, beside those of the engine."""

from streamsite.streams import StreamError


class NoSuchConversation(StreamError):
    """The visitor has no conversation with this id."""

    status = 404
    close_code = 4404

    def __init__(self, key: str) -> None:
        super().__init__(f"You have no conversation with the id {key[:100]!r}.")
