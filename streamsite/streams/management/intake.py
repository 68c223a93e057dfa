"""Bytes that come from anywhere, made pieces of a stream."""

import codecs
from collections.abc import Callable, Iterator

import regex

from ..pieces import Splitter

_GRAPHEME = regex.compile(r"\X")


class Intake:
    """Bytes in, pieces out: all that comes, whatever comes. `notice` is told of what is changed."""

    def __init__(self, split: str, most: int, notice: Callable[[str], None]) -> None:
        self._most = most
        self._notice = notice
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._splitter = Splitter(split)
        self._waiting = 0  # characters in the splitter
        self._nul_seen = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the pieces that are complete now."""
        text = self._decoded(data)
        pieces = self._splitter.feed(text)
        self._waiting += len(text) - sum(map(len, pieces))
        if self._waiting > self._most:
            pieces += self._flushed()
        return self._cut(pieces)

    def pause(self) -> Iterator[str]:
        """Yield what was waiting for its end. An unfinished character goes on waiting."""
        return self._cut(self._flushed())

    def end(self) -> Iterator[str]:
        """Yield all that is left."""
        text = self._decoded(b"", final=True)
        return self._cut(self._splitter.feed(text) + self._flushed())

    def _decoded(self, data: bytes, *, final: bool = False) -> str:
        try:
            text = self._utf8.decode(data, final)
        except UnicodeDecodeError:
            self._notice("The input isn't all UTF-8: what can't be read becomes U+FFFD.")
            self._utf8.errors = "replace"
            text = self._utf8.decode(data, final)
        if "\0" in text:
            if not self._nul_seen:
                self._notice("The input has NUL characters: they become U+2400.")
            self._nul_seen = True
            text = text.replace("\0", "\N{SYMBOL FOR NULL}")
        return text

    def _flushed(self) -> list[str]:
        self._waiting = 0
        return self._splitter.flush()

    def _cut(self, pieces: list[str]) -> Iterator[str]:
        for piece in pieces:
            yield from cut(piece, self._most)


def cut(text: str, most: int) -> Iterator[str]:
    """Cut into parts of at most so many characters, each between graphemes if one allows it."""
    while len(text) > most:
        # The last grapheme of the window may go on beyond it.
        border = most + 1 - len(_GRAPHEME.findall(text[: most + 1])[-1])
        yield text[: border or most]
        text = text[border or most :]
    yield text
