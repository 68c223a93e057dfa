"""Publishing and stopping over HTTP."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone

from .. import log
from ..errors import BadRequest, Conflict, Ended, Forbidden, OutOfTurn, StreamError, Unauthorized
from ..log.database import in_database
from ..log.limits import check_piece
from ..models import PublishToken, Stream
from ..pieces import check_text
from ..reading.finding import find
from ..reading.hub import ring_end
from ..wire import ndjson
from ..writing.producers import REASON_LENGTH
from ..writing.stopping import stop_as, stop_with
from ..writing.writer import writer
from .endpoints import endpoint

# Seconds without a request after which a publisher over HTTP counts as dead. An empty list of
# pieces is a sign of life too.
LEASE = 60.0
# How a publisher may end its stream.
ENDS = (Stream.State.DONE, Stream.State.FAILED)

JSON = "application/json"
# Off and on, in a query.
SWITCH = ("0", "1")


class UnsupportedType(StreamError):
    """A body in a format that isn't understood."""

    status = 415
    close_code = 4415


@endpoint("POST")
async def pieces(request: HttpRequest, name: str) -> JsonResponse:
    """Add pieces to a live stream, which the first request makes.

    As application/json: {"pieces": ["…"], "n": 17, "end": "done"}, where `n` is the number of the
    first piece; it and `end` may be left out. As application/x-ndjson: on each line a piece
    {"text": "…", "n": 17}, or last {"end": "done"}. A piece whose number was taken before is
    ignored, as after a request that was repeated; one that leaves a gap is refused with 409.
    What comes before the first that is refused counts. A request of which nothing does makes no
    stream, and neither does one in another format, which is refused with 415.

    In the query: `title`, `visibility`, `producer` (two of one token), `takeover=1`.
    """
    token = await publisher(request)
    items, problem = understood(request)
    if problem is not None and not items:
        raise problem
    producer = f"{token.pk}/{request.GET.get('producer', '')}"
    fence = hashlib.sha256(producer.encode()).hexdigest()[:32]
    options: dict[str, Any] = {
        "title": request.GET.get("title", ""),
        "owner_id": token.owner_id,
        "visibility": choice(request, "visibility", Stream.Visibility.values),
        "takeover": choice(request, "takeover", SWITCH) == "1",
    }
    while True:
        try:
            stream = await in_database(enter, name, items, fence, options)
        except Ended:
            stream = await in_database(log.find, name)
            if problem is not None or not has_all(stream, fence, items):
                raise
            return accepted({"after": stream.pieces, "state": stream.state})
        delivery = Delivery(stream.pieces)
        refused = delivery.take(items)
        passed = round((timezone.now() - stream.started_at).total_seconds() * 1000)
        times = [max(0, passed)] * len(delivery.texts)
        write = log.Write(stream.pk, fence, LEASE, stream.pieces, delivery.texts, times)
        try:
            await writer().append(write)
            break
        except (OutOfTurn, Ended):
            continue  # Another request of this publisher came in between: once more, after it.
    problem = refused or problem
    answer: dict[str, Any] = {"after": delivery.after, "state": stream.state}
    if problem is None and delivery.end:
        state, reason = delivery.end
        if await in_database(log.finish, stream.pk, state, reason, fence):
            await ring_end(stream.pk)
        answer["state"] = state
    if problem is not None:
        answer["detail"] = problem.detail
    return accepted(answer, problem.status if problem else 202)


def enter(name: str, items: list["Item"], fence: str, options: dict[str, Any]) -> Stream:
    """Return the live stream that the items go to; made, where there is none and one fits.

    Raises as log.create, and Conflict when the first item would leave a gap in a new stream.
    """
    if (gap := Delivery(0).take(items[:1])) and name not in log.find_all([name]):
        raise gap
    return log.create(name, fence=fence, lease=LEASE, **options)


def has_all(stream: Stream, fence: str, items: list["Item"]) -> bool:
    """Tell whether a stream that is over was ended by this very request, which came before."""
    *pieces, last = items or [Item()]
    return (
        stream.fence == fence
        and last.end == (stream.state, stream.reason)
        and all(item.n is not None and item.n < stream.pieces for item in pieces)
    )


def accepted(answer: dict[str, Any], status: int = 202) -> JsonResponse:
    """Return the answer to a request of which something counts."""
    return JsonResponse(answer, status=status, json_dumps_params={"ensure_ascii": False})


@endpoint("POST")
async def stop(request: HttpRequest, name: str) -> JsonResponse:
    """Stop a live stream: as owner or staff, by session and CSRF cookies, or with a token."""
    stream = await find(name)
    if "Authorization" in request.headers:
        await stop_with(await publisher(request), stream)
    else:
        check_csrf(request)
        await stop_as(request.user, stream)
    return JsonResponse({"state": (await find(name)).state}, status=202)


async def publisher(request: HttpRequest) -> PublishToken:
    """Return the token that the request bears. Raises Unauthorized."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized(
            "Publishing takes the header `Authorization: Bearer <token>`: the admin makes tokens."
        )
    token = await in_database(PublishToken.bearing, key.strip())
    if token is None:
        raise Unauthorized("This token is unknown or was revoked: the admin makes tokens.")
    return token


def check_csrf(request: HttpRequest) -> None:
    """Raise Forbidden when the request may come from another site's page."""

    def view(request: HttpRequest) -> HttpResponse:
        raise NotImplementedError("only Django's check is asked for")

    check = CsrfViewMiddleware(view)
    check.process_request(request)
    if check.process_view(request, view, (), {}) is not None:
        raise Forbidden(
            "The CSRF token is missing or wrong: send the csrftoken cookie's value as X-CSRFToken."
        )


def choice(request: HttpRequest, name: str, values: Sequence[str]) -> str:
    """Return a parameter of the query, the first value where it is left out. Raises BadRequest."""
    value = request.GET.get(name, values[0])
    if value not in values:
        raise BadRequest(f"{name}={value[:40]!r} is not one of {', '.join(values)}.")
    return value


@dataclass(slots=True)
class Item:
    """A piece, with the number it should have where the publisher gave one, or the end."""

    text: str = ""
    n: int | None = None
    end: tuple[str, str] | None = None
    # Where it stood, for the error that it may be: "Line 3: ".
    where: str = ""


@dataclass(slots=True)
class Delivery:
    """What one request adds to a stream that has `after` pieces."""

    after: int
    texts: list[str] = field(default_factory=list)
    end: tuple[str, str] | None = None

    def take(self, items: Iterable[Item]) -> StreamError | None:
        """Take items up to the first that can't be taken; return why it can't."""
        for item in items:
            if self.end:
                return BadRequest(f"{item.where}Something follows the end.")
            if item.end:
                self.end = item.end
            elif item.n is not None and item.n > self.after:
                return Conflict(
                    f"{item.where}Piece {item.n} would leave a gap: "
                    f"the next number is {self.after}."
                )
            elif item.n is None or item.n == self.after:
                self.texts.append(item.text)
                self.after += 1
        return None


def understood(request: HttpRequest) -> tuple[list[Item], StreamError | None]:
    """Return a body's items up to the first that is wrong, and what is wrong with that.

    Raises UnsupportedType.
    """
    kind = request.content_type or ""
    if kind not in ("", JSON, ndjson.CONTENT_TYPE):
        raise UnsupportedType(
            f"The body is {kind[:100]}: send {JSON} or {ndjson.CONTENT_TYPE}, and say so in "
            "Content-Type."
        )
    items: list[Item] = []
    try:
        for item in (from_lines if kind == ndjson.CONTENT_TYPE else from_object)(request.read()):
            items.append(item)  # noqa: PERF402 - those before the error are kept
    except StreamError as error:
        return items, error
    return items, None


def from_object(data: bytes) -> Iterator[Item]:
    """Yield the items of a JSON body."""
    body = parsed(data, "The body", {"pieces", "n", "end", "reason"})
    texts = body.get("pieces", [])
    if not isinstance(texts, list):
        raise BadRequest('"pieces" is a list of texts: {"pieces": ["Hello, ", "world"]}.')
    n, end = number(body), ending(body)
    for i, text in enumerate(texts):
        check_piece(text)
        yield Item(text, None if n is None else n + i)
    if end:
        yield Item(end=end)


def from_lines(data: bytes) -> Iterator[Item]:
    """Yield the items of an NDJSON body. What is wrong is said with its line."""
    for i, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            where = f"Line {i}: "
            try:
                yield replace(from_line(line), where=where)
            except StreamError as error:
                error.detail = where + error.detail
                raise


def from_line(line: bytes) -> Item:
    """Return the item of one line."""
    item = parsed(line, "It", {"text", "n", "end", "reason"})
    if ("end" in item) == ("text" in item):
        raise BadRequest('A line is {"text": "…"} or {"end": "done"}.')
    if end := ending(item):
        return Item(end=end)
    check_piece(item["text"])
    return Item(item["text"], number(item))


def parsed(data: bytes, what: str, keys: Set[str]) -> dict[str, Any]:
    """Return a JSON object that has no other keys than these. Raises BadRequest."""
    try:
        value = json.loads(data)
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8: byte {error.start} can't be read.") from None
    except (ValueError, RecursionError):
        raise BadRequest(f"{what} is not JSON.") from None
    if not isinstance(value, dict):
        raise BadRequest(f"{what} is not a JSON object.")
    if unknown := set(value) - keys:
        raise BadRequest(
            f"{what} has {', '.join(sorted(unknown))[:80]!r}: it takes {', '.join(sorted(keys))}."
        )
    return value


def number(item: dict[str, Any]) -> int | None:
    """Return the number that a piece should have, or None. Raises BadRequest."""
    if "n" not in item:
        return None
    n = item["n"]
    if isinstance(n, float) and n.is_integer():
        n = int(n)  # JSON has one kind of number.
    if type(n) is not int or n < 0:
        raise BadRequest(f'"n" is a whole number from 0, not {str(n)[:40]!r}.')
    return n


def ending(item: dict[str, Any]) -> tuple[str, str] | None:
    """Return state and reason where there is an end. Raises BadRequest."""
    if "end" not in item:
        if "reason" in item:
            raise BadRequest('A "reason" is that of an "end".')
        return None
    state, reason = item["end"], item.get("reason", "")
    if state not in ENDS or not isinstance(reason, str):
        raise BadRequest('"end" is "done" or "failed", with a text as "reason" where there is one.')
    reason = reason[:REASON_LENGTH].replace("\0", "")
    check_text(reason)
    return state, reason
