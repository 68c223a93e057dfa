"""What a piece, a cursor, a reset and an end are, and how a text is split into pieces.

All that a reader of a stream can be told is a `Record`: `Pieces`, a `Reset` or the `End`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import regex

from .errors import BadRequest

T = TypeVar("T")

MAX_CURSOR = 2**53 - 1  # the largest whole number that JavaScript holds exactly

_CURSOR = re.compile(r"(?:(?P<revision>[0-9]{1,9})\.)?(?P<n>[0-9]{1,16})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How many pieces a reader has, of which revision of the stream.

    Written `17`, or `2.17` of a stream that was edited twice after its end.
    """

    revision: int = 0
    n: int = 0

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read a cursor. Raises BadRequest when the text isn't one."""
        match = _CURSOR.fullmatch(text)
        if match is None or int(match["n"]) > MAX_CURSOR:
            raise BadRequest(
                f"{text[:40]!r} is not a cursor: a cursor is the number of pieces received, "
                "a whole number from 0, as the stream itself gave it."
            )
        return cls(int(match["revision"] or 0), int(match["n"]))

    def __str__(self) -> str:
        return f"{self.revision}.{self.n}" if self.revision else str(self.n)

    @property
    def written(self) -> int | str:
        """The cursor in JSON: a number, as long as the stream has one revision."""
        return str(self) if self.revision else self.n


@dataclass(slots=True, kw_only=True)
class Record:
    """Something that every reader of a stream is told in the same words."""

    revision: int = 0
    _encoded: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def encoded(self, encode: Callable[[Any], T]) -> T:
        """Return `encode(self)`, worked out once however many readers there are."""
        if encode not in self._encoded:
            self._encoded[encode] = encode(self)
        return self._encoded[encode]  # type: ignore[no-any-return]


@dataclass(slots=True)
class Pieces(Record):
    """The pieces from number `first` on."""

    first: int
    texts: Sequence[str]

    @property
    def end(self) -> int:
        return self.first + len(self.texts)

    def since(self, n: int) -> "Pieces":
        """Return the pieces from number n on: these very ones when n is the first."""
        if n == self.first:
            return self
        return Pieces(n, self.texts[n - self.first :], revision=self.revision)

    def batches(self, size: int, length: int) -> Iterator["Pieces"]:
        """Cut into runs of at most `size` pieces, and `length` characters unless of one piece."""
        start = total = 0
        for i, text in enumerate(self.texts):
            total += len(text)
            if i - start == size or (i > start and total > length):
                yield self._run(start, i)
                start, total = i, len(text)
        if start < len(self.texts):
            yield self._run(start, len(self.texts))

    def _run(self, start: int, stop: int) -> "Pieces":
        return Pieces(self.first + start, self.texts[start:stop], revision=self.revision)


@dataclass(slots=True)
class Reset(Record):
    """The reader's cursor can't be honoured: the pieces come anew, from number `n` on."""

    n: int
    why: str


@dataclass(slots=True)
class End(Record):
    """The stream is over: how, after how many pieces, and the SHA-256 of its text in UTF-8."""

    state: str
    n: int
    sha256: str
    reason: str = ""


def check_text(text: str) -> None:
    """Raise BadRequest when a text can't be kept unchanged by every database and in UTF-8."""
    if "\0" in text:
        raise BadRequest(
            "The text has a NUL character (U+0000), which no text column can hold: leave it out."
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequest(
                f"The text has half a surrogate pair at character {error.start}: "
                "UTF-8 can't carry that."
            ) from error


# A piece ends where Unicode lets one: after a grapheme cluster, before the next word (UAX #29), or
# after a line's end. Spaces and punctuation go with the word before them.
_WORD_STARTS = r"(?w)\b(?=\w)"
_PATTERNS = {
    "char": regex.compile(r"\X"),
    "word": regex.compile(rf"\X(?:(?!{_WORD_STARTS})\X)*"),
    "line": regex.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+"),
}
SPLITS = tuple(_PATTERNS)


def split(text: str, by: str) -> list[str]:
    """Split a text into pieces by "char", "word" or "line". Joined, they are the text."""
    return _PATTERNS[by].findall(text)  # type: ignore[no-any-return]


class Splitter:
    """Splits a text that arrives in parts.

    What may still grow (a grapheme whose marks haven't arrived, an unfinished line) waits for more.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """Return the pieces that are complete now."""
        pieces = split(self._rest + text, self._by)
        self._rest = pieces.pop() if pieces else ""
        if self._rest.endswith("\n"):  # Nothing joins onto a line feed.
            pieces.append(self._rest)
            self._rest = ""
        return pieces

    def flush(self) -> list[str]:
        """Return what was waiting, at the end of the text."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []
