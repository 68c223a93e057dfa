"""Where a reader starts: its cursor, held against the stream."""

from ..models import Stream
from ..pieces import Cursor, Reset

START = Cursor()


def honour(stream: Stream, after: Cursor | int) -> tuple[int, Reset | None]:
    """Return the number of the first piece that a reader gets, and the Reset it gets first, if any.

    A reader gets a Reset, and all pieces from number 0 on, when its cursor belongs to another
    revision of the text or lies beyond the end of the stream.
    """
    cursor = Cursor(stream.revision, after) if isinstance(after, int) else after
    if cursor.n == 0:
        return 0, None
    if cursor.revision != stream.revision:
        why = "The text was edited, so it starts again from the beginning."
    elif cursor.n > stream.pieces:
        why = (
            f"The cursor {cursor} is beyond the last piece, {stream.pieces}, "
            "so the text starts again from the beginning."
        )
    else:
        return cursor.n, None
    return 0, Reset(0, why, revision=stream.revision)
