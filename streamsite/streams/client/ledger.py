"""What a reader has received so far: the numbers without gap or repeat, the whole text's hash."""

import hashlib

from ..pieces import Cursor, End, Pieces, Record, Reset
from .failures import ConnectionLost, Corrupt


class Ledger:
    """Takes records in as connections bring them. `cursor` is where the next connection begins."""

    def __init__(self, after: Cursor) -> None:
        self.cursor = after
        self._begin_text(after.n)

    def _begin_text(self, n: int) -> None:
        # A text whose beginning is missing can't be checked.
        self._hash = hashlib.sha256() if n == 0 else None

    def take(self, record: Record) -> Record | None:
        """Return what is new in a record, or None.

        Raises ConnectionLost when it would leave a gap, and Corrupt when the end shows that what
        was received isn't what was sent.
        """
        match record:
            case Pieces():
                return self._take_pieces(record)
            case Reset(n=n, revision=revision):
                self.cursor = Cursor(revision, n)
                self._begin_text(n)
            case End():
                self._check(record)
        return record

    def _take_pieces(self, pieces: Pieces) -> Pieces | None:
        n = self.cursor.n
        # Without a piece so far there is nothing that another revision could contradict.
        if pieces.revision != self.cursor.revision and n:
            raise ConnectionLost(
                f"a piece of revision {pieces.revision} came amid revision {self.cursor.revision}"
            )
        if pieces.first > n:
            raise ConnectionLost(f"piece {pieces.first} came where {n} was due")
        if pieces.end <= n:
            return None
        new = pieces.since(n)
        self.cursor = Cursor(pieces.revision, new.end)
        if self._hash is not None:
            for text in new.texts:
                self._hash.update(text.encode())
        return new

    def _check(self, end: End) -> None:
        if end.n != self.cursor.n:
            raise Corrupt(f"The stream has {end.n} pieces, but {self.cursor.n} were received.")
        # The end of a stream that was deleted has no hash.
        if (
            self._hash is not None
            and end.sha256
            and end.sha256 != (found := self._hash.hexdigest())
        ):
            raise Corrupt(
                f"The stream's SHA-256 is {end.sha256}, but the text received has {found}."
            )
