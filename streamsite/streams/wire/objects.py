"""The JSON objects of all transports: a piece, a reset, the end.

    {"n": 17, "text": "…"}
    {"n": 17, "data": …}
    {"reset": 0, "why": "…"}
    {"end": "done", "n": 180, "sha256": "…"}

If the stream was edited after its end, or its name was used before, the objects also have the
revision: `"rev": 2`.

Each encoder returns a JSON text (RFC 8259) without a line feed. Characters outside ASCII stay as
they are. The text must not contain a surrogate, because UTF-8 can't encode one. `check_text` of
pieces.py refuses such a text.
"""

import json
from json.encoder import encode_basestring as _encode


def piece(n: int, text: str, revision: int = 0) -> str:
    """Encode the piece with number `n`.

    For example, `piece(17, "Hello")` returns `{"n":17,"text":"Hello"}`.
    """
    # Formatted by hand, which is faster than json.dumps: this line runs for each piece.
    return f'{{"n":{n},{_revision(revision)}"text":{_encode(text)}}}'


def text(text: str) -> str:
    """Encode a text alone: `text("Hello")` returns `"Hello"` in quotation marks."""
    return _encode(text)


def value(n: int, data: str, revision: int = 0) -> str:
    """Encode the piece with number `n` of a stream of JSON values. `data` is a JSON text.

    For example, `value(17, '{"a":1}')` returns `{"n":17,"data":{"a":1}}`.
    """
    return f'{{"n":{n},{_revision(revision)}"data":{data}}}'


def reset(n: int, why: str, revision: int = 0) -> str:
    """Encode a reset. After a reset the pieces start again from number `n`.

    `why` is a sentence for the reader.

        reset(0, "The stream was edited.")  # '{"reset":0,"why":"The stream was edited."}'
    """
    return f'{{"reset":{n},{_revision(revision)}"why":{_encode(why)}}}'


def end(state: str, n: int, sha256: str, reason: str = "", revision: int = 0) -> str:
    """Encode the end of a stream, the last object.

    `state` is "done", "stopped", "failed" or "interrupted". `n` is the number of pieces. `sha256`
    is the SHA-256 of the whole text in UTF-8, in hexadecimal digits. In a stream of JSON values the
    text has each value on a line that a line feed ends. The object has a `reason` if `reason` is
    not empty.

        end("done", 180, "9f86…")  # '{"end":"done","n":180,"sha256":"9f86…"}'
    """
    because = f',"reason":{_encode(reason)}' if reason else ""
    return f'{{"end":{_encode(state)},"n":{n},{_revision(revision)}"sha256":"{sha256}"{because}}}'


def array(objects: list[str]) -> str:
    """Encode several objects, already encoded, as one JSON array.

    For example, the pieces "a" and "b" become `[{"n":0,"text":"a"},{"n":1,"text":"b"}]`.
    """
    return f"[{','.join(objects)}]"


def poll(pieces: list[str], **rest: object) -> str:
    """Encode the answer to a poll. `pieces` are JSON texts, and `rest` the other members.

    For example, `poll(['"a"'], after=1)` returns `{"pieces":["a"],"after":1}`.
    """
    members = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
    return f'{{"pieces":{array(pieces)}{"," if rest else ""}{members[1:]}'


def _revision(revision: int) -> str:
    return f'"rev":{revision},' if revision else ""
