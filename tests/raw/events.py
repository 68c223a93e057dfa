"""A strict parser of the text/event-stream format (WHATWG HTML, 9.2.5)."""

import re
from dataclasses import dataclass

FIELD = re.compile(r"(?P<name>data|event|id|retry):(?: (?P<value>[^\r\n]*))?")
COMMENT = re.compile(r":[^\r\n]*")


@dataclass(frozen=True)
class Block:
    """The lines between two blank lines: an event, or comments."""

    fields: tuple[tuple[str, str], ...]
    size: int

    @property
    def data(self) -> str | None:
        """The lines of data, joined by LF, or None without such a line."""
        lines = [value for name, value in self.fields if name == "data"]
        return "\n".join(lines) if lines else None


def parse(stream: bytes) -> list[Block]:
    """Parse a complete stream.

    Unknown fields, line ends other than LF, a byte order mark and a last block without its blank
    line fail the test.
    """
    text = stream.decode("utf-8")
    assert not text.startswith("\ufeff"), "the stream begins with a byte order mark"
    assert text.endswith("\n\n"), f"the last event is cut short: {text[-60:]!r}"
    return [parse_block(block) for block in text[:-2].split("\n\n")]


def parse_block(block: str) -> Block:
    """Parse the lines of one block, given without the blank line after them."""
    fields = []
    for line in block.split("\n"):
        if COMMENT.fullmatch(line):
            continue
        match = FIELD.fullmatch(line)
        assert match, f"{line!r} is not a line of an event stream"
        fields.append((match["name"], match["value"] or ""))
    return Block(tuple(fields), len(f"{block}\n\n".encode()))
