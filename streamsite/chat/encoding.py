"""The records of an answer's stream, as the transports of the AI SDK want them.

A record keeps its encodings, so an answer that several readers follow is encoded once.
"""

import json
from collections.abc import Callable
from functools import cache

from django.utils.translation import override

from streamsite.streams import End, Format, Pieces, Record

from .answers import end_part


@cache
def parts_in(language: str) -> Callable[[Record], list[str]]:
    """Return the function that returns the parts of a record as JSON, for readers of a language.

    The parts are the source's, and the one that tells of the end. The function is the same for all
    readers of the language, so that they share what it returns.
    """

    def json_parts(record: Record) -> list[str]:
        match record:
            case Pieces():
                return [line.rstrip("\n") for line in record.texts]
            case End():
                with override(language):
                    part = end_part(record)
                return [json.dumps(part, ensure_ascii=False)] if part else []
        return []

    return json_parts


@cache
def events_in(language: str) -> Format:
    """Return the format of the AI SDK's UI message stream, for readers of a language."""
    json_parts = parts_in(language)

    def events(record: Record) -> bytes:
        parts = json_parts(record)
        if isinstance(record, End):
            parts = [*parts, "[DONE]"]
        return "".join([f"data: {part}\n\n" for part in parts]).encode()

    return Format(events, quiet=b": ping\n\n")


def text(record: Record) -> bytes:
    """Return the text in a record's parts, for the `TextStreamChatTransport`."""
    if not isinstance(record, Pieces):
        return b""
    deltas = [part["delta"] for part in record.values if part.get("type") == "text-delta"]
    return "".join(deltas).encode()


TEXT = Format(text)
