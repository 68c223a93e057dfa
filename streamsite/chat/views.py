"""The HTTP endpoints for the front ends of the AI SDK (npm `ai`).

`DefaultChatTransport` asks at `api`, and resumes at `api/<id>/stream`. `TextStreamChatTransport`
does the same below `api/text`. The front ends send no CSRF token, so an endpoint that changes
something refuses the pages of other origins by their Origin header.

See https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol.
"""

from collections.abc import Callable
from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.utils.translation import get_language_from_request, override

from streamsite.streams import (
    Admission,
    BadRequest,
    Cursor,
    End,
    Forbidden,
    Format,
    RecordsResponse,
    Stream,
    StreamRequest,
    endpoint,
    in_database,
    is_foreign,
    stop,
)

from . import encoding
from .answers import answer, end_part
from .conversations import Visitor, is_own, live_answer, remove, settle
from .models import Message
from .questions import read_asked, read_json

# How many conversations the list has.
LISTED = 100


class UnsupportedType(BadRequest):
    """The body is of another type than JSON."""

    status = 415
    close_code = 4415


@endpoint("POST")
async def ask(request: HttpRequest) -> HttpResponseBase:
    """Answer a question: `{"id": "…", "messages": […], "trigger": "submit-message"}`.

    The response is a UI message stream. The answer goes on when the client disconnects.
    """
    return as_events(request, await _begin(request))


@endpoint("POST")
async def ask_for_text(request: HttpRequest) -> HttpResponseBase:
    """Answer a question as `ask` does, with the bare text of the answer."""
    return as_text(request, await _begin(request))


@endpoint("GET")
async def resume(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send the answer that is being written, from its beginning. 204 when there is none."""
    return await _resume(request, key, as_events)


@endpoint("GET")
async def resume_text(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send the text of the answer that is being written, from its beginning, or 204."""
    return await _resume(request, key, as_text)


@endpoint("POST")
async def stop_answer(request: HttpRequest, key: str) -> JsonResponse:
    """Stop the answer that is being written, in whichever process. Nothing happens without one."""
    check_origin(request)
    live = await live_answer(await _visitor(request), key)
    stopped = live is not None and await stop(live)
    return JsonResponse({"stopped": stopped}, status=202)


@endpoint("GET")
async def conversations(request: HttpRequest) -> JsonResponse:
    """Return the visitor's conversations, the newest first: `[{"id", "title"}]`."""
    visitor = await _visitor(request)

    def found() -> list[dict[str, Any]]:
        newest = visitor.conversations()[:LISTED]
        return [{"id": each.key, "title": each.title} for each in newest]

    return _json({"conversations": await in_database(found)})


@endpoint("GET", "DELETE")
async def conversation(request: HttpRequest, key: str) -> HttpResponseBase:
    """Return a conversation: `{"id", "title", "messages", "ends", "live", "stream"}`, or DELETE it.

    `ends` has the part `abort` or `error` of each answer that was cut short, by the id of its
    message. `live` says whether an answer is being written, and `stream` is the address of the
    newest one.
    """
    visitor = await _visitor(request)
    if request.method == "DELETE":
        check_origin(request)
        await remove(visitor, key)
        return nothing()
    await settle(visitor, key)

    def read() -> dict[str, Any]:
        found = visitor.find(key)
        messages = list(found.messages.select_related("stream"))
        with override(get_language_from_request(request)):
            ends = {each.key: end_part(end) for each in messages if (end := _end_of(each))}
        stream = None if found.answer is None else found.answer.url
        return {
            "id": key,
            "title": found.title,
            "messages": [each.as_ui_message() for each in messages if each.parts is not None],
            # An answer that has ended since `settle` counts as live, because `messages` lack it.
            "live": any(each.parts is None for each in messages),
            "ends": {key: part for key, part in ends.items() if part},
            "stream": stream,
        }

    return _json(await in_database(read))


def _end_of(message: Message) -> End | None:
    return None if message.stream is None else message.stream.end()


async def _begin(request: HttpRequest) -> Stream:
    if request.content_type != "application/json":
        raise UnsupportedType("The body is not JSON. Send it as application/json.")
    check_origin(request)
    asked = read_asked(read_json(request.body))
    visitor = await _visitor(request, new=True)
    return await answer(visitor, asked, get_language_from_request(request))


async def _resume(
    request: HttpRequest, key: str, respond: Callable[[HttpRequest, Stream], HttpResponseBase]
) -> HttpResponseBase:
    live = await live_answer(await _visitor(request), key)
    return nothing() if live is None else respond(request, live)


async def _visitor(request: HttpRequest, *, new: bool = False) -> Visitor:
    def find() -> Visitor:
        return Visitor.of(request, new=new)

    return await in_database(find)


def nothing() -> HttpResponse:
    """Return the answer 204, which has no content."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


def as_events(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Return an answer as the UI message stream of the AI SDK."""
    events = encoding.events_in(get_language_from_request(request))
    response = _records(request, stream, events, "text/event-stream")
    response["x-vercel-ai-ui-message-stream"] = "v1"
    return response


def as_text(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Return the text of an answer."""
    return _records(request, stream, encoding.TEXT, "text/plain; charset=utf-8")


def _records(
    request: HttpRequest, stream: Stream, body_format: Format, content_type: str
) -> HttpResponseBase:
    wanted = StreamRequest(stream, Cursor(), None, Admission(request, stream, is_own))
    return RecordsResponse(wanted, "chat", body_format, content_type=content_type)


def check_origin(request: HttpRequest) -> None:
    """Raise Forbidden if a page of another origin made the request."""
    if is_foreign(request):
        raise Forbidden("A page of another site may not do this. Use this site's own page.")


def _json(value: dict[str, Any]) -> JsonResponse:
    return JsonResponse(value, json_dumps_params={"ensure_ascii": False})
