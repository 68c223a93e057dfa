"""The HTTP endpoints as an OpenAPI 3.1 document, for people, generators and fuzzers.

Limits, names and states are taken from the code, so that the two can't drift apart.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from ..conf import setting
from ..models import MAX_PACE, MIN_PACE, NAME_PATTERN, Stream
from ..pieces import MAX_CURSOR
from ..wire import ndjson, sse
from . import deliveries, publishing
from .endpoints import endpoint
from .transports import chunked, events, polling

Json = dict[str, Any]

# The document's own version: what it describes is also what the subprotocol streamsite.v1 names.
VERSION = "1.0.0"

JSON = "application/json"
# Digits of a cursor that are surely not beyond the largest.
CURSOR_DIGITS = len(str(MAX_CURSOR)) - 1
CURSOR_PATTERN = rf"([0-9]{{1,9}}\.)?[0-9]{{1,{CURSOR_DIGITS}}}"
CURSOR = {"type": "string", "pattern": f"^{CURSOR_PATTERN}$", "examples": ["0", "17", "2.17"]}
NUMBER = {"type": "integer", "minimum": 0}

NO_NUL = r"^[^\u0000]*$"


@endpoint("GET")
async def document(request: HttpRequest) -> JsonResponse:
    """Describe these endpoints as an OpenAPI document."""
    described = describe(request.path.removesuffix("/openapi.json"))
    return JsonResponse(described, json_dumps_params={"ensure_ascii": False})


def describe(prefix: str) -> Json:
    """Return the document of the endpoints that are mounted at this path."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live text streams",
            "version": VERSION,
            "description": "A stream is one numbered log of text pieces, which all transports "
            "read. A cursor is how many pieces a reader has: give it back as `after`, on whichever "
            "transport, and nothing is lost or repeated. The same records come over WebSocket at "
            "`/{name}/ws`, subprotocol `streamsite.v1`.",
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
        "responses": {"200": answer("The document.", {JSON: {"type": "object"}})} | refusals(405),
    }


def polling_operation() -> Json:
    return read_operation(
        polling.polling,
        [
            query(
                "wait",
                {**NUMBER, "maximum": polling.MAX_WAIT, "default": 0},
                "Seconds that the server may wait for a piece.",
            ),
            query(
                "limit",
                {**NUMBER, "minimum": 1, "maximum": polling.MAX_LIMIT, "default": polling.LIMIT},
                "The most pieces in one answer.",
            ),
        ],
        {"200": answer("The pieces that are due.", {JSON: ref("Polled")})},
    )


def chunked_operation() -> Json:
    found = answer(
        "The text, or a JSON record a line: pieces, perhaps a reset, last the end. A blank line "
        "is a sign of life.",
        {"text/plain": {"type": "string"}, ndjson.CONTENT_TYPE: {"type": "string"}},
    )
    found["headers"] = {
        "Stream-Reset": {
            "description": "The cursor can't be honoured: the text comes from this piece on.",
            "schema": NUMBER,
        }
    }
    return read_operation(chunked.chunked, [], {"200": found})


def events_operation() -> Json:
    last_event_id = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The cursor of the last event. It wins over `after`, unless it is empty.",
        "schema": {"type": "string", "pattern": f"^({CURSOR_PATTERN})?$"},
    }
    return read_operation(
        events.events,
        [last_event_id],
        {
            "200": answer(
                "Events whose data is a record and whose id is the cursor after it. A reset and "
                "the end have event names of their own.",
                {sse.CONTENT_TYPE: ref("Event")},
            ),
            "204": {"description": "The reader has all pieces of a stream that is over."},
        },
    )


def pieces_operation() -> Json:
    title = Stream._meta.get_field("title")
    return {
        "operationId": "publish",
        "summary": summary(publishing.pieces),
        "description": "A piece whose number was taken before is ignored, so a request may be "
        "repeated. What comes before the first piece that is refused counts: `after` says how far. "
        f"A request at least every {publishing.LEASE:g} s, without pieces perhaps, shows that the "
        "publisher lives.",
        "security": [{"token": []}],
        "parameters": [
            query(
                "title",
                {"type": "string", "maxLength": title.max_length, "pattern": NO_NUL},
                "Of the stream that this request makes.",
            ),
            query(
                "visibility",
                {"enum": Stream.Visibility.values, "default": Stream.Visibility.PUBLIC},
                "Who may watch the stream that this request makes: everyone, anyone with the link, "
                "or its owner and staff.",
            ),
            query("producer", {"type": "string"}, "Tells apart two publishers with one token."),
            query(
                "takeover",
                {"enum": publishing.SWITCH, "default": publishing.SWITCH[0]},
                "1 takes a live stream over from another publisher.",
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
                        "description": 'A piece a line, {"text":"Hello","n":0}, where the number '
                        'may be left out; last, perhaps, {"end":"failed","reason":"…"}.',
                    }
                },
            },
        },
        "responses": {"202": answer("All pieces were taken.", {JSON: ref("Delivered")})}
        | refusals(400, 401, 404, 405, 409, 413, 415, schema="Undelivered"),
    }


def stop_operation() -> Json:
    state = {"type": "object", "required": ["state"], "properties": {"state": ref("State")}}
    return {
        "operationId": "stop",
        "summary": summary(publishing.stop),
        "security": [{"token": []}, {"session": [], "csrfCookie": [], "csrfHeader": []}],
        "responses": {"202": answer("The stream is over.", {JSON: state})}
        | refusals(400, 401, 403, 404, 405, 413),
    }


def read_operation(view: Callable[..., Any], parameters: Sequence[Json], found: Json) -> Json:
    """Return the operation of a transport."""
    pace = {
        "anyOf": [
            {"type": "number", "minimum": MIN_PACE, "maximum": MAX_PACE},
            {"const": "recorded"},
        ]
    }
    return {
        "operationId": view.__name__,
        "summary": summary(view),
        # Public streams need none.
        "security": [{}, {"session": []}],
        "parameters": [
            query("after", {**CURSOR, "default": "0"}, "The reader's cursor."),
            query("pace", pace, "Replay a finished stream: seconds a piece, or as recorded."),
            *parameters,
        ],
        "responses": found | refusals(400, 403, 404, 405, 409, 413),
    }


# Parts of them.


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
    return found


def summary(view: Callable[..., Any]) -> str:
    """Return the first sentence of a view's own words."""
    return (view.__doc__ or "").partition("\n")[0].rstrip(".")


def ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


# Components.


def schemas() -> Json:
    text = {"type": "string"}
    cursor = {
        "description": "A number while the stream has one revision.",
        "anyOf": [NUMBER, CURSOR],
    }
    detail = {"detail": {**text, "description": "What was wrong, and what would be right."}}
    delivered = {
        "after": {**NUMBER, "description": "The next piece's number."},
        "state": ref("State"),
    }
    return {
        "State": {"enum": Stream.State.values},
        "Refusal": {"type": "object", "required": ["detail"], "properties": detail},
        "Polled": {
            "type": "object",
            "required": ["pieces", "after", "state"],
            "properties": {
                "pieces": {"type": "array", "items": {**text, "minLength": 1}},
                "after": cursor,
                "state": ref("State"),
                "sha256": {
                    **text,
                    "pattern": "^[0-9a-f]{64}$",
                    "description": "Of the whole text in UTF-8, with the last pieces.",
                },
                "reason": {**text, "description": "Why the stream ended so."},
                "reset": {
                    **NUMBER,
                    "description": "The cursor couldn't be honoured: pieces come from this number.",
                },
                "why": text,
            },
            "dependentRequired": {"reset": ["why"], "why": ["reset"]},
        },
        "Event": {
            "type": "object",
            "description": "One event of the stream.",
            "properties": {
                "id": CURSOR,
                "event": {"enum": ["message", "reset", "end"]},
                "data": {**text, "contentMediaType": JSON},
                "retry": NUMBER,
            },
        },
        "Delivery": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "pieces": {
                    "type": "array",
                    "items": {**text, "minLength": 1, "pattern": NO_NUL},
                    # Said in words, since beyond these the answer is 413, not the 400 of a body
                    # that breaks its schema.
                    "description": f"Each of at most {setting('STREAM_MAX_PIECE_LENGTH')} "
                    f"characters. A stream has at most {setting('STREAM_MAX_PIECES')} pieces and "
                    f"{setting('STREAM_MAX_LENGTH')} characters.",
                },
                "n": {**NUMBER, "description": "The first piece's number."},
                "end": {"enum": list(deliveries.ENDS)},
                "reason": {**text, "description": "Why it failed."},
            },
            "dependentRequired": {"reason": ["end"]},
        },
        "Delivered": {"type": "object", "required": ["after", "state"], "properties": delivered},
        "Undelivered": {
            "type": "object",
            "required": ["detail"],
            "properties": detail | delivered,
            "dependentRequired": {"after": ["state"], "state": ["after"]},
        },
    }


def security_schemes() -> Json:
    def key(where: str, name: str) -> Json:
        return {"type": "apiKey", "in": where, "name": name}

    csrf_header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "The admin makes tokens."},
        "session": key("cookie", settings.SESSION_COOKIE_NAME),
        "csrfCookie": key("cookie", settings.CSRF_COOKIE_NAME),
        "csrfHeader": key("header", csrf_header),
    }
