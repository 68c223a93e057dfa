"""Server-Sent Events, checked by the examples of the standard (WHATWG HTML, 9.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.wire import sse
from streamsite.streams.wire.sse import Decoder, Event

# The examples of section 9.2.6 with the events that the section names, and cases of 9.2.5.
EXAMPLES = {
    "data of several lines": ("data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
    "a comment, ids, an empty id, a second space": (
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
        [Event("first event", id="1"), Event("second event"), Event(" third")],
    ),
    "data without a colon, and an unfinished last event": (
        "data\n\ndata\ndata\n\ndata:",
        [Event(""), Event("\n")],
    ),
    "one optional space": ("data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
    "names": (
        "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [Event("73857293", "add"), Event("2153", "remove"), Event("113411", "add")],
    ),
    "a byte order mark": ("\ufeffdata: a\n\n", [Event("a")]),
    "only the first byte order mark is removed": (
        "\ufeff\ufeffdata: a\n\ndata: b\n\n",
        [Event("b")],
    ),
    "a name without data": ("event: lost\n\ndata: a\n\n", [Event("a")]),
    "an id without data is the id of the next event": (
        "id: 7\n\ndata: a\n\n",
        [Event("a", id="7")],
    ),
    "an id stays until the next id": (
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
def test_the_examples_of_the_standard_cut_anywhere(name):
    stream, events = EXAMPLES[name]
    for written in with_each_line_end(stream):
        # A CR at the end may be half of a CRLF. The start of a comment shows that it is a CR.
        written += ":"
        for cut in range(len(written) + 1):
            decoder = Decoder()
            assert [*decoder.feed(written[:cut]), *decoder.feed(written[cut:])] == events, written[
                :cut
            ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_standard_one_character_at_a_time(name):
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
def test_a_reconnection_time_has_only_ascii_digits(stream, retry):
    decoder = Decoder()
    assert list(decoder.feed(stream)) == []
    assert decoder.retry == retry


def test_the_decoder_has_the_last_event_id():
    decoder = Decoder()
    list(decoder.feed("id: 3\ndata: a\n\n: bye\n\n"))
    assert decoder.last_id == "3"


LINES = st.text().filter(lambda text: not set(text) & {"\r", "\n", "\0"})


@given(data=st.text(), name=LINES, id=LINES)
def test_an_event_is_decoded_as_encoded_with_lf_for_every_line_end(data, name, id):  # noqa: A002
    encoded = sse.event(data, name=name, id=id).decode()
    (decoded,) = Decoder().feed(encoded)
    assert decoded == Event(data.replace("\r\n", "\n").replace("\r", "\n"), name or "message", id)


@given(st.text())
def test_comments_and_reconnection_times_are_not_events(text):
    line = text.replace("\r", "").replace("\n", "")
    assert list(Decoder().feed((sse.comment(line) + sse.retry(1000)).decode())) == []


@pytest.mark.parametrize("broken", ["a\nb", "a\rb", "\n"])
def test_a_line_break_in_a_name_an_id_or_a_comment_is_refused(broken):
    with pytest.raises(ValueError, match="line break"):
        sse.event("data", name=broken)
    with pytest.raises(ValueError, match="line break"):
        sse.event("data", id=broken)
    with pytest.raises(ValueError, match="line break"):
        sse.comment(broken)


def test_an_id_with_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        sse.event("data", id="1\0")
