"""The JSON values of a stream in the format `json`.

The log keeps each value as one line: the JSON text (RFC 8259) in its compact form, and a line feed.
The lines joined are newline-delimited JSON. The SHA-256 of the stream is the hash of these lines.

The client uses this module without Django, so the module imports nothing of Django.
"""

import json
import math
import re
from typing import Any

from .errors import BadRequest

# The formats of a stream: the pieces are texts, or JSON values.
TEXT = "text"
JSON = "json"
FORMATS = (TEXT, JSON)

# How deep the arrays and objects of a value may be nested. Every parser has a limit (RFC 8259,
# section 9). Python's is below a thousand, and every reader must be able to parse a value.
MAX_DEPTH = 200

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_CONTAINERS = (dict, list, tuple)
# A key that a path may have after a dot.
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


def line_of(value: Any) -> str:
    r"""Return a JSON value as one line, ended by a line feed.

        line_of({"progress": 0.42, "message": "é\n"})  # '{"progress":0.42,"message":"é\\n"}\n'

    A value is a str, int, float, bool or None, or a list, tuple or dict of such values. The keys of
    a dict are strings.

    Raises BadRequest for any other value. The sentence names the place: $.items[3].when.
    """
    try:
        text = _encoder.encode(value)
        if not text.isascii():
            text.encode()
        valid = _has_plain_keys(value, MAX_DEPTH)
    except (TypeError, ValueError, RecursionError):
        valid = False
    if not valid:
        raise BadRequest(_problem(value, "$", MAX_DEPTH) or "The value is not JSON.")
    return f"{text}\n"


def value_of(line: str) -> Any:
    """Return the value of a line that `line_of` has made."""
    return json.loads(line)


def parse(text: str | bytes, what: str = "The line") -> Any:
    """Return the value of a JSON text that comes from outside.

        parse('{"a": 1}')  # {"a": 1}
        parse('{"a": }')   # BadRequest: The line is not JSON at column 7: Expecting value.

    Raises BadRequest unless the text is JSON in UTF-8. The sentence begins with `what`.
    """
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8: byte {error.start} can't be decoded.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column" if "\n" in error.doc.rstrip() else "column"
        raise BadRequest(f"{what} is not JSON at {place} {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise BadRequest(
            f"{what} is not JSON that can be read: it is nested deeper than {MAX_DEPTH} levels."
        ) from None
    except ValueError:  # Python refuses to parse an integer of more than 4300 digits.
        raise BadRequest(f"{what} has a number with too many digits.") from None


def _has_plain_keys(value: Any, depth: int) -> bool:
    """Return whether all keys are strings, and no value is nested deeper than `depth` levels.

    The encoder would turn other keys into strings, so that readers would get another value than the
    one that was written.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                return False
        value = value.values()
    elif not isinstance(value, _CONTAINERS):
        return True
    for item in value:
        if isinstance(item, _CONTAINERS) and not (depth > 1 and _has_plain_keys(item, depth - 1)):
            return False
    return True


def _problem(value: Any, path: str, depth: int) -> str:
    """Return a sentence about the first part of a value that is not JSON, or ""."""
    if isinstance(value, str):
        return _text_problem(value, f"The text at {path}")
    if isinstance(value, float):
        if math.isfinite(value):
            return ""
        return f"The number at {path} is {value}, which is not JSON. Use a finite number, or null."
    if value is None or isinstance(value, int):
        try:
            _encoder.encode(value)
        except ValueError:
            return f"The number at {path} has too many digits."
        return ""
    if not isinstance(value, _CONTAINERS):
        kind = type(value).__name__
        article = "an" if kind[0].lower() in "aeiou" else "a"
        return (
            f"The value at {path} is {article} {kind}, which is not JSON. "
            "Use str, int, float, bool, None, list or dict."
        )
    if not depth:
        return f"The value at {path[:80]} is nested deeper than {MAX_DEPTH} levels."
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return (
                    f"The object at {path} has the key {key!r:.40}, which is not a string. "
                    "The keys of a JSON object are strings."
                )
            if problem := _text_problem(key, f"A key of the object at {path}"):
                return problem
            step = f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key[:40])}]"
            if problem := _problem(item, path + step, depth - 1):
                return problem
    else:
        for i, item in enumerate(value):
            if problem := _problem(item, f"{path}[{i}]", depth - 1):
                return problem
    return ""


def _text_problem(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return (
            f"{what} has half a surrogate pair at character {error.start}, "
            "which UTF-8 can't encode. Remove the character."
        )
    return ""
