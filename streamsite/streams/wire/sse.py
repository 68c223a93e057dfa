"""Server-Sent Events: the text/event-stream format.

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
    """What a reader is given: `id` is the last one seen, on this event or before."""

    data: str
    name: str = "message"
    id: str = ""


def event(data: str, *, name: str = "", id: str = "") -> bytes:  # noqa: A002 - the field's own name
    """Return an event.

    Each line of the data is a field of its own. The format has no way to carry a carriage
    return: CR, LF and CRLF all reach the reader as LF.

    Raises ValueError when the name or the id has a line break, or the id a NUL.
    """
    head = ""
    if id:
        head = f"id: {_field('id', id)}\n"
        if "\0" in id:
            raise ValueError("an event id with a NUL is ignored by readers")
    if name:
        head += f"event: {_field('name', name)}\n"
    if "\n" in data or "\r" in data:
        data = "\ndata: ".join(_LINE_END.split(data))
    return f"{head}data: {data}\n\n".encode()


def comment(text: str = "") -> bytes:
    """Return a comment, which readers skip: it keeps the connection from looking idle."""
    return f": {_field('comment', text)}\n\n".encode()


def retry(milliseconds: int) -> bytes:
    """Return the field that says how long a reader waits before it reconnects."""
    return f"retry: {milliseconds:d}\n\n".encode()


def _field(kind: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError(f"event {kind} {value!r} has a line break")
    return value


class Decoder:
    """Takes the text of a stream in parts and gives back its events.

    `retry` is the last reconnection time that the stream asked for, in milliseconds.
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
        """Yield the events that end in this text. An unfinished one waits for more."""
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix("\ufeff")
        text = self._rest + text
        start = 0
        for match in _LINE_END.finditer(text):
            if match.end() == len(text) and match[0] == "\r":
                break  # Its LF may be on the way.
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
