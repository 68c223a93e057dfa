"""Complete transfers of the article's text on each transport, with the bytes on the wire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from .raw import events, http, websocket

Address = tuple[str, int]


@dataclass
class Transfer:
    """What one reader received. `last` is the response, block or frame that ended the text."""

    texts: list[str]
    response: http.Response
    last: object
    answers: list[http.Response] = field(default_factory=list)
    frames: list[websocket.Frame] = field(default_factory=list)


def polling(address: Address) -> Transfer:
    texts, answers = [], []
    with http.Connection(address) as connection:
        for cnt in count():
            answer = connection.ask(f"/stream/polling?cnt={cnt}")
            answers.append(answer)
            if answer.status != 200:
                return Transfer(texts, answers[0], answer, answers=answers)
            texts.append(answer.json["message"])
    raise AssertionError("unreachable")


def chunked(address: Address) -> Transfer:
    response = http.get(address, "/stream/chunked")
    return Transfer([chunk.decode() for chunk in response.chunks], response, response.wire[-5:])


def sse(address: Address) -> Transfer:
    response = http.get(address, "/stream/events", accept="text/event-stream")
    *blocks, last = events.parse(response.body)
    return Transfer([block.data for block in blocks], response, last)


def ws(address: Address) -> Transfer:
    with websocket.WebSocket(address) as socket:
        response = socket.shake_hands("/stream/ws")
        assert response.status == 101, response
        *frames, last = socket.frames()
    return Transfer([frame.text for frame in frames], response, last, frames=[*frames, last])


TRANSFERS: dict[str, Callable[[Address], Transfer]] = {
    "polling": polling,
    "chunked": chunked,
    "sse": sse,
    "websocket": ws,
}


def opening(transport: str, address: Address, pieces: int) -> list[str]:
    """Read the first pieces on one transport, then close the connection."""
    if transport == "polling":
        return [
            http.get(address, f"/stream/polling?cnt={cnt}").json["message"] for cnt in range(pieces)
        ]
    if transport == "websocket":
        with websocket.connect(address, "/stream/ws") as socket:
            return [socket.read_text() for _ in range(pieces)]
    with http.Connection(address) as connection:
        connection.send("/stream/chunked" if transport == "chunked" else "/stream/events")
        http.read_head(connection.file)
        chunks = [http.read_chunk(connection.file)[0] for _ in range(pieces)]
    return [
        events.parse(chunk)[0].data if transport == "sse" else chunk.decode() for chunk in chunks
    ]
