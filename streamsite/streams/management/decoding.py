"""Turn the bytes of a command's input into the pieces of a stream."""

import codecs
from collections.abc import Callable, Iterator

import regex

from ..pieces import Splitter

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
