"""Splitting a text into pieces, cursors, and the checks of a text."""

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from streamsite.streams.errors import BadRequest
from streamsite.streams.pieces import SPLITS, Cursor, Pieces, Splitter, check_text, split

GRAPHEMES = [
    "👩‍💻",
    "🇺🇳",
    "e\u0301",
    "👍🏽",
    "각",
    "\r\n",
    "שָׁ",
    "क्षि",
]
# Many characters that join into graphemes: marks, joiners, flags, jamo, line ends.
texts = st.one_of(
    st.text(),
    st.text(alphabet="a 你\r\n\u0301\u200d👩💻🇺🇳🏽\ufe0fᄀ각\u0915\u094d.,'"),
    st.lists(st.sampled_from([*GRAPHEMES, "word", " ", "\n"])).map("".join),
)
splits = st.sampled_from(SPLITS)


def boundaries(pieces: list[str]) -> set[int]:
    found, at = set(), 0
    for piece in pieces:
        at += len(piece)
        found.add(at)
    return found


@given(text=texts, by=splits)
def test_the_pieces_joined_are_the_text(text, by):
    pieces = split(text, by)
    assert "".join(pieces) == text
    assert all(pieces)


@given(text=texts, by=st.sampled_from(["char", "word"]))
def test_no_grapheme_is_split(text, by):
    assert boundaries(split(text, by)) <= boundaries(regex.findall(r"\X", text))


@pytest.mark.parametrize("grapheme", GRAPHEMES)
@pytest.mark.parametrize("by", SPLITS)
def test_a_grapheme_is_one_piece(grapheme, by):
    assert split(grapheme, by) == [grapheme]


@given(parts=st.lists(texts), by=splits)
@example(parts=["a\n", " b"], by="word")
@example(parts=["\r", "\n", ".", "\n", "\u0301a"], by="word")
def test_the_pieces_do_not_depend_on_where_the_text_is_cut_into_parts(parts, by):
    splitter = Splitter(by)
    pieces = [piece for part in parts for piece in splitter.feed(part)] + splitter.flush()
    assert pieces == split("".join(parts), by)


@pytest.mark.parametrize("by", ["line", "word"])
def test_a_piece_is_complete_as_soon_as_its_line_feed_arrives(by):
    splitter = Splitter(by)
    assert splitter.feed("a\nb") == ["a\n"]
    assert splitter.feed("\n") == ["b\n"]
    assert splitter.flush() == []


def test_a_grapheme_waits_for_its_marks():
    splitter = Splitter("char")
    assert splitter.feed("ae") == ["a"]
    assert splitter.feed("\u0301") == []
    assert splitter.flush() == ["e\u0301"]


@pytest.mark.parametrize(
    ("by", "pieces"),
    [
        ("char", ["H", "i", ",", " ", "你", "!"]),
        ("word", ["Hi, ", "你!"]),
        ("line", ["Hi, 你!"]),
    ],
)
def test_each_split_cuts_where_its_name_says(by, pieces):
    assert split("Hi, 你!", by) == pieces


# Cursors.


@given(revision=st.integers(0, 10**9 - 1), n=st.integers(0, 2**53 - 1))
def test_a_cursor_is_parsed_as_it_is_formatted(revision, n):
    cursor = Cursor(revision, n)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "abc",
        "1e9",
        " 1",
        "1 ",
        "1.",
        ".1",
        "1.2.3",
        "+1",
        "1_0",
        "١",
        "９",
        str(2**53),
        str(10**30),
        "9" * 5000,
        "1\n",
    ],
)
def test_an_invalid_cursor_is_refused_with_a_short_sentence(text):
    with pytest.raises(BadRequest, match="is not valid") as refused:
        Cursor.parse(text)
    assert len(refused.value.detail) < 300


@given(texts=st.lists(st.text(min_size=1), min_size=1), first=st.integers(0, 100), data=st.data())
def test_pieces_since_a_number_are_the_pieces_from_that_number_on(texts, first, data):
    pieces = Pieces(first, texts)
    n = data.draw(st.integers(first, pieces.end))
    rest = pieces.since(n)
    assert (rest.first, list(rest.texts), rest.end) == (n, texts[n - first :], pieces.end)


@given(texts=st.lists(st.text(min_size=1)), size=st.integers(1, 10), length=st.integers(1, 40))
def test_batches_have_all_pieces_and_keep_to_their_limits(texts, size, length):
    batches = list(Pieces(3, texts).batches(size, length))
    assert [text for batch in batches for text in batch.texts] == texts
    assert [batch.end for batch in batches[:-1]] == [batch.first for batch in batches[1:]]
    for batch in batches:
        assert 1 <= len(batch.texts) <= size
        assert len(batch.texts) == 1 or sum(map(len, batch.texts)) <= length


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "ok\udfff"])
def test_a_text_that_no_database_can_store_unchanged_is_refused(text):
    with pytest.raises(BadRequest):
        check_text(text)


@given(st.text())
def test_every_other_text_is_accepted(text):
    if "\0" not in text:
        check_text(text)
