"""The OpenAPI 3.1 document of the HTTP endpoints.

People, code generators and fuzzers read the document. Its limits, names and states are constants of
the code, so that the document and the code stay the same.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from ..conf import setting
from ..log import FOREVER
from ..models import MAX_PACE, MIN_PACE, Stream
from ..names import NAME_PATTERN
from ..pieces import LATEST
from ..wire import durations, ndjson, sse
from . import links, publishing
from .endpoints import endpoint
from .openapi_components import (
    CURSOR,
    CURSOR_PATTERN,
    JSON,
    NO_NUL,
    NUMBER,
    Json,
    ref,
    schemas,
    security_schemes,
)
from .transports import chunked, events, polling

# The version of the document. Its major version is the version of the subprotocol streamsite.v1.
VERSION = "1.0.0"


@endpoint("GET")
async def document(request: HttpRequest) -> JsonResponse:
    """Return the OpenAPI document of these endpoints."""
    # Not the path of the request, which lacks the root path behind some proxies.
    described = describe(reverse("streams:openapi").removesuffix("/openapi.json"))
    return JsonResponse(described, json_dumps_params={"ensure_ascii": False})


def describe(prefix: str) -> Json:
    """Return the OpenAPI document of endpoints that are mounted at the path `prefix`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live text streams",
            "version": VERSION,
            "description": "A stream is one numbered log of pieces. The pieces are texts or JSON "
            "values, as the format of the stream says. All transports read the same log. A cursor "
            "is the number of pieces that a reader has received. Pass the cursor as `after`, on "
            "any transport, to continue without a lost or repeated piece. A WebSocket at "
            "`/{name}/ws`, with the subprotocol `streamsite.v1`, has the same records.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": {
            "/openapi.json": {"get": document_operation()},
            "/{name}/polling": path(get=polling_operation()),
            "/{name}/chunked": path(get=chunked_operation()),
            "/{name}/events": path(get=events_operation()),
            "/{name}/pieces": path(post=pieces_operation()),
            "/{name}/stop": path(post=stop_operation()),
        },
        "components": {"schemas": schemas(), "securitySchemes": security_schemes()},
    }


# Operations.


def document_operation() -> Json:
    return {
        "operationId": "document",
        "summary": summary(document),
        "responses": {"200": answer("The document.", {JSON: {"type": "object"}})}
        | refusals(401, 405),
    }


def polling_operation() -> Json:
    return read_operation(
        polling.polling,
        [
            query(
                "wait",
                {**NUMBER, "maximum": polling.MAX_WAIT, "default": 0},
                "How long the server may wait for a piece, in seconds.",
            ),
            query(
                "limit",
                {**NUMBER, "minimum": 1, "maximum": polling.MAX_LIMIT, "default": polling.LIMIT},
                "The largest number of pieces in the response.",
            ),
            query(
                "waited",
                {"type": "number", "minimum": 0},
                "In a replay with a `pace`: the seconds since the reader received its last piece. "
                "Without it, a poll that can't wait for the next piece is refused.",
            ),
        ],
        {"200": answer("The pieces since the cursor.", {JSON: ref("Polled")})},
    )


def chunked_operation() -> Json:
    found = answer(
        "The text, or one value to a line in a stream of JSON values. With the records: one JSON "
        "object to a line, a piece, a reset or the end. A blank line is a keep-alive.",
        {"text/plain": {"type": "string"}, ndjson.CONTENT_TYPE: {"type": "string"}},
    )
    found["headers"] = {
        "Stream-Reset": {
            "description": "Sent if the cursor can't be honoured: the number of the first piece in "
            "the response.",
            "schema": NUMBER,
        }
    }
    return read_operation(chunked.chunked, [], {"200": found})


def events_operation() -> Json:
    last_event_id = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The cursor of the last event. It replaces `after`, unless it is empty.",
        "schema": {"type": "string", "pattern": f"^({CURSOR_PATTERN}|{LATEST})?$"},
    }
    return read_operation(
        events.events,
        [last_event_id],
        {
            "200": answer(
                "One event for each record. The data is the record, and the id is the cursor after "
                "the record. A reset has the event name `reset`, and the end has the name `end`.",
                {sse.CONTENT_TYPE: ref("Event")},
            ),
            "204": {"description": "The reader has all pieces of a finished stream."},
        },
    )


def pieces_operation() -> Json:
    title = Stream._meta.get_field("title")
    return {
        "operationId": "publish",
        "summary": summary(publishing.pieces),
        "description": "A piece whose number the stream has already is ignored, so a client may "
        "repeat a request. If a piece is refused, the pieces before it are kept, and `after` is "
        f"the number of the next piece. Send a request at least every {publishing.LEASE:g} s, with "
        "or without pieces. Otherwise the stream is interrupted.",
        "security": [{"token": []}],
        "parameters": [
            query(
                "title",
                {"type": "string", "maxLength": title.max_length, "pattern": NO_NUL},
                "The title of the stream, if this request creates the stream.",
            ),
            query(
                "visibility",
                {"enum": Stream.Visibility.values},
                "Who may watch the stream, if this request creates the stream: everyone, anyone "
                "with the link, or the owner and staff. The default is the token's owner, or "
                "anyone with the link where the token has no owner.",
            ),
            query(
                "format",
                {"enum": Stream.Format.values},
                "Whether the pieces are texts or JSON values. The default is the format of the "
                "stream, and `text` for a new stream.",
            ),
            query(
                "keep",
                {"type": "string", "pattern": f"^({durations.PATTERN}|{FOREVER})$"},
                "How long the stream is kept after its end, if this request creates the stream: a "
                "number and s, m, h or d, such as `30d`, or `forever`. The default is the site's.",
            ),
            query("producer", {"type": "string"}, "A name for each publisher that uses the token."),
            query(
                "takeover",
                {"enum": publishing.SWITCH, "default": publishing.SWITCH[0]},
                "1 to take a live stream over from another publisher.",
            ),
        ],
        "requestBody": {
            "required": True,
            "description": f"At most {setting('STREAM_MAX_BODY')} bytes.",
            "content": {
                JSON: {"schema": ref("Delivery")},
                ndjson.CONTENT_TYPE: {
                    "schema": {
                        "type": "string",
                        "description": 'One piece to a line: {"text":"Hello","n":0}, or '
                        '{"data":{"progress":0.42},"n":0} in a stream of JSON values. The number '
                        'is optional. The last line may be an end: {"end":"failed","reason":"…"}.',
                    }
                },
            },
        },
        "responses": {"202": answer("All pieces were added.", {JSON: ref("Delivered")})}
        | refusals(400, 401, 403, 404, 405, 409, 410, 413, 415, 429, schema="Undelivered"),
    }


def stop_operation() -> Json:
    state = {"type": "object", "required": ["state"], "properties": {"state": ref("State")}}
    return {
        "operationId": "stop",
        "summary": summary(publishing.stop),
        "security": [{"token": []}, {"session": [], "csrfCookie": [], "csrfHeader": []}],
        "responses": {"202": answer("The stream has ended.", {JSON: state})}
        | refusals(400, 401, 403, 404, 405, 410, 413, 429),
    }


def read_operation(view: Callable[..., Any], parameters: Sequence[Json], found: Json) -> Json:
    """Return the operation of a transport.

    `parameters` are added to those that all transports have, and `found` are the responses of a
    request that succeeds.
    """
    pace = {
        "anyOf": [
            {"type": "number", "minimum": MIN_PACE, "maximum": MAX_PACE},
            {"const": "recorded"},
        ]
    }
    return {
        "operationId": view.__name__,
        "summary": summary(view),
        # The empty requirement means that a public stream needs no session.
        "security": [{}, {"session": []}],
        "parameters": [
            query(
                "after",
                {"anyOf": [CURSOR, {"const": LATEST}], "default": "0"},
                "The cursor: the number of pieces that the reader has received. Or `latest`: the "
                "newest piece, and what follows.",
            ),
            query(
                "pace",
                pace,
                "Replay a finished stream, with this number of seconds between two pieces, or "
                "`recorded` for the pace of the recording.",
            ),
            query(
                links.PARAMETER,
                {"type": "string"},
                "A viewer link, which opens a private stream until the link expires.",
            ),
            *parameters,
        ],
        "responses": found | refusals(400, 401, 403, 404, 405, 409, 410, 413, 429),
    }


# Parts of operations.


def path(**operations: Json) -> Json:
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{NAME_PATTERN}$"},
    }
    return {"parameters": [name], **operations}


def query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def answer(description: str, content: dict[str, Json]) -> Json:
    kinds = {kind: {"schema": schema} for kind, schema in content.items()}
    return {"description": description, "content": kinds}


def refusals(*statuses: int, schema: str = "Refusal") -> Json:
    found = {
        str(status): answer(HTTPStatus(status).phrase, {JSON: ref(schema)}) for status in statuses
    }
    if "401" in found:
        found["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if "405" in found:
        found["405"]["headers"] = {"Allow": {"schema": {"type": "string"}}}
    if "429" in found:
        found["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


def summary(view: Callable[..., Any]) -> str:
    """Return the first line of a view's docstring."""
    return (view.__doc__ or "").partition("\n")[0].rstrip(".")
