"""Check the records that a reader receives: no gap, no repeated piece, the right SHA-256."""

import hashlib
from typing import Literal

from ..pieces import LATEST, Cursor, End, Pieces, Record, Reset
from .failures import ConnectionLost, Corrupt


class Ledger:
    """Keep account of the records that one reader received, over all of the reader's connections.

    `cursor` is the cursor from which the next connection must read. It is "latest" before the first
    piece of a reader that begins with the newest piece.

        ledger = Ledger(Cursor(0, 0))
        ledger.take(Pieces(0, ["a", "b"]))  # Pieces(0, ["a", "b"])
        ledger.take(Pieces(1, ["b", "c"]))  # Pieces(2, ["c"])
        ledger.take(Pieces(9, ["z"]))       # raises ConnectionLost
    """

    def __init__(self, after: Cursor | Literal["latest"]) -> None:
        self.cursor: Cursor | Literal["latest"] = LATEST
        if after != LATEST:
            self._begin(after)

    def _begin(self, cursor: Cursor) -> Cursor:
        """Begin the text at a cursor, and return the cursor."""
        self.cursor = cursor
        # The SHA-256 covers the whole text, so a text without its beginning can't be checked.
        self._hash = hashlib.sha256() if cursor.n == 0 else None
        return cursor

    def take(self, record: Record) -> Record | None:
        """Return the new part of a record, or None if the reader has all of the record.

        Raises ConnectionLost if pieces are missing before the record, and Corrupt if the end's
        number of pieces or SHA-256 differs from the received pieces.
        """
        match record:
            case Pieces():
                return self._take_pieces(record)
            case Reset(n=n, revision=revision):
                self._begin(Cursor(revision, n))
            case End():
                self._check(record)
        return record

    def _take_pieces(self, pieces: Pieces) -> Pieces | None:
        cursor = self.cursor
        if cursor == LATEST:
            cursor = self._begin(Cursor(pieces.revision, pieces.first))
        n = cursor.n
        # A reader that has no piece yet can take any revision.
        if pieces.revision != cursor.revision and n:
            raise ConnectionLost(
                f"a piece of revision {pieces.revision} arrived, but the reader has pieces of "
                f"revision {cursor.revision}"
            )
        if pieces.first > n:
            raise ConnectionLost(f"piece {pieces.first} arrived where piece {n} was expected")
        if pieces.end <= n:
            return None
        new = pieces.since(n)
        self.cursor = Cursor(pieces.revision, new.end)
        if self._hash is not None:
            for text in new.texts:
                self._hash.update(text.encode())
        return new

    def _check(self, end: End) -> None:
        cursor = self.cursor
        if cursor == LATEST:
            cursor = self._begin(Cursor(end.revision, end.n))
        if end.n != cursor.n:
            raise Corrupt(f"The stream has {end.n} pieces, but the reader received {cursor.n}.")
        if self._hash is None or not end.sha256:  # The end of a deleted stream has no SHA-256.
            return
        found = self._hash.hexdigest()
        if found != end.sha256:
            raise Corrupt(
                f"The stream's SHA-256 is {end.sha256}, but the received text has {found}."
            )
