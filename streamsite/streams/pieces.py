"""The values of a stream: cursors, records and pieces, and how a text is split into pieces.

A reader of a stream receives records. A `Record` is `Pieces`, a `Reset` or the `End`.

The client uses this module without Django, so the module imports nothing of Django.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import regex

from .errors import BadRequest
from .values import JSON, TEXT, value_of

T = TypeVar("T")

# Number.MAX_SAFE_INTEGER of JavaScript: a larger whole number may not be exact in a browser.
MAX_CURSOR = 2**53 - 1

# Written instead of a cursor: the newest piece, and the pieces that follow.
LATEST: Literal["latest"] = "latest"

_CURSOR = re.compile(r"(?:(?P<revision>[0-9]{1,9})\.)?(?P<n>[0-9]{1,16})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """The number of pieces that a reader has received, and the revision of those pieces.

        Cursor(0, 17)         # the reader has the pieces 0 to 16, and piece 17 is the next one
        str(Cursor(0, 17))    # "17"
        str(Cursor(2, 17))    # "2.17"
        Cursor.parse("2.17")  # Cursor(revision=2, n=17)

    An edit of the text makes a new revision, and so does a new stream of a name that was used
    before. Cursors compare by revision first, and then by the number of pieces.
    """

    revision: int = 0
    n: int = 0

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Return the cursor that `text` stands for. Raises BadRequest if `text` is not a cursor."""
        match = _CURSOR.fullmatch(text)
        if match is None or int(match["n"]) > MAX_CURSOR:
            raise BadRequest(
                f"The cursor {text[:40]!r} is not valid. "
                "Use the number of pieces received so far, such as 17, or `latest`."
            )
        return cls(int(match["revision"] or 0), int(match["n"]))

    def __str__(self) -> str:
        return f"{self.revision}.{self.n}" if self.revision else str(self.n)

    @property
    def written(self) -> int | str:
        """The cursor as a JSON value: 17 in revision 0, and "2.17" in revision 2."""
        return str(self) if self.revision else self.n


@dataclass(slots=True, kw_only=True)
class Record:
    """A record of a stream: `Pieces`, a `Reset` or the `End`.

    All readers of a stream in one process share the record objects, and so share each encoding of
    a record. `revision` is the revision of the stream that the record belongs to.
    """

    revision: int = 0
    _encoded: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def encoded(self, encode: Callable[[Any], T]) -> T:
        """Return `encode(self)`. The result is cached in the record, for all readers.

        The cache's key is the function `encode`, so pass a module's function and no lambda.
        """
        if encode not in self._encoded:
            self._encoded[encode] = encode(self)
        return self._encoded[encode]  # type: ignore[no-any-return]


@dataclass(slots=True)
class Pieces(Record):
    r"""The pieces with the numbers `first`, `first` + 1 and so on.

        Pieces(17, ["Hello, ", "world"])          # the pieces 17 and 18
        Pieces(17, ['{"a":1}\n'], format="json")  # piece 17: the value {"a": 1}

    `texts` are the pieces as the log keeps them. No text is empty. In the format `json` each text
    is one line: the JSON text of a value, and a line feed.
    """

    first: int
    texts: Sequence[str]
    format: str = field(default=TEXT, kw_only=True)

    @property
    def values(self) -> Sequence[Any]:
        """The pieces as their source wrote them: texts, or JSON values.

        The values are parsed anew each time, so a reader may change the objects that it gets.
        """
        return [value_of(text) for text in self.texts] if self.format == JSON else self.texts

    @property
    def end(self) -> int:
        """The number after the number of the last piece."""
        return self.first + len(self.texts)

    def since(self, n: int) -> "Pieces":
        """Return the pieces from number `n` on.

        Return the same object if `n` is `first`, so that readers share the encodings. `n` must be
        between `first` and `end`.
        """
        return self if n == self.first else self.between(n, self.end)

    def between(self, start: int, stop: int) -> "Pieces":
        """Return the pieces from number `start` to before number `stop`."""
        texts = self.texts[start - self.first : stop - self.first]
        return Pieces(start, texts, revision=self.revision, format=self.format)

    def batches(self, size: int, length: int) -> Iterator["Pieces"]:
        """Yield the pieces in runs of at most `size` pieces and at most `length` characters.

        A piece longer than `length` characters is a run by itself.
        """
        start, total = self.first, 0
        for i, text in enumerate(self.texts, self.first):
            total += len(text)
            if i - start == size or (i > start and total > length):
                yield self.between(start, i)
                start, total = i, len(text)
        if start < self.end:
            yield self.between(start, self.end)


@dataclass(slots=True)
class Reset(Record):
    """The stream can't continue from the reader's cursor. The pieces start again from number `n`.

    The reader must discard the text that it has received. `why` is a sentence for the reader.

        Reset(0, "The stream was edited.", revision=2)
    """

    n: int
    why: str


@dataclass(slots=True)
class End(Record):
    """The end of a stream, the last record.

    `state` is "done", "stopped", "failed" or "interrupted". `n` is the number of pieces. `sha256`
    is the SHA-256 of the texts of all pieces in UTF-8, in hexadecimal digits, or "" if the stream
    was deleted. `reason` is a sentence, or "".

        End("failed", 180, "9f86…", "The model did not answer.")
    """

    state: str
    n: int
    sha256: str
    reason: str = ""


# The records that are delivered to a reader together. An empty batch is a keep-alive.
Batch = Sequence[Record]


def check_text(text: str) -> None:
    """Raise BadRequest unless every database and UTF-8 can hold the text unchanged."""
    if "\0" in text:
        raise BadRequest(
            "The text has a NUL character (U+0000), which PostgreSQL can't store. "
            "Remove the character."
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequest(
                f"The text has half a surrogate pair at character {error.start}, "
                "which UTF-8 can't encode. Remove the character."
            ) from error


# Pieces end at the boundaries of Unicode: after a grapheme cluster or before a word (UAX #29,
# https://unicode.org/reports/tr29/), or after a line's end. Spaces and punctuation belong to the
# piece of the word before them. A line feed ends every piece: more text can't change the piece, so
# `Splitter` need not hold back the last line of a build log that stands still.
_WORD_STARTS = r"(?w)\b(?=\w)"
_PATTERNS = {
    "char": regex.compile(r"\X"),
    "word": regex.compile(rf"\X(?:(?<!\n)(?!{_WORD_STARTS})\X)*"),
    "line": regex.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+"),
}
SPLITS = tuple(_PATTERNS)


def split(text: str, by: str) -> list[str]:
    r"""Split a text into pieces by "char", "word" or "line".

        split("Hi, 你!", "char")  # ["H", "i", ",", " ", "你", "!"]
        split("Hi, 你!", "word")  # ["Hi, ", "你!"]
        split("a\n b", "word")   # ["a\n", " ", "b"]
        split("a\nb", "line")    # ["a\n", "b"]

    The pieces joined are the text. No piece is empty.
    """
    return _PATTERNS[by].findall(text)  # type: ignore[no-any-return]


class Splitter:
    """Split a text that arrives in parts.

        splitter = Splitter("word")
        splitter.feed("Hello, wo")  # ["Hello, "]
        splitter.feed("rld")        # []
        splitter.flush()            # ["world"]

    The pieces are those of `split`, wherever the text is cut into parts. The last piece waits for
    more text unless the piece ends in a line feed, because more text may belong to the piece:
    combining marks, the rest of a word or the rest of a line.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """Return the pieces that `text` completes."""
        pieces = split(self._rest + text, self._by)
        self._rest = pieces.pop() if pieces else ""
        if self._rest.endswith("\n"):
            pieces.append(self._rest)
            self._rest = ""
        return pieces

    def flush(self) -> list[str]:
        """Return the piece that waits for more text, if any. Call this at the end of the text."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []
