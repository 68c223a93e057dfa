"""Newline-delimited JSON: a JSON text a line, ended by LF (https://github.com/ndjson/ndjson-spec)."""

from collections.abc import Iterable, Iterator

CONTENT_TYPE = "application/x-ndjson"


def lines(objects: Iterable[str]) -> bytes:
    """Return JSON texts as lines."""
    return "".join(f"{text}\n" for text in objects).encode()


class Decoder:
    """Takes bytes as they arrive and gives back the lines that are complete, still encoded."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each complete line that isn't blank, without its end."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        yield from (line for line in complete if line.strip())

    def flush(self) -> Iterator[bytes]:
        """Yield the last line, where the text ends without a line feed."""
        rest, self._rest = self._rest, b""
        if rest.strip():
            yield rest
