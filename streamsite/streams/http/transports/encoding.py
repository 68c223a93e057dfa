"""The JSON objects of a record, which are the same on every transport that sends JSON."""

from ...pieces import End, Pieces, Record, Reset
from ...wire import objects


def json_objects(record: Record) -> list[str]:
    """Return the JSON objects of a record as texts: one for each piece, or one for other records.

    For example `json_objects(Pieces(17, ["Hello"]))` is `['{"n":17,"text":"Hello"}']`.
    """
    match record:
        case Pieces(first=first, texts=texts, revision=revision):
            return [objects.piece(first + i, text, revision) for i, text in enumerate(texts)]
        case Reset(n=n, why=why, revision=revision):
            return [objects.reset(n, why, revision)]
        case End(state=state, n=n, sha256=sha256, reason=reason, revision=revision):
            return [objects.end(state, n, sha256, reason, revision)]
    raise TypeError(f"{record!r} is not a record.")
