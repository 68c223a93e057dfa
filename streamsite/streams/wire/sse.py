"""Server-Sent Events: the format text/event-stream.

WHATWG HTML, 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream":
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

CONTENT_TYPE = "text/event-stream"

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a browser would dispatch it.

    `id` is the last event ID: the `id` field of this event, or of the last event that had one.
    """

    data: str
    name: str = "message"
    id: str = ""


def event(data: str, *, name: str = "", id: str = "") -> bytes:  # noqa: A002 - the field's own name
    r"""Encode an event in UTF-8.

        event("Hello", name="end", id="17")  # b"id: 17\nevent: end\ndata: Hello\n\n"
        event("a\nb")                        # b"data: a\ndata: b\n\n"

    The format can't carry a carriage return: CR, LF and CRLF in `data` all reach the reader as LF.

    Raises ValueError if `name` or `id` has a line break, or `id` has a NUL.
    """
    head = ""
    if id:
        head = f"id: {_field('id', id)}\n"
        if "\0" in id:
            raise ValueError(f"event id {id!r} has a NUL, and readers ignore such an id")
    if name:
        head += f"event: {_field('name', name)}\n"
    if "\n" in data or "\r" in data:
        data = "\ndata: ".join(_LINE_END.split(data))
    return f"{head}data: {data}\n\n".encode()


def comment(text: str = "") -> bytes:
    r"""Encode a comment, which readers skip. The server sends comments as keep-alive.

        comment("ping")  # b": ping\n\n"

    Raises ValueError if `text` has a line break.
    """
    return f": {_field('comment', text)}\n\n".encode()


def retry(milliseconds: int) -> bytes:
    r"""Encode the reconnection time: how many milliseconds a reader waits before it reconnects.

    For example, `retry(2000)` returns `b"retry: 2000\n\n"`.
    """
    return f"retry: {milliseconds:d}\n\n".encode()


def _field(kind: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError(f"event {kind} {value!r} has a line break")
    return value


class Decoder:
    r"""Decode the text of an event stream, which arrives in parts, into events.

        decoder = Decoder()
        list(decoder.feed("id: 1\ndata: Hel"))  # []
        list(decoder.feed("lo\n\n"))            # [Event("Hello", id="1")]

    `last_id` is the last event ID, "" before the first. `retry` is the reconnection time that the
    stream set last, in milliseconds, or None.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry: int | None = None
        self._begun = False
        self._rest = ""
        self._clear()

    def _clear(self) -> None:
        self._data: list[str] = []
        self._name = ""

    def feed(self, text: str) -> Iterator[Event]:
        """Yield the events that end in `text`. An unfinished event waits for more text."""
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix("\ufeff")
        text = self._rest + text
        start = 0
        for match in _LINE_END.finditer(text):
            if match.end() == len(text) and match[0] == "\r":
                break  # The LF of a CRLF may be in the next part.
            line = text[start : match.start()]
            start = match.end()
            if line:
                self._take(line)
            else:
                if self._data:
                    yield Event("\n".join(self._data), self._name or "message", self.last_id)
                self._clear()
        self._rest = text[start:]

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)
