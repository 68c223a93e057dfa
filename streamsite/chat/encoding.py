"""The records of an answer's stream, as the transports of the AI SDK want them.

A record keeps its encodings, so an answer that several readers follow is encoded once.
"""

import json

from streamsite.streams import End, Format, Pieces, Record

from .answers import end_part


def events(record: Record) -> bytes:
    """Return a record as events: `data: {"type": …}`, the last of which is `data: [DONE]`."""
    parts = json_parts(record)
    if isinstance(record, End):
        parts = [*parts, "[DONE]"]
    return "".join([f"data: {part}\n\n" for part in parts]).encode()


def json_parts(record: Record) -> list[str]:
    """Return the parts of a record as JSON: the source's, or the one that tells of the end."""
    match record:
        case Pieces():
            return [line.rstrip("\n") for line in record.texts]
        case End() if part := end_part(record):
            return [json.dumps(part, ensure_ascii=False)]
    return []


def text(record: Record) -> bytes:
    """Return the text in a record's parts, for the `TextStreamChatTransport`."""
    if not isinstance(record, Pieces):
        return b""
    deltas = [part["delta"] for part in record.values if part.get("type") == "text-delta"]
    return "".join(deltas).encode()


EVENTS = Format(events, quiet=b": ping\n\n")
TEXT = Format(text)
