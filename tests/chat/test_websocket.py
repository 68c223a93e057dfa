"""The WebSocket of the chat: several requests over one connection."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.site import Site
from tests.waiting import PATIENCE

from .front import Front, text_of, websocket_url

Frame = dict[str, Any]


class Socket:
    """One connection of a `WebSocketChatTransport`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **frame: Any) -> None:
        self.connection.send(json.dumps(frame))

    def ask(self, request_id: str, front: Front, key: str, text: str) -> None:
        self.send(type="send", requestId=request_id, headers={}, **front.body(key, text))

    def next(self) -> Frame:
        return json.loads(self.connection.recv(timeout=PATIENCE))  # type: ignore[no-any-return]

    def until(self, kind: str) -> list[Frame]:
        """Return the frames up to the first of this type."""
        frames = [self.next()]
        while frames[-1]["type"] != kind:
            frames.append(self.next())
        return frames

    def until_delta(self, delta: str) -> list[Frame]:
        frames = [self.next()]
        while frames[-1].get("chunk", {}).get("delta") != delta:
            frames.append(self.next())
        return frames


@pytest.fixture
def socket(backend_site: Site, front: Front, key: str) -> Iterator[Socket]:
    front.ask(f"{key}-first", "count 1")  # The session exists from here on.
    with connect(websocket_url(backend_site), additional_headers=cookies(front)) as connection:
        yield Socket(connection)


@pytest.fixture
def other_socket(backend_site: Site, front: Front, socket: Socket) -> Iterator[Socket]:
    """Yield a connection of the same browser to the last process of the site."""
    url = websocket_url(backend_site.servers[-1])
    with connect(url, additional_headers=cookies(front)) as connection:
        yield Socket(connection)


def cookies(front: Front) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in front.client.cookies.items())}


def chunks(frames: list[Frame]) -> list[Frame]:
    return [frame["chunk"] for frame in frames if frame["type"] == "chunk"]


def test_an_answer_comes_as_numbered_chunks(socket: Socket, front: Front, key: str):
    socket.ask("r1", front, key, "count 3")
    frames = socket.until("end")
    assert frames[0] == {"type": "start", "requestId": "r1"}
    assert {frame["requestId"] for frame in frames} == {"r1"}
    assert [frame["sequence"] for frame in frames[1:-1]] == list(range(len(frames) - 2))
    assert text_of(chunks(frames)) == "0 1 2 "


def test_an_abort_stops_the_answer_and_a_resume_follows_it(
    socket: Socket, other_socket: Socket, front: Front, key: str
):
    socket.ask("r1", front, key, "hang")
    asked = chunks(socket.until_delta("waiting "))
    other_socket.send(type="resume", requestId="r2", id=key, headers={}, body={})
    assert chunks(other_socket.until_delta("waiting ")) == asked
    other_socket.send(type="abort", requestId="r2")
    for each in (socket, other_socket):
        assert chunks(each.until("end")) == [{"type": "abort"}]
    other_socket.send(type="resume", requestId="r3", id=key, headers={}, body={})
    assert other_socket.next() == {"type": "no-active", "requestId": "r3"}


def test_a_lost_connection_stops_nothing(backend_site: Site, front: Front, key: str):
    front.ask(f"{key}-first", "count 1")
    with connect(websocket_url(backend_site), additional_headers=cookies(front)) as connection:
        socket = Socket(connection)
        socket.ask("r1", front, key, "hang")
        socket.until_delta("waiting ")
    with front.resuming(key) as answer:
        answer.until("waiting ")
        assert front.stop(key)


def test_one_connection_carries_several_answers(socket: Socket, front: Front, key: str):
    socket.ask("r1", front, f"{key}-1", "hang")
    socket.until_delta("waiting ")
    socket.ask("r2", front, f"{key}-2", "count 2")
    assert text_of(chunks(socket.until("end"))) == "0 1 "
    socket.send(type="abort", requestId="r1")
    assert chunks(socket.until("end")) == [{"type": "abort"}]


@pytest.mark.upstream("granian", "drops the headers with which a WebSocket is accepted")
def test_a_new_visitor_gets_a_session_with_the_handshake(backend_site: Site, key: str, opened):
    front = Front(backend_site, opened)
    with connect(websocket_url(backend_site)) as connection:
        cookie = connection.response.headers["Set-Cookie"].partition(";")[0]
        socket = Socket(connection)
        socket.ask("r1", front, key, "count 1")
        socket.until("end")
    found = front.client.get(f"/chat/conversations/{key}", headers={"Cookie": cookie})
    assert found.status_code == 200


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        (b"\0\1", "binary"),
        ("{}", '"requestId" is not valid'),
        ('{"requestId": "r1"}', '"type" is not valid'),
        ('{"requestId": "r1", "type": "send"}', '"id" is not valid'),
        ('{"requestId": "r1", "type": "resume", "id": 7}', '"id" is not valid'),
        ('{"requestId": "r1", "type": "resume", "id": "nowhere"}', "no conversation"),
    ],
)
def test_a_bad_frame_gets_an_error_and_the_connection_stays(
    socket: Socket, front: Front, key: str, frame: str | bytes, told: str
):
    socket.connection.send(frame)
    error = socket.next()
    assert (error["type"], told in error["errorText"]) == ("error", True), error
    assert error["status"] == (404 if "nowhere" in str(frame) else 400)
    socket.ask("after", front, key, "count 1")
    assert text_of(chunks(socket.until("end"))) == "0 "


def test_two_questions_in_a_row_get_an_answer_and_an_error(socket: Socket, front: Front, key: str):
    socket.ask("r1", front, key, "hang")
    socket.ask("r2", front, key, "count 1")
    frames = socket.until("error")
    assert frames[-1]["requestId"] == "r2"
    assert "is being written" in frames[-1]["errorText"]
    assert frames[-1]["status"] == 409
    front.stop(key)
    socket.until("end")
