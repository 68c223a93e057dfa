"""The JSON objects of a record, which are the same on every transport that sends JSON."""

from ...pieces import End, Pieces, Record, Reset
from ...values import JSON
from ...wire import objects


def json_values(pieces: Pieces) -> list[str]:
    """Return each piece alone as a JSON text: a string, or the value as the log keeps it.

    For example `json_values(Pieces(17, ["Hello"]))` is `['"Hello"']`.
    """
    if pieces.format == JSON:
        return [text[:-1] for text in pieces.texts]  # Without the line feed.
    return [objects.text(text) for text in pieces.texts]


def json_objects(record: Record) -> list[str]:
    """Return the JSON objects of a record as texts: one for each piece, or one for other records.

    For example `json_objects(Pieces(17, ["Hello"]))` is `['{"n":17,"text":"Hello"}']`. The JSON
    text of a value becomes the member `data` as it is, without being parsed.
    """
    match record:
        case Pieces(first=first, revision=revision, format="json"):
            return [
                objects.value(n, value, revision)
                for n, value in enumerate(json_values(record), first)
            ]
        case Pieces(first=first, texts=texts, revision=revision):
            return [objects.piece(first + i, text, revision) for i, text in enumerate(texts)]
        case Reset(n=n, why=why, revision=revision):
            return [objects.reset(n, why, revision)]
        case End(state=state, n=n, sha256=sha256, reason=reason, revision=revision):
            return [objects.end(state, n, sha256, reason, revision)]
    raise TypeError(f"{record!r} is not a record.")
