"""The JSON objects of wire/objects.py, read back as records."""

import json
from collections.abc import Iterable
from typing import Any

from ..pieces import Cursor, End, Pieces, Record, Reset, check_text


def parse_records(texts: Iterable[str | bytes]) -> list[Record]:
    """Read JSON texts, each an object or an array of them.

    Raises ValueError or BadRequest for what can't be read.
    """
    return merge_pieces(parse_record(item) for text in texts for item in _as_list(json.loads(text)))


def parse_record(item: Any) -> Record | None:
    """Return what an object says, or None for a kind that this client doesn't know.

    Raises ValueError or BadRequest when it is of a kind that it knows, and wrong.
    """
    match item:
        case {"text": str(text), "n": int(n)}:
            check_text(text)
            return Pieces(n, [text], revision=item.get("rev", 0))
        case {"reset": int(n), "why": str(why)}:
            return Reset(n, why, revision=item.get("rev", 0))
        case {"end": str(state), "n": int(n), "sha256": str(sha256)}:
            return End(state, n, sha256, item.get("reason", ""), revision=item.get("rev", 0))
        case {"text": _} | {"reset": _} | {"end": _}:
            raise ValueError(f"{str(item)[:80]} is no record")
    return None


def parse_poll(answer: Any) -> tuple[list[Record], Cursor]:
    """Read an answer of polling: what the other transports would have brought, the cursor after it.

    Raises ValueError or BadRequest when it is none.
    """
    match answer:
        case {"pieces": [*texts], "after": str() | int() as after, "state": state}:
            cursor = Cursor.parse(str(after))
        case _:
            raise ValueError(f"{str(answer)[:80]} is no answer to polling")
    items: list[dict[str, Any]] = []
    if "reset" in answer:
        items.append({"reset": answer["reset"], "why": answer.get("why")})
    items += ({"text": text, "n": n} for n, text in enumerate(texts, cursor.n - len(texts)))
    # The state alone is no end: pieces may still be to come. The hash comes with the last of them.
    if "sha256" in answer:
        reason = answer.get("reason", "")
        items.append({"end": state, "n": cursor.n, "sha256": answer["sha256"], "reason": reason})
    return merge_pieces(parse_record({**item, "rev": cursor.revision}) for item in items), cursor


def merge_pieces(records: Iterable[Record | None]) -> list[Record]:
    """Make one record of pieces that follow each other, and leave out what is none."""
    found: list[Record] = []
    run: list[str] = []  # the texts of the last record, where that is pieces
    for record in records:
        if isinstance(record, Pieces):
            if found and _follows(record, found[-1]):
                run += record.texts
            else:
                run = list(record.texts)
                found.append(Pieces(record.first, run, revision=record.revision))
        elif record is not None:
            found.append(record)
    return found


def _follows(pieces: Pieces, last: Record) -> bool:
    same_revision = pieces.revision == last.revision
    return same_revision and isinstance(last, Pieces) and pieces.first == last.end


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
