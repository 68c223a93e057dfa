"""How `manage.py publish` decodes its input."""

import json
from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.errors import BadRequest, TooLarge
from streamsite.streams.management.decoding import InputDecoder, ValueDecoder, cut_to_limit
from streamsite.streams.pieces import SPLITS


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    st.sampled_from(SPLITS),
    st.data(),
)
def test_the_pieces_joined_are_the_text_wherever_the_bytes_are_cut(text, split, data):
    raw = text.encode()
    decoder = InputDecoder(split, 20, pytest.fail)
    pieces = []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        pieces += decoder.feed(raw[:size])
        raw = raw[size:]
        if data.draw(st.booleans()):
            pieces += decoder.flush()
    pieces += decoder.finish()
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 20 for piece in pieces)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_bytes_that_are_not_utf_8_are_replaced_with_one_notice(raw, border):
    notices = []
    decoder = InputDecoder("line", 1000, notices.append)
    pieces = [*decoder.feed(raw[:border]), *decoder.feed(raw[border:]), *decoder.finish()]
    assert "".join(pieces) == raw.decode(errors="replace").replace("\0", "␀")
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert any("UTF-8" in notice for notice in notices)
    assert len(notices) == len(set(notices)) <= 2


def test_an_endless_line_does_not_fill_the_memory():
    decoder = InputDecoder("line", 100, pytest.fail)
    assert sum(len(piece) for _ in range(50) for piece in decoder.feed(b"x" * 30)) >= 1400


def test_a_long_piece_is_cut_between_graphemes():
    family = "👨‍👩‍👧‍👦"
    text = normalize("NFD", "é") * 3 + family * 3
    parts = list(cut_to_limit(text, 8))
    assert "".join(parts) == text
    assert [len(regex.findall(r"\X", part)) for part in parts] == [3, 1, 1, 1]
    # One grapheme longer than the limit.
    hard = list(cut_to_limit(family, 3))
    assert "".join(hard) == family
    assert max(map(len, hard)) == 3


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))), st.data())
def test_the_values_are_the_same_wherever_the_lines_are_cut(values, data):
    raw = b"".join(json.dumps(value).encode() + data.draw(ENDS) for value in values)
    raw = raw.rstrip() if data.draw(st.booleans()) else raw
    decoder = ValueDecoder()
    found = []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        found += [*decoder.feed(raw[:size]), *decoder.flush()]
        raw = raw[size:]
    assert [*found, *decoder.finish()] == values


ENDS = st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"])


def test_the_error_of_a_line_names_the_line_and_comes_after_the_values_before_it(settings):
    settings.STREAM_MAX_PIECE_LENGTH = 10
    decoder = ValueDecoder()
    values = decoder.feed(b'1\n\n"short"\n"too long for it"\n')
    assert [next(values), next(values)] == [1, "short"]
    with pytest.raises(TooLarge, match="Line 4: "):
        next(values)
    with pytest.raises(BadRequest, match="Line 1: The line is not JSON at column 2"):
        list(ValueDecoder().feed(b"[\n"))


def test_an_endless_line_of_json_does_not_fill_the_memory(settings):
    settings.STREAM_MAX_PIECE_LENGTH = 10
    decoder = ValueDecoder()
    assert list(decoder.feed(b" " * 110)) == []
    with pytest.raises(TooLarge, match="Line 1: "):
        list(decoder.feed(b" " * 20))
