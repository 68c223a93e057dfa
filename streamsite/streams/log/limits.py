"""How much a piece and a stream may hold."""

from ..conf import setting
from ..errors import BadRequest, TooLarge
from ..pieces import check_text


def check_piece(text: str) -> None:
    """Raise BadRequest or TooLarge when a text can't be a piece."""
    if not isinstance(text, str):
        raise BadRequest(f"A piece must be text, not {type(text).__name__}.")
    if not text:
        raise BadRequest("A piece must have at least one character.")
    if len(text) > setting("STREAM_MAX_PIECE_LENGTH"):
        raise TooLarge(
            f"The piece has {len(text)} characters. "
            f"The limit is {setting('STREAM_MAX_PIECE_LENGTH')}."
        )
    check_text(text)


def check_limits(pieces: int, length: int) -> None:
    """Raise TooLarge when a stream of so many pieces and characters would be too large."""
    if pieces > setting("STREAM_MAX_PIECES"):
        raise TooLarge(
            f"The stream would have {pieces} pieces. The limit is {setting('STREAM_MAX_PIECES')}."
        )
    if length > setting("STREAM_MAX_LENGTH"):
        raise TooLarge(
            f"The stream would have {length} characters. "
            f"The limit is {setting('STREAM_MAX_LENGTH')}."
        )
