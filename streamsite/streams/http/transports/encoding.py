"""How records are encoded: as JSON objects, and as the parts of a response's body."""

from collections.abc import Callable
from typing import TypeVar

from ...pieces import Batch, End, Pieces, Record, Reset
from ...values import JSON
from ...wire import objects

T = TypeVar("T")


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


def shared(encode: Callable[[Batch], T]) -> Callable[[Batch], T]:
    """Return the function `encode`, which then encodes a batch of one record only once.

    The record keeps the result for all viewers whose fan-out uses the returned function.
    """

    def encode_record(record: Record) -> T:
        return encode([record])

    def encode_batch(batch: Batch) -> T:
        return batch[0].encoded(encode_record) if len(batch) == 1 else encode(batch)

    return encode_batch


class Format:
    r"""How a response's body has the records of a stream.

        LINES = Format(lines, quiet=b"\n")
        LINES.body([Pieces(0, ["Hello"])])  # b'{"n":0,"text":"Hello"}\n'
        LINES.body([])                      # b"\n"

    `encode` returns the bytes of a record. A body begins with `before`. `quiet` is a keep-alive,
    and stands for an empty batch. Each format is one object of a module, so that all viewers share
    what it encodes.
    """

    def __init__(
        self, encode: Callable[[Record], bytes], *, before: bytes = b"", quiet: bytes = b""
    ) -> None:
        self.before = before
        self._encode = encode
        self._quiet = quiet
        self._framed: dict[Callable[[bytes], bytes], Callable[[Batch], bytes]] = {}

    def body(self, batch: Batch) -> bytes:
        """Return the bytes of a batch."""
        return b"".join([record.encoded(self._encode) for record in batch]) or self._quiet

    def framed(self, frame: Callable[[bytes], bytes] = bytes) -> Callable[[Batch], bytes]:
        """Return the function that returns the bytes of a batch, in the frame of a server.

        `frame` puts the frame around bytes. The frame of no bytes would end a body, so a batch
        without bytes has no frame. The same `frame` gets the same function: the fan-out compares
        the functions of viewers by identity.
        """
        found = self._framed.get(frame)
        if found is None:

            def encode(batch: Batch) -> bytes:
                body = self.body(batch)
                return frame(body) if body else b""

            found = self._framed[frame] = shared(encode)
        return found
