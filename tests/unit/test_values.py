"""The JSON values of a stream: which are accepted, and how they are written."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.errors import BadRequest
from streamsite.streams.values import MAX_DEPTH, line_of, parse, value_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES)
def test_a_value_is_one_line_that_gives_the_value_back(value: Any):
    line = line_of(value)
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert "\r" not in line
    assert "\0" not in line
    assert value_of(line) == value
    # A client hashes what it has parsed.
    assert line_of(parse(line)) == line


def test_the_form_is_compact_and_keeps_the_order_of_the_keys():
    assert line_of({"b": [1, 2.0], "a": "é\u2028"}) == '{"b":[1,2.0],"a":"é\u2028"}\n'


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth > 1 else []


def circle() -> Any:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"items": [1, 2, 3, {"when": datetime(2026, 1, 2)}]}, "$.items[3].when is a datetime"),  # noqa: DTZ001
        (Decimal(1), "The value at $ is a Decimal"),
        ([b"bytes"], "The value at $[0] is a bytes"),
        ({"a b": {1, 2}}, 'The value at $["a b"] is a set'),
        ({"a": object()}, "The value at $.a is an object"),
        ({"x": [float("nan")]}, "The number at $.x[0] is nan"),
        (float("-inf"), "The number at $ is -inf"),
        ({"x": {1: "one"}}, "The object at $.x has the key 1, which is not a string"),
        ({None: 0}, "The object at $ has the key None"),
        (["ab\ud800"], "The text at $[0] has half a surrogate pair at character 2"),
        ({"\udfff": 1}, "A key of the object at $ has half a surrogate pair at character 0"),
        (nested(MAX_DEPTH + 1), f"is nested deeper than {MAX_DEPTH} levels"),
        (circle(), f"is nested deeper than {MAX_DEPTH} levels"),
        ({"n": 10**5000}, "The number at $.n has too many digits"),
    ],
)
def test_what_is_not_json_is_refused_by_a_sentence_that_says_where(value: Any, where: str):
    with pytest.raises(BadRequest) as refused:
        line_of(value)
    assert where in refused.value.detail
    assert len(refused.value.detail) < 300


def test_the_deepest_value_is_accepted():
    assert value_of(line_of(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": }', "The line is not JSON at column 7: Expecting value."),
        ("", "The line is not JSON at column 1"),
        ("{'a': 1}", "The line is not JSON at column 2"),
        ('{\n"a": }', "The line is not JSON at line 2, column 6"),
        (b'"\xff"', "The line is not UTF-8: byte 1 can't be decoded."),
        ("[" * 100_000, "nested deeper"),
        ("1" * 5000, "too many digits"),
    ],
)
def test_a_text_that_is_not_json_is_refused_by_its_place(text: str | bytes, why: str):
    with pytest.raises(BadRequest) as refused:
        parse(text)
    assert why in refused.value.detail


def test_numbers_that_json_does_not_have_are_refused_when_they_are_written():
    for text in ("NaN", "[Infinity]", "-1e999"):
        with pytest.raises(BadRequest, match="is not JSON"):
            line_of(parse(text))


def test_a_tuple_is_written_as_an_array():
    assert json.loads(line_of((1, ("a",)))) == [1, ["a"]]
