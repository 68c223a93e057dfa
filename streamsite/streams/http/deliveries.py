"""Deliveries: the body of a request that publishes, and what it adds to a stream."""

import asyncio
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from ..errors import BadRequest, Conflict, StreamError
from ..log.limits import piece_of
from ..models import Stream
from ..pieces import check_text
from ..values import JSON, TEXT, parse
from ..wire import ndjson
from .bodies import read_late

CONTENT_TYPE = "application/json"
# A piece on a line of NDJSON, by the stream's format.
EXAMPLES = {TEXT: '{"text": "…"}', JSON: '{"data": …}'}
# Bytes of a body above which a thread parses it. Parsing 8 MB of NDJSON in the event loop kept all
# viewers waiting for 3.3 s.
LARGE = 65_536
# Characters of the reason that a publisher may give.
REASON_LENGTH = 500
# How a publisher may end its stream.
ENDS = (Stream.State.DONE, Stream.State.FAILED)


class UnsupportedType(StreamError):
    """A body in a format that is not supported."""

    status = 415
    close_code = 4415


@dataclass(slots=True)
class Item:
    """A piece, or the end of the stream as a state and a reason.

    `n` is the number that the publisher gave the piece, if any. `line` is the number of the item's
    line in an NDJSON body, from 1, and 0 in a JSON body.
    """

    text: str = ""
    n: int | None = None
    end: tuple[str, str] | None = None
    line: int = 0

    @property
    def where(self) -> str:
        """The beginning of an error message that concerns this item."""
        return f"Line {self.line}: " if self.line else ""


@dataclass(slots=True)
class Contents:
    """The valid items of a request's body, up to the first error, and that error if there is one.

    A publisher that streams a long body must not lose what comes before the error.
    """

    items: list[Item] = field(default_factory=list)
    error: StreamError | None = None


@dataclass(slots=True)
class Delivery:
    """What a request adds to a stream that has `after` pieces."""

    after: int
    texts: list[str] = field(default_factory=list)
    end: tuple[str, str] | None = None

    def take(self, items: Iterable[Item]) -> StreamError | None:
        """Take items up to the first that does not fit. Returns why it does not, or None.

        A piece whose number the stream already has is skipped: the request is a repetition.
        """
        for item in items:
            if self.end:
                return BadRequest(f"{item.where}Nothing may follow the end.")
            if item.end:
                self.end = item.end
            elif item.n is not None and item.n > self.after:
                return Conflict(
                    f"{item.where}Piece {item.n} would leave a gap. "
                    f"The next number is {self.after}."
                )
            elif item.n is None or item.n == self.after:
                self.texts.append(item.text)
                self.after += 1
        return None


async def read_contents(request: HttpRequest, format: str) -> Contents:
    """Return what a request publishes in a stream of this format.

    Raises TooLarge, UnsupportedType, and the body's error when no item comes before it.
    """
    data, kind = await read_late(request), request.content_type or ""
    if len(data) <= LARGE:
        return parse_body(data, kind, format)
    return await asyncio.to_thread(parse_body, data, kind, format)


def parse_body(data: bytes, kind: str, format: str = TEXT) -> Contents:
    """Return the items of a body with this content type. Raises what `read_contents` raises."""
    if kind not in ("", CONTENT_TYPE, ndjson.CONTENT_TYPE):
        raise UnsupportedType(
            f"The body has the type {kind[:100]}. Send {CONTENT_TYPE} or {ndjson.CONTENT_TYPE}, "
            "and name the type in the Content-Type header."
        )
    contents = Contents()
    try:
        for item in (from_lines if kind == ndjson.CONTENT_TYPE else from_object)(data, format):
            contents.items.append(item)
    except StreamError as error:
        if not contents.items:
            raise
        contents.error = error
    return contents


def from_object(data: bytes, format: str) -> Iterator[Item]:
    """Yield the items of a JSON body. Raises BadRequest and TooLarge."""
    body = parsed(data, "The body", {"pieces", "n", "end", "reason"})
    pieces = body.get("pieces", [])
    if not isinstance(pieces, list):
        raise BadRequest('"pieces" must be a list: {"pieces": ["Hello, ", "world"]}.')
    n, end = number(body), ending(body)
    for i, piece in enumerate(pieces):
        yield Item(piece_of(piece, format), None if n is None else n + i)
    if end:
        yield Item(end=end)


def from_lines(data: bytes, format: str) -> Iterator[Item]:
    """Yield the items of an NDJSON body. Raises BadRequest and TooLarge, naming the line."""
    for place, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                item = from_line(line, format)
            except StreamError as error:
                error.detail = f"Line {place}: {error.detail}"
                raise
            item.line = place
            yield item


def from_line(line: bytes, format: str) -> Item:
    """Return the item of one line. Raises BadRequest and TooLarge."""
    item = parsed(line, "The line", {"text", "data", "n", "end", "reason"})
    member, other = ("data", "text") if format == JSON else ("text", "data")
    if other in item:
        raise BadRequest(
            f'The stream has the format {format}, so a line must be {{"{member}": …}} instead of '
            f'{{"{other}": …}}. The parameter `format` sets the format of a new stream.'
        )
    if ("end" in item) == (member in item):
        raise BadRequest(f'A line must be {EXAMPLES[format]} or {{"end": "done"}}.')
    if end := ending(item):
        return Item(end=end)
    return Item(piece_of(item[member], format), number(item))


def parsed(data: bytes, what: str, keys: Set[str]) -> dict[str, Any]:
    """Return a JSON object that has no keys but these. Raises BadRequest."""
    value = parse(data, what)
    if not isinstance(value, dict):
        raise BadRequest(f"{what} is not a JSON object.")
    if unknown := set(value) - keys:
        raise BadRequest(
            f"{what} has the unknown key {', '.join(sorted(unknown))[:80]!r}. "
            f"The keys are {', '.join(sorted(keys))}."
        )
    return value


def number(item: dict[str, Any]) -> int | None:
    """Return the number that a piece should have, or None. Raises BadRequest."""
    if "n" not in item:
        return None
    n = item["n"]
    if isinstance(n, float) and n.is_integer():
        n = int(n)  # JSON does not tell 17.0 from 17.
    if type(n) is not int or n < 0:
        raise BadRequest(f'"n" must be a whole number from 0, not {str(n)[:40]!r}.')
    return n


def ending(item: dict[str, Any]) -> tuple[str, str] | None:
    """Return the end state and its reason, or None where there is no end. Raises BadRequest."""
    if "end" not in item:
        if "reason" in item:
            raise BadRequest('"reason" needs an "end".')
        return None
    state, reason = item["end"], item.get("reason", "")
    if state not in ENDS or not isinstance(reason, str):
        raise BadRequest('"end" must be "done" or "failed", and "reason", if given, a text.')
    reason = reason[:REASON_LENGTH].replace("\0", "")
    check_text(reason)
    return state, reason
