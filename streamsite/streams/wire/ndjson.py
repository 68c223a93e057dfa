"""Newline-delimited JSON: one JSON text on each line, ended by LF.

https://github.com/ndjson/ndjson-spec
"""

from collections.abc import Iterable, Iterator

CONTENT_TYPE = "application/x-ndjson"


def lines(objects: Iterable[str]) -> bytes:
    r"""Encode JSON texts as lines in UTF-8.

        lines(['{"n":0}', '{"n":1}'])  # b'{"n":0}\n{"n":1}\n'

    The JSON texts must not contain a line feed. The encoders of `objects` escape line feeds.
    """
    return "".join(f"{text}\n" for text in objects).encode()


class Decoder:
    r"""Decode bytes that arrive in parts into lines. Each line is a JSON text in UTF-8.

        decoder = Decoder()
        list(decoder.feed(b'{"n":0}\n{"n"'))  # [b'{"n":0}']
        list(decoder.feed(b':1}'))             # []
        list(decoder.flush())                  # [b'{"n":1}']

    Blank lines are skipped, as the ndjson specification allows (section 3.2).
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that end in `data`, without their line feeds."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        yield from (line for line in complete if line.strip())

    def flush(self) -> Iterator[bytes]:
        """Yield the last line, if it has no line feed. Call this at the end of the data."""
        rest, self._rest = self._rest, b""
        if rest.strip():
            yield rest
