"""Publishing and stopping over HTTP."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse

from .. import log
from ..errors import BadRequest, Conflict, Ended, OutOfTurn, Removed, StreamError
from ..instruments import PUBLISHES
from ..log.database import in_database
from ..log.ending import end_stream
from ..models import Stream
from ..reading.finding import find
from ..tokens import PublishToken
from ..values import FORMATS, TEXT
from ..writing.moments import LONGEST, moments
from ..writing.writer import writer
from .access import is_secret, publisher_of, stop_over_http
from .deliveries import Contents, Delivery, Item, read_contents
from .endpoints import endpoint
from .limits.publishers import count_new_stream, count_publish
from .policy import User

# Seconds without a request after which a publisher counts as dead. A request with an empty list of
# pieces is a sign of life, too.
LEASE = LONGEST
# The values of a switch in a query, "off" first.
SWITCH = ("0", "1")


@endpoint("POST", late_body=True)
async def pieces(request: HttpRequest, name: str) -> JsonResponse:
    """Add pieces to a live stream. The first request creates the stream.

    The body is `application/json`: {"pieces": ["…"], "n": 17, "end": "done"}, where `n` is the
    number of the first piece, and `n` and `end` are optional. Or the body is
    `application/x-ndjson`, with {"text": "…", "n": 17} on each line and an optional last line
    {"end": "done"}. In a stream of JSON values, the pieces are values, and a line is
    {"data": …, "n": 17}.

    A piece whose number the stream already has is ignored, so a request may be repeated. A piece
    that would leave a gap is refused with 409. Items before the first error count. A request
    without a valid item creates no stream, and a body of another type is refused with 415.

    The query takes `title`, `visibility`, `format` ("text" or "json", for a new stream), `keep`
    (such as 30d, or forever), `producer` (a name that tells apart two producers with the same
    token) and `takeover=1`.
    """
    publisher = await publisher_of(request, name)
    count_publish(publisher)
    if isinstance(publisher, PublishToken):
        identity, owner_id, token_id = f"{publisher.pk}", publisher.owner_id, publisher.pk
    else:
        identity, owner_id, token_id = f"user {publisher.pk}", publisher.pk, None
    wanted = choice(request, "format", ("", *FORMATS))
    written = wanted or await in_database(format_of, name, publisher)
    contents = await read_contents(request, written)
    producer = f"{identity}/{request.GET.get('producer', '')}"
    fence = hashlib.sha256(producer.encode()).hexdigest()[:32]
    options: dict[str, Any] = {
        "title": request.GET.get("title", ""),
        "owner_id": owner_id,
        "token_id": token_id,
        "visibility": choice(request, "visibility", ("", *Stream.Visibility.values)) or None,
        "keep": log.parse_keep(request.GET["keep"]) if "keep" in request.GET else None,
        "takeover": choice(request, "takeover", SWITCH) == "1",
        "format": written,
    }
    try:
        receipt = await deliver(name, contents, publisher, fence, options)
    except Ended:
        if (receipt_before := await repeated(name, contents, fence)) is None:
            raise
        return receipt_before.response()
    if receipt.error is None and receipt.end:
        receipt.state, reason = receipt.end
        if not await end_stream(receipt.stream.pk, receipt.state, reason, fence=fence):
            # Somebody else ended the stream after the pieces were committed.
            receipt.state = (await in_database(log.find, name)).state
    return receipt.response()


@dataclass(slots=True)
class Receipt:
    """What became of a delivery: the stream has `after` pieces now.

    `end` is the end that the request asks for, and `error` what was wrong with the first item that
    does not count.
    """

    stream: Stream
    after: int
    state: str
    end: tuple[str, str] | None = None
    error: StreamError | None = None

    def response(self) -> JsonResponse:
        answer: dict[str, Any] = {"after": self.after, "state": self.state}
        if self.error is not None:
            answer["detail"] = self.error.detail
        return JsonResponse(
            answer,
            status=self.error.status if self.error else 202,
            json_dumps_params={"ensure_ascii": False},
        )


async def deliver(
    name: str,
    contents: Contents,
    publisher: PublishToken | User,
    fence: str,
    options: dict[str, Any],
) -> Receipt:
    """Commit the pieces of a request. Raises StreamError if the stream takes none of the items."""
    while True:
        stream = await in_database(open_stream, name, contents.items, publisher, fence, options)
        delivery = Delivery(stream.pieces)
        misfit = delivery.take(contents.items)
        times = [await passed(stream)] * len(delivery.texts)
        write = log.Write(
            stream.pk,
            fence,
            stream.pieces,
            delivery.texts,
            times,
            stream.format,
            stream.revision,
            lease=LEASE,
        )
        # When another request of the same publisher came in between, deliver after that request.
        with suppress(OutOfTurn, Ended):
            await writer().append(write)
            PUBLISHES.labels("http").inc()
            error = misfit or contents.error
            return Receipt(stream, delivery.after, stream.state, delivery.end, error)


async def passed(stream: Stream) -> int:
    """Return the ms since a stream began."""
    found = moments.passed(stream)
    if found is None:
        last = await in_database(log.last_time, stream) if stream.pieces else 0
        moments.meet(stream, last)
        found = moments.passed(stream) or 0
    return found


def open_stream(
    name: str,
    items: list[Item],
    publisher: PublishToken | User,
    fence: str,
    options: dict[str, Any],
) -> Stream:
    """Return the live stream that the items go to, and create it where there is none.

    Raises what log.create raises, TooMany when the publisher may not create another stream, and
    Conflict when a new stream would begin with a gap.
    """
    if (gap := Delivery(0).take(items[:1])) and known_stream(name, publisher) is None:
        raise gap

    def admit() -> None:
        count_new_stream(publisher)
        log.check_live(token_id=options["token_id"], owner_id=options["owner_id"])

    try:
        return log.create(name, fence=fence, lease=LEASE, admit=admit, **options)
    except (Conflict, Removed) as error:
        secret = (
            error.private if isinstance(error, Removed) else known_stream(name, publisher) is None
        )
        if secret:
            # Nobody else may learn the state of a private stream.
            raise Conflict(f"The name {name!r} is taken. Publish under another name.") from None
        raise


def known_stream(name: str, publisher: PublishToken | User) -> Stream | None:
    """Return the stream with this name, if there is one that the publisher may know of."""
    stream = log.peek(name)
    return None if stream is None or is_secret(stream, publisher) else stream


def format_of(name: str, publisher: PublishToken | User) -> str:
    """Return the format of the stream with this name, or the format of a new stream."""
    stream = known_stream(name, publisher)
    return TEXT if stream is None else stream.format


async def repeated(name: str, contents: Contents, fence: str) -> Receipt | None:
    """Return the receipt of a request that repeats the stream's last request, or None for others.

    A publisher repeats its last request when the answer was lost. By then the stream has ended.
    """
    stream = await in_database(log.find, name)
    *pieces, last = contents.items or [Item()]
    if (
        contents.error is None
        and stream.fence == fence
        and last.end == (stream.state, stream.reason)
        and all(item.n is not None and item.n < stream.pieces for item in pieces)
    ):
        return Receipt(stream, stream.pieces, stream.state)
    return None


@endpoint("POST")
async def stop(request: HttpRequest, name: str) -> JsonResponse:
    """Stop a live stream: as its owner or as staff, with session and CSRF cookie, or by token."""
    await stop_over_http(request, name)
    return JsonResponse({"state": (await find(name)).state}, status=202)


def choice(request: HttpRequest, name: str, values: Sequence[str]) -> str:
    """Return a parameter of the query, by default the first of `values`. Raises BadRequest."""
    value = request.GET.get(name, values[0])
    if value not in values:
        raise BadRequest(f"{name}={value[:40]!r} is not one of {', '.join(filter(None, values))}.")
    return value
