"""The text/event-stream format (WHATWG HTML, 9.2.5), as strict as a validator."""

import re
from dataclasses import dataclass

FIELD = re.compile(r"(?P<name>data|event|id|retry):(?: (?P<value>[^\r\n]*))?")
COMMENT = re.compile(r":[^\r\n]*")


@dataclass(frozen=True)
class Block:
    """What stands between two blank lines: an event, or a comment."""

    fields: tuple[tuple[str, str], ...]
    size: int

    @property
    def data(self) -> str | None:
        lines = [value for name, value in self.fields if name == "data"]
        return "\n".join(lines) if lines else None


def parse(stream: bytes) -> list[Block]:
    """Parse a whole stream. Unknown fields, other line ends, a last block cut short are refused."""
    text = stream.decode("utf-8")
    assert not text.startswith("\ufeff"), "a byte order mark that nobody asked for"
    assert text.endswith("\n\n"), f"the last event is cut short: {text[-60:]!r}"
    return [parse_block(block) for block in text[:-2].split("\n\n")]


def parse_block(block: str) -> Block:
    fields = []
    for line in block.split("\n"):
        if COMMENT.fullmatch(line):
            continue
        match = FIELD.fullmatch(line)
        assert match, f"not a line of an event stream: {line!r}"
        fields.append((match["name"], match["value"] or ""))
    return Block(tuple(fields), len(f"{block}\n\n".encode()))
