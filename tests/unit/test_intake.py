"""What `manage.py publish` makes of its input."""

from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.management.intake import Intake, cut
from streamsite.streams.pieces import SPLITS


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    st.sampled_from(SPLITS),
    st.data(),
)
def test_text_comes_through_whole_however_it_arrives(text, split, data):
    raw = text.encode()
    intake = Intake(split, 20, pytest.fail)
    pieces = []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        pieces += intake.feed(raw[:size])
        raw = raw[size:]
        if data.draw(st.booleans()):
            pieces += intake.pause()
    pieces += intake.end()
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 20 for piece in pieces)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_bytes_that_are_no_text_are_replaced_and_said_once(raw, border):
    notices = []
    intake = Intake("line", 1000, notices.append)
    pieces = [*intake.feed(raw[:border]), *intake.feed(raw[border:]), *intake.end()]
    assert "".join(pieces) == raw.decode(errors="replace").replace("\0", "␀")
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert any("UTF-8" in notice for notice in notices)
    assert len(notices) == len(set(notices)) <= 2


def test_an_endless_line_does_not_gather_in_memory():
    intake = Intake("line", 100, pytest.fail)
    assert sum(len(piece) for _ in range(50) for piece in intake.feed(b"x" * 30)) >= 1400


def test_a_piece_too_long_is_cut_between_graphemes():
    family = "👨‍👩‍👧‍👦"
    text = normalize("NFD", "é") * 3 + family * 3
    parts = list(cut(text, 8))
    assert "".join(parts) == text
    assert [len(regex.findall(r"\X", part)) for part in parts] == [3, 1, 1, 1]
    # One grapheme that alone is too long.
    hard = list(cut(family, 3))
    assert "".join(hard) == family
    assert max(map(len, hard)) == 3
