"""The polling endpoint, on streams that no database has."""

import json
from typing import Any

import pytest
from django.test import AsyncRequestFactory, override_settings

from streamsite.streams.http.requests import StreamRequest
from streamsite.streams.http.transports import polling as module
from streamsite.streams.http.transports.polling import polling
from streamsite.streams.log import Recording
from streamsite.streams.models import Stream
from streamsite.streams.pieces import Cursor, Pieces
from streamsite.streams.reading import playing
from streamsite.streams.reading.hub import Hub
from streamsite.streams.reading.tapes import Tape

PROXY = "10.0.0.1"


@pytest.fixture
async def hub(monkeypatch) -> Hub:
    """Return the hub of the endpoint, without its tasks."""
    hub = Hub()
    monkeypatch.setattr(Hub, "_start", lambda _self: None)
    monkeypatch.setattr(module, "hub", lambda: hub)
    monkeypatch.setattr(playing, "hub", lambda: hub)
    return hub


async def test_each_client_of_a_trusted_proxy_is_a_viewer(hub: Hub, monkeypatch):
    async def read_request(*_arguments: Any) -> StreamRequest:
        return StreamRequest(Stream(pk=1, name="live"), Cursor(), None)

    monkeypatch.setattr(module, "read_request", read_request)
    with override_settings(STREAM_TRUSTED_PROXIES=[PROXY]):
        for client in ("203.0.113.7", "203.0.113.8", "203.0.113.7"):
            request = AsyncRequestFactory().get("/", headers={"X-Forwarded-For": client})
            request.META["REMOTE_ADDR"] = PROXY
            request.user = None
            assert (await polling(request, "live")).status_code == 200
    assert sorted(hub._pollers) == [(1, "203.0.113.7"), (1, "203.0.113.8")]


# A replay.

MINUTE = 60.0


@pytest.fixture
def replay(hub: Hub, monkeypatch) -> Any:
    """Return a function that polls a replay of one piece a minute, after the first piece."""
    stream = Stream(pk=1, name="done", state=Stream.State.DONE, pieces=5)
    tape = Tape(Recording(stream, Pieces(0, "abcde"), range(5)))

    async def tape_of(_stream: Stream) -> Tape:
        return tape

    async def read_request(*_arguments: Any) -> StreamRequest:
        return StreamRequest(stream, Cursor(0, 1), MINUTE)

    monkeypatch.setattr(playing, "tape_of", tape_of)
    monkeypatch.setattr(module, "read_request", read_request)

    async def poll(**query: object) -> tuple[int, Any]:
        request = AsyncRequestFactory().get("/", query)
        request.user = None
        answer = await polling(request, "done")
        return answer.status_code, json.loads(answer.content)

    return poll


@pytest.mark.parametrize(
    ("waited", "pieces"),
    [(0, ""), (39, ""), (59.9, "b"), (60, "b"), (119, "b"), (121, "bc"), (1000, "bcde")],
)
async def test_a_poll_gets_the_pieces_that_are_due_since_the_reader_received_its_last(
    replay: Any, waited: float, pieces: str
):
    wait = 1 if pieces else 0
    assert await replay(waited=waited, wait=wait) == (
        200,
        {"pieces": [*pieces], "after": 1 + len(pieces), "state": "done"},
    )


async def test_a_poll_that_cannot_keep_the_pace_is_refused_with_a_sentence(replay: Any):
    status, answer = await replay(wait=20)
    assert status == 400
    assert "comes 60 s after the last one" in answer["detail"]
    assert "`waited`" in answer["detail"]


@pytest.mark.parametrize("waited", ["-1", "nan", "inf", "soon", ""])
async def test_a_time_that_no_reader_can_have_waited_is_refused(replay: Any, waited: str):
    status, answer = await replay(waited=waited)
    assert (status, answer["detail"][:7]) == (400, "waited=")
