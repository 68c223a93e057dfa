"""The components of the OpenAPI document: its schemas and its security schemes."""

from typing import Any

from django.conf import settings

from ..conf import setting
from ..models import Stream
from ..pieces import MAX_CURSOR
from . import deliveries

Json = dict[str, Any]

JSON = "application/json"
# The most digits that a number can have without being larger than the largest cursor.
CURSOR_DIGITS = len(str(MAX_CURSOR)) - 1
CURSOR_PATTERN = rf"([0-9]{{1,9}}\.)?[0-9]{{1,{CURSOR_DIGITS}}}"
CURSOR = {"type": "string", "pattern": f"^{CURSOR_PATTERN}$", "examples": ["0", "17", "2.17"]}
NUMBER = {"type": "integer", "minimum": 0}

NO_NUL = r"^[^\u0000]*$"


def ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def schemas() -> Json:
    text = {"type": "string"}
    cursor = {
        "description": "An integer in revision 0 of the stream, and a string in later revisions.",
        "anyOf": [NUMBER, CURSOR],
    }
    detail = {"detail": {**text, "description": "What was wrong, and what would be right."}}
    delivered = {
        "after": {**NUMBER, "description": "The number of the next piece."},
        "state": ref("State"),
    }
    return {
        "State": {"enum": Stream.State.values},
        "Refusal": {"type": "object", "required": ["detail"], "properties": detail},
        "Polled": {
            "type": "object",
            "required": ["pieces", "after", "state"],
            "properties": {
                "pieces": {
                    "type": "array",
                    "items": {},
                    "description": "Texts, or values in a stream of JSON values.",
                },
                "format": {
                    "const": Stream.Format.JSON,
                    "description": "Sent if the pieces are JSON values.",
                },
                "after": cursor,
                "state": ref("State"),
                "sha256": {
                    **text,
                    "pattern": "^[0-9a-f]{64}$",
                    "description": "The SHA-256 of the whole text in UTF-8, sent with the last "
                    "pieces. In a stream of JSON values the text has each value, as it was sent, "
                    "on a line that a line feed ends.",
                },
                "reason": {**text, "description": "Why the stream ended."},
                "reset": {
                    **NUMBER,
                    "description": "Sent if the cursor can't be honoured: the number of the first "
                    "piece in the response.",
                },
                "why": text,
            },
            "dependentRequired": {"reset": ["why"], "why": ["reset"]},
        },
        "Event": {
            "type": "object",
            "description": "One event of the response.",
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
                    "items": {
                        "anyOf": [
                            {**text, "minLength": 1, "pattern": NO_NUL},
                            {"type": ["object", "array", "number", "boolean", "null"]},
                        ]
                    },
                    # A description and not maxLength: a piece beyond a limit gives the status 413,
                    # and a body that breaks its schema gives 400.
                    "description": "Texts, or values in a stream of JSON values. A piece has at "
                    f"most {setting('STREAM_MAX_PIECE_LENGTH')} "
                    f"characters. A stream has at most {setting('STREAM_MAX_PIECES')} pieces and "
                    f"{setting('STREAM_MAX_LENGTH')} characters.",
                },
                "n": {**NUMBER, "description": "The number of the first piece."},
                "end": {"enum": list(deliveries.ENDS)},
                "reason": {**text, "description": "Why the stream failed."},
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
        "token": {"type": "http", "scheme": "bearer", "description": "From the admin."},
        "session": key("cookie", settings.SESSION_COOKIE_NAME),
        "csrfCookie": key("cookie", settings.CSRF_COOKIE_NAME),
        "csrfHeader": key("header", csrf_header),
    }
