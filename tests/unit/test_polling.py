"""The polling endpoint, on streams that no database has."""

import asyncio
import json
from collections.abc import AsyncGenerator
from copy import copy
from typing import Any

import pytest
from django.test import AsyncRequestFactory, override_settings

from streamsite.streams.http.requests import StreamRequest
from streamsite.streams.http.transports import polling as module
from streamsite.streams.http.transports.answers import ANSWER_SIZE, Answer, Answers, Key
from streamsite.streams.http.transports.polling import polling
from streamsite.streams.log import Recording
from streamsite.streams.models import Stream
from streamsite.streams.pieces import Batch, Cursor, Pieces, Record, Reset
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


# Answers that are made once.


class Followed:
    """A stream that polls follow. `read` counts how often its pieces were read."""

    def __init__(self) -> None:
        self.stream = Stream(pk=7, name="build")
        self.texts: list[str] = []
        self.read = 0

    def request(self, after: Cursor) -> StreamRequest:
        # A copy, as each query makes one.
        return StreamRequest(copy(self.stream), after, None)

    async def batches(self, after: Cursor) -> AsyncGenerator[Batch, None]:
        self.read += 1
        n = after.n if after.revision == self.stream.revision or not after.n else 0
        if n < after.n:
            yield [Reset(0, "The text was edited.", revision=self.stream.revision)]
            return
        while len(self.texts) == n and self.stream.live:
            await asyncio.sleep(0)
        records: list[Record] = []
        if texts := self.texts[n:]:
            records.append(Pieces(n, texts, revision=self.stream.revision))
        yield [*records, end] if (end := self.stream.end()) else records

    def write(self, *texts: str) -> None:
        self.texts += texts
        self.stream.pieces = len(self.texts)

    def end(self, state: str = "done") -> None:
        self.stream.state = state


@pytest.fixture
def followed(hub: Hub, monkeypatch) -> Followed:
    followed = Followed()
    monkeypatch.setattr(
        StreamRequest, "batches", lambda self, *_, **__: followed.batches(self.after)
    )
    return followed


@pytest.fixture
def poll(followed: Followed, monkeypatch) -> Any:
    """Return a function that polls the followed stream."""

    async def read_request(request: Any, *_arguments: Any) -> StreamRequest:
        return followed.request(Cursor.parse(request.GET.get("after", "0")))

    monkeypatch.setattr(module, "read_request", read_request)

    async def poll(**query: object) -> Any:
        request = AsyncRequestFactory().get("/", query)
        request.user = None
        return json.loads((await polling(request, "build")).content)

    return poll


async def test_the_answer_of_a_finished_stream_is_made_once(followed: Followed, poll: Any):
    followed.write("a", "b")
    followed.end()
    whole = {"pieces": ["a", "b"], "after": 2, "state": "done", "sha256": ""}
    assert [await poll(), await poll()] == [whole, whole]
    assert followed.read == 1
    assert (await poll(limit=1))["pieces"] == ["a"]
    assert (await poll(after=1))["pieces"] == ["b"]


async def test_new_pieces_the_end_and_an_edit_make_other_answers(followed: Followed, poll: Any):
    followed.write("a")
    assert await poll() == {"pieces": ["a"], "after": 1, "state": "live"}
    assert await poll(after=1) == {"pieces": [], "after": 1, "state": "live"}
    followed.write("b")
    assert await poll() == {"pieces": ["a", "b"], "after": 2, "state": "live"}
    assert await poll(after=1) == {"pieces": ["b"], "after": 2, "state": "live"}
    followed.end("stopped")
    assert (await poll(after=2))["state"] == "stopped"
    followed.stream.revision, followed.texts = 1, ["c", "b"]
    assert (await poll())["pieces"] == ["c", "b"]
    assert (await poll(after=2))["reset"] == 0


async def test_clients_that_wait_for_the_same_piece_get_it_and_what_comes_after_it(
    followed: Followed, poll: Any
):
    followed.write("a")
    waiting = [asyncio.create_task(poll(after=1, wait=60)) for _ in range(3)]
    await asyncio.sleep(0)
    followed.write("b")
    for answer in await asyncio.gather(*waiting):
        assert answer == {"pieces": ["b"], "after": 2, "state": "live"}
    assert await poll(after=2) == {"pieces": [], "after": 2, "state": "live"}
    waiting = [asyncio.create_task(poll(after=2, wait=60)) for _ in range(3)]
    await asyncio.sleep(0)
    followed.end()
    assert {answer["state"] for answer in await asyncio.gather(*waiting)} == {"done"}


def test_answers_take_a_bounded_amount_of_memory():
    size = 10 * (1000 + ANSWER_SIZE)
    answers = Answers(size)
    keys = [Key(1, 0, n, False, Cursor(), 500) for n in range(20)]
    for key in keys[:10]:
        answers.keep(key, Answer(b"x" * 1000, 1))
    assert answers.get(keys[0])
    for key in keys[10:]:
        answers.keep(key, Answer(b"x" * 1000, 1))
        assert answers.get(keys[0])
    assert [key for key in keys if answers.get(key)] == [keys[0], *keys[11:]]
    answers.keep(Key(2, 0, 1, False, Cursor(), 500), Answer(b"x" * size, 1))
    assert not any(map(answers.get, keys))
    answers.keep(keys[0], Answer(b"again", 1))
    assert answers.get(keys[0]) == Answer(b"again", 1)
