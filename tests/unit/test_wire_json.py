"""NDJSON lines, and the JSON objects in the lines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.wire import ndjson, objects

TEXTS = st.lists(st.text(min_size=1), max_size=5)


def lines_of(parts: list[bytes]) -> list[object]:
    decoder = ndjson.Decoder()
    lines = [line for part in parts for line in decoder.feed(part)]
    return [json.loads(line) for line in [*lines, *decoder.flush()]]


@given(texts=TEXTS, data=st.data())
def test_lines_are_decoded_wherever_the_bytes_are_cut(texts, data):
    written = ndjson.lines(objects.piece(n, text) for n, text in enumerate(texts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=4)))
    parts = [
        written[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(written)], strict=True)
    ]
    assert lines_of(parts) == [{"n": n, "text": text} for n, text in enumerate(texts)]


def test_line_ends_in_a_text_are_escaped():
    assert ndjson.lines([objects.piece(0, "a\nb\r\n\u2028")]).count(b"\n") == 1


@pytest.mark.parametrize(
    "stream", [b'{"n":0}\n\n  \n{"n":1}\n', b'{"n":0}\r\n{"n":1}', b'{"n":0}\n{"n":1}\n']
)
def test_blank_lines_are_skipped_and_the_last_line_needs_no_line_feed(stream):
    assert lines_of([stream]) == [{"n": 0}, {"n": 1}]


def test_characters_outside_ascii_are_not_escaped():
    assert objects.piece(7, "你好👩‍💻") == '{"n":7,"text":"你好👩‍💻"}'


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (objects.piece(17, "…", 2), {"n": 17, "rev": 2, "text": "…"}),
        (objects.reset(0, "why"), {"reset": 0, "why": "why"}),
        (objects.reset(0, "why", 1), {"reset": 0, "rev": 1, "why": "why"}),
        (objects.end("done", 180, "ab"), {"end": "done", "n": 180, "sha256": "ab"}),
        (
            objects.end("failed", 3, "ab", 'a "reason"', 1),
            {"end": "failed", "n": 3, "rev": 1, "sha256": "ab", "reason": 'a "reason"'},
        ),
        (
            objects.array([objects.piece(0, "a"), objects.piece(1, "b")]),
            [{"n": 0, "text": "a"}, {"n": 1, "text": "b"}],
        ),
        (objects.array([]), []),
    ],
)
def test_the_objects_are_those_of_the_contract(encoded, decoded):
    assert json.loads(encoded) == decoded
