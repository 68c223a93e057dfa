"""What a piece and a stream may hold at the most."""

from ..conf import setting
from ..errors import BadRequest, TooLarge
from ..pieces import check_text


def check_piece(text: str) -> None:
    """Raise BadRequest or TooLarge for a text that can't be a piece."""
    if not isinstance(text, str):
        raise BadRequest(f"A piece is text, not {type(text).__name__}.")
    if not text:
        raise BadRequest("A piece has at least one character.")
    if len(text) > setting("STREAM_MAX_PIECE_LENGTH"):
        raise TooLarge(
            f"A piece of {len(text)} characters: {setting('STREAM_MAX_PIECE_LENGTH')} are the most."
        )
    check_text(text)


def check_limits(pieces: int, length: int) -> None:
    """Raise TooLarge beyond what one stream may hold."""
    if pieces > setting("STREAM_MAX_PIECES"):
        raise TooLarge(
            f"{pieces} pieces in one stream: {setting('STREAM_MAX_PIECES')} are the most."
        )
    if length > setting("STREAM_MAX_LENGTH"):
        raise TooLarge(
            f"{length} characters in one stream: {setting('STREAM_MAX_LENGTH')} are the most."
        )
