"""The event stream's encoder and decoder, held to the standard's examples (WHATWG HTML, 9.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.wire import sse
from streamsite.streams.wire.sse import Decoder, Event

# The streams of section 9.2.6 and what it says that they mean, and the cases of 9.2.5 beside them.
EXAMPLES = {
    "data of several lines": ("data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
    "a comment, ids, an id that is reset, a space that stays": (
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
        [Event("first event", id="1"), Event("second event"), Event(" third")],
    ),
    "data without a colon, and a last event cut short": (
        "data\n\ndata\ndata\n\ndata:",
        [Event(""), Event("\n")],
    ),
    "one optional space": ("data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
    "names": (
        "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [Event("73857293", "add"), Event("2153", "remove"), Event("113411", "add")],
    ),
    "a byte order mark": ("\ufeffdata: a\n\n", [Event("a")]),
    "only the first mark": ("\ufeff\ufeffdata: a\n\ndata: b\n\n", [Event("b")]),
    "a name without data": ("event: lost\n\ndata: a\n\n", [Event("a")]),
    "an id without data counts for what follows": ("id: 7\n\ndata: a\n\n", [Event("a", id="7")]),
    "an id stays until the next": (
        "id: 7\ndata: a\n\ndata: b\n\n",
        [Event("a", id="7"), Event("b", id="7")],
    ),
    "an id with a NUL": ("id: 1\0\ndata: a\n\n", [Event("a")]),
    "unknown fields": ("colour: red\nDATA: no\n data: no\ndata: a\n\n", [Event("a")]),
    "a colon in a value": ("data: a: b\n\n", [Event("a: b")]),
    "an empty name": ("event:\ndata: a\n\n", [Event("a")]),
    "line ends of all kinds": ("data: a\rdata: b\r\ndata: c\n\r\n", [Event("a\nb\nc")]),
    "nothing": ("", []),
}


def with_each_line_end(stream: str) -> set[str]:
    return (
        {stream, stream.replace("\n", "\r"), stream.replace("\n", "\r\n")}
        if "\r" not in stream
        else {stream}
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_standards_examples_split_anywhere(name):
    stream, events = EXAMPLES[name]
    for written in with_each_line_end(stream):
        # A CR at the very end may be half of a CRLF; a comment shows that it isn't.
        written += ":"
        for cut in range(len(written) + 1):
            decoder = Decoder()
            assert [*decoder.feed(written[:cut]), *decoder.feed(written[cut:])] == events, written[
                :cut
            ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_standards_examples_a_character_at_a_time(name):
    stream, events = EXAMPLES[name]
    decoder = Decoder()
    assert [event for character in stream for event in decoder.feed(character)] == events


@pytest.mark.parametrize(
    ("stream", "retry"),
    [
        ("retry: 1500\n\n", 1500),
        ("retry: 1s\n\n", None),
        ("retry: -1\n\n", None),
        ("retry:\n\n", None),
        ("retry: ١\n\n", None),
    ],
)
def test_a_reconnection_time_is_digits_alone(stream, retry):
    decoder = Decoder()
    assert list(decoder.feed(stream)) == []
    assert decoder.retry == retry


def test_a_reader_may_resume_from_the_last_id():
    decoder = Decoder()
    list(decoder.feed("id: 3\ndata: a\n\n: bye\n\n"))
    assert decoder.last_id == "3"


line = st.text().filter(lambda text: not set(text) & {"\r", "\n", "\0"})


@given(data=st.text(), name=line, id=line)
def test_what_is_written_is_read_with_lf_for_every_line_end(data, name, id):  # noqa: A002
    written = sse.event(data, name=name, id=id).decode()
    (read,) = Decoder().feed(written)
    assert read == Event(data.replace("\r\n", "\n").replace("\r", "\n"), name or "message", id)


@given(st.text())
def test_a_comment_or_a_time_is_no_event(text):
    harmless = text.replace("\r", "").replace("\n", "")
    assert list(Decoder().feed((sse.comment(harmless) + sse.retry(1000)).decode())) == []


@pytest.mark.parametrize("broken", ["a\nb", "a\rb", "\n"])
def test_line_breaks_where_none_can_be_are_refused(broken):
    with pytest.raises(ValueError, match="line break"):
        sse.event("data", name=broken)
    with pytest.raises(ValueError, match="line break"):
        sse.event("data", id=broken)
    with pytest.raises(ValueError, match="line break"):
        sse.comment(broken)


def test_an_id_with_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        sse.event("data", id="1\0")
