"""The blocks of code in the guide, and the marks that say what the tests do with each block.

A mark is a comment on the line above the block:

- `<!-- file: shop/views.py -->`: the block is a part of this file of the project `shop`.
- `<!-- run: django -->`: the block runs in a process of the project.
- `<!-- run: python -->`, `<!-- run: shell -->`, `<!-- run: javascript -->`, `<!-- run: nginx -->`:
  the block runs as a program beside the served project.

A block without a mark is only compiled if it is Python.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .site import ROOT

FOLDER = ROOT / "demos" / "guide"
RUNS = ("django", "python", "shell", "javascript", "nginx")

_BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>file|run): (?P<value>\S+) -->\n)?"
    r"^```(?P<language>\S*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a topic. `file` and `run` are the values of its mark, or ""."""

    topic: str
    language: str
    code: str
    file: str = ""
    run: str = ""


def blocks(language: str = "en") -> Iterator[Block]:
    """Yield the blocks of all topics in a language, "en" or "zh_hans"."""
    for path in sorted((FOLDER / language).glob("*.md")):
        for match in _BLOCK.finditer(path.read_text(encoding="utf-8")):
            mark = {match["kind"]: match["value"]} if match["kind"] else {}
            yield Block(path.stem, match["language"], match["code"], **mark)


def running(run: str) -> list[Block]:
    """Return the blocks that run in one way."""
    return [block for block in blocks() if block.run == run]
