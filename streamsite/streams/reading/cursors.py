"""Where a reader starts: its cursor, and whether the stream can honour the cursor."""

from typing import Any

from ..errors import BadRequest
from ..instruments import RESUMES
from ..models import Stream
from ..pieces import LATEST, Cursor, Reset

START = Cursor()

# Where a reader starts: a cursor, the number of pieces that the reader has, or a cursor as text,
# such as "17", "2.17" and "latest".
After = Cursor | int | str


def parse_after(after: Any) -> After:
    """Return where a reader starts, given what the reader's code says.

        parse_after("2.17")  # Cursor(revision=2, n=17)
        parse_after(17)      # 17, in whatever revision the stream is

    Raises BadRequest for a value that is not an `After`.
    """
    if isinstance(after, str) and after != LATEST:
        return Cursor.parse(after)
    if isinstance(after, Cursor | str) or (type(after) is int and after >= 0):
        return after
    raise BadRequest(
        f"The cursor {after!r:.40} is not valid. "
        "Use the number of pieces received so far, such as 17, or `latest`."
    )


def latest(stream: Stream) -> Cursor:
    """Return the cursor before the newest piece. Without a piece this is the beginning."""
    return Cursor(stream.revision, max(0, stream.pieces - 1))


def honour(stream: Stream, after: After) -> tuple[int, Reset | None]:
    """Return the number of the first piece that a reader gets, and the Reset it gets first, if any.

    A reader gets a Reset, and all pieces from number 0 on, when its cursor belongs to another
    revision of the text or lies beyond the end of the stream. A cursor that a client writes as a
    plain number, such as 17, belongs to revision 0, the text of the first stream of a name. The
    edited text, and the text of a later stream of the name, have other revisions.
    """
    if after == LATEST:
        return latest(stream).n, None
    cursor = after if isinstance(after, Cursor) else Cursor(stream.revision, int(after))
    if cursor.n == 0:
        return 0, None
    if cursor.revision != stream.revision:
        why = "The text was edited or replaced, so it starts again from the beginning."
    elif cursor.n > stream.pieces:
        why = (
            f"The cursor {cursor} is beyond the last piece, {stream.pieces}, "
            "so the text starts again from the beginning."
        )
    else:
        return cursor.n, None
    return 0, Reset(0, why, revision=stream.revision)


def count_resume(stream: Stream, after: After) -> None:
    """Count a reader that comes with a cursor, and whether the stream can honour the cursor."""
    if isinstance(after, Cursor) and after.n:
        RESUMES.labels("no" if honour(stream, after)[1] else "yes").inc()
