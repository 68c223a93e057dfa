"""The JSON objects that every transport carries: a piece, a reset, the end.

    {"n": 17, "text": "…"}
    {"reset": 0, "why": "…"}
    {"end": "done", "n": 180, "sha256": "…"}

Those of a stream that was edited after its end also have its revision, "rev".
"""

from json.encoder import encode_basestring as _encode


def piece(n: int, text: str, revision: int = 0) -> str:
    """Return the object of the piece with number n."""
    # Written out by hand: this line runs once for each piece of each stream.
    return f'{{"n":{n},{_revision(revision)}"text":{_encode(text)}}}'


def reset(n: int, why: str, revision: int = 0) -> str:
    """Return the object after which pieces come from number n."""
    return f'{{"reset":{n},{_revision(revision)}"why":{_encode(why)}}}'


def end(state: str, n: int, sha256: str, reason: str = "", revision: int = 0) -> str:
    """Return the last object: the state, how many pieces there were, the hash of the whole text."""
    because = f',"reason":{_encode(reason)}' if reason else ""
    return f'{{"end":{_encode(state)},"n":{n},{_revision(revision)}"sha256":"{sha256}"{because}}}'


def array(objects: list[str]) -> str:
    """Return one JSON array of several objects."""
    return f"[{','.join(objects)}]"


def _revision(revision: int) -> str:
    return f'"rev":{revision},' if revision else ""
