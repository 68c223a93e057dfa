"""Turn the JSON objects of wire/objects.py back into records."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..pieces import Cursor, End, Pieces, Record, Reset, check_text
from ..values import JSON, line_of


def parse_records(texts: Iterable[str | bytes]) -> list[Record]:
    """Return the records of JSON texts. Each text is one object or an array of objects.

        parse_records(['{"n": 0, "text": "a"}', '[{"n": 1, "text": "b"}, {"n": 2, "text": "c"}]'])
        # [Pieces(0, ["a", "b", "c"])]

    Raises ValueError, RecursionError or BadRequest if a text is not valid.
    """
    return merge_pieces(parse_record(item) for text in texts for item in _as_list(json.loads(text)))


def parse_record(item: Any) -> Record | None:
    """Return the record of one object.

    Return None for an object of an unknown kind, so that a later server may send new kinds.
    Raises ValueError or BadRequest if the object is of a known kind and not valid.
    """
    match item:
        case {"text": str(text), "n": int(n)}:
            check_text(text)
            return Pieces(n, [text], revision=item.get("rev", 0))
        case {"data": value, "n": int(n)}:
            # The server writes values in the form of `line_of`, so this is the line that it hashed.
            return Pieces(n, [line_of(value)], revision=item.get("rev", 0), format=JSON)
        case {"reset": int(n), "why": str(why)}:
            return Reset(n, why, revision=item.get("rev", 0))
        case {"end": str(state), "n": int(n), "sha256": str(sha256)}:
            return End(state, n, sha256, item.get("reason", ""), revision=item.get("rev", 0))
        case {"text": _} | {"data": _} | {"reset": _} | {"end": _}:
            raise ValueError(f"{str(item)[:80]} is not a valid record")
    return None


def parse_poll(answer: Any) -> tuple[list[Record], Cursor]:
    """Return the records of one answer of polling, and the cursor after them.

        parse_poll({"pieces": ["a", "b"], "after": 19, "state": "live"})
        # ([Pieces(17, ["a", "b"])], Cursor(0, 19))

    Raises ValueError or BadRequest if the answer is not valid.
    """
    match answer:
        case {"pieces": [*pieces], "after": str() | int() as after, "state": state}:
            cursor = Cursor.parse(str(after))
        case _:
            raise ValueError(f"{str(answer)[:80]} is not a valid answer of polling")
    items: list[dict[str, Any]] = []
    if "reset" in answer:
        items.append({"reset": answer["reset"], "why": answer.get("why")})
    member = "data" if answer.get("format") == JSON else "text"
    items += ({member: piece, "n": n} for n, piece in enumerate(pieces, cursor.n - len(pieces)))
    # The state alone does not end the stream, because the next answer may have more pieces. The
    # answer with the last pieces has the SHA-256.
    if "sha256" in answer:
        reason = answer.get("reason", "")
        items.append({"end": state, "n": cursor.n, "sha256": answer["sha256"], "reason": reason})
    return merge_pieces(parse_record({**item, "rev": cursor.revision}) for item in items), cursor


def merge_pieces(records: Iterable[Record | None]) -> list[Record]:
    """Merge pieces that follow each other into one record, and leave out each None."""
    found: list[Record] = []
    run: list[str] = []  # the texts of the last `Pieces` in `found`
    for record in records:
        if isinstance(record, Pieces):
            if found and _follows(record, found[-1]):
                run += record.texts
            else:
                run = list(record.texts)
                found.append(replace(record, texts=run))
        elif record is not None:
            found.append(record)
    return found


def _follows(pieces: Pieces, last: Record) -> bool:
    return (
        isinstance(last, Pieces)
        and pieces.first == last.end
        and (pieces.revision, pieces.format) == (last.revision, last.format)
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
