"""How much a piece and a stream may hold."""

from typing import Any

from ..conf import setting
from ..errors import BadRequest, TooLarge
from ..pieces import check_text
from ..values import JSON, line_of


def piece_of(value: Any, format: str) -> str:
    r"""Return the text with which the log keeps a piece.

        piece_of("Hello", "text")   # "Hello"
        piece_of({"a": 1}, "json")  # '{"a":1}\n'

    Raises BadRequest and TooLarge when the value can't be a piece of a stream in this format.
    """
    if format != JSON:
        check_piece(value)
        return str(value)
    line = line_of(value)
    _check_length("value, as JSON text,", len(line) - 1)
    return line


def check_piece(text: Any) -> None:
    """Raise BadRequest or TooLarge when a text can't be a piece."""
    if not isinstance(text, str):
        raise BadRequest(
            f"A piece must be text, not {type(text).__name__}. "
            'Only a stream with format="json" takes other values.'
        )
    if not text:
        raise BadRequest("A piece must have at least one character.")
    _check_length("piece", len(text))
    check_text(text)


def _check_length(what: str, length: int) -> None:
    limit = setting("STREAM_MAX_PIECE_LENGTH")
    if length > limit:
        raise TooLarge(f"The {what} has {length} characters. The limit is {limit}.")


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
