"""Turn the bytes of a command's input into the pieces of a stream."""

import codecs
from collections.abc import Callable, Iterator
from typing import Any

import regex

from ..conf import setting
from ..errors import StreamError, TooLarge
from ..log.limits import piece_of
from ..pieces import Splitter
from ..values import JSON, parse

_GRAPHEME = regex.compile(r"\X")


class InputDecoder:
    r"""Decode bytes that arrive in parts into pieces that a stream can hold.

        decoder = InputDecoder("line", limit=65_536, notify=print)
        list(decoder.feed(b"one\ntw"))  # ["one\n"]
        list(decoder.feed(b"o"))         # []
        list(decoder.finish())           # ["two"]

    `split` is "char", "word" or "line". A piece has at most `limit` characters.

    The decoder accepts all input. Bytes that are not UTF-8 become U+FFFD, and NUL characters become
    U+2400. `notify` is called once with a sentence about each of the two replacements.
    """

    def __init__(self, split: str, limit: int, notify: Callable[[str], None]) -> None:
        self._limit = limit
        self._notify = notify
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._splitter = Splitter(split)
        self._waiting = 0  # characters in the splitter
        self._nul_seen = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the pieces that `data` completes."""
        text = self._decoded(data)
        pieces = self._splitter.feed(text)
        self._waiting += len(text) - sum(map(len, pieces))
        if self._waiting > self._limit:
            pieces += self._flushed()
        return self._limited(pieces)

    def flush(self) -> Iterator[str]:
        """Yield the unfinished piece, if any. An unfinished character still waits for its bytes."""
        return self._limited(self._flushed())

    def finish(self) -> Iterator[str]:
        """Yield the rest. Call this at the end of the input."""
        text = self._decoded(b"", final=True)
        return self._limited(self._splitter.feed(text) + self._flushed())

    def _decoded(self, data: bytes, *, final: bool = False) -> str:
        try:
            text = self._utf8.decode(data, final)
        except UnicodeDecodeError:
            self._notify("The input has bytes that are not UTF-8. They are replaced by U+FFFD.")
            self._utf8.errors = "replace"
            text = self._utf8.decode(data, final)
        if "\0" in text:
            if not self._nul_seen:
                self._notify("The input has NUL characters. They are replaced by U+2400.")
            self._nul_seen = True
            text = text.replace("\0", "\N{SYMBOL FOR NULL}")
        return text

    def _flushed(self) -> list[str]:
        self._waiting = 0
        return self._splitter.flush()

    def _limited(self, pieces: list[str]) -> Iterator[str]:
        for piece in pieces:
            yield from cut_to_limit(piece, self._limit)


class ValueDecoder:
    r"""Decode newline-delimited JSON that arrives in parts into the values of a stream.

        decoder = ValueDecoder()
        list(decoder.feed(b'{"a":1}\n{"b"'))  # [{"a": 1}]
        list(decoder.feed(b': 2}'))            # []
        list(decoder.finish())                 # [{"b": 2}]

    Blank lines are skipped. All methods raise BadRequest and TooLarge, and the sentence names the
    line.
    """

    def __init__(self) -> None:
        # A character above U+FFFF takes twelve bytes as two escapes.
        self._most = 12 * setting("STREAM_MAX_PIECE_LENGTH")
        self._rest = b""
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the values of the lines that end in `data`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._values(line)
        if len(self._rest) > self._most:
            raise TooLarge(f"Line {self._number + 1}: The line has more than {self._most} bytes.")

    def flush(self) -> Iterator[Any]:
        """Yield nothing, because half a line is not a value."""
        return iter(())

    def finish(self) -> Iterator[Any]:
        """Yield the value of the last line, if the line has no line feed."""
        rest, self._rest = self._rest, b""
        return self._values(rest)

    def _values(self, line: bytes) -> Iterator[Any]:
        self._number += 1
        if line.strip():
            try:
                value = parse(line)
                piece_of(value, JSON)  # The error of `write` would not name the line.
            except StreamError as error:
                raise type(error)(f"Line {self._number}: {error.detail}") from None
            yield value


Decoder = InputDecoder | ValueDecoder


def cut_to_limit(text: str, limit: int) -> Iterator[str]:
    """Cut a text into parts of at most `limit` characters.

    The cuts are between graphemes, except within a grapheme longer than `limit`.
    """
    while len(text) > limit:
        # The last grapheme of the window may continue after the window, so the cut is before it.
        border = limit + 1 - len(_GRAPHEME.findall(text[: limit + 1])[-1])
        yield text[: border or limit]
        text = text[border or limit :]
    yield text
