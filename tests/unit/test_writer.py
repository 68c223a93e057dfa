"""The writer and the outboxes of producers, on a database that answers when the test says so."""

import asyncio
import json
from typing import Any

import pytest

from streamsite.streams import log
from streamsite.streams.errors import TakenOver
from streamsite.streams.log.bell import Bell, Ring
from streamsite.streams.models import Stream
from streamsite.streams.writing import outbox as outboxes
from streamsite.streams.writing import writer as writers
from streamsite.streams.writing.outbox import Outbox
from streamsite.streams.writing.writer import Writer

PATIENCE = 30


class Database:
    """Commits while it is `open`. `groups` has the pieces of each commit, by stream."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.groups: list[dict[int, list[str]]] = []
        self.tries: list[int] = []
        self.refused: dict[int, Exception] = {}

    async def commit(self, _append: Any, writes: list[log.Write]) -> list[Exception | None]:
        for write in writes:
            write.tries += 1
            self.tries.append(write.tries)
        assert len({write.stream_id for write in writes}) == len(writes)
        self.groups.append({write.stream_id: list(write.texts) for write in writes})
        await self.open.wait()
        return [self.refused.get(write.stream_id) for write in writes]


@pytest.fixture
async def database(monkeypatch) -> Database:
    database = Database()
    monkeypatch.setattr(writers, "in_database_once_there", database.commit)
    return database


@pytest.fixture
async def rings(monkeypatch) -> list[Ring]:
    rung: list[Ring] = []
    monkeypatch.setattr(Bell, "ring", lambda _bell, rings: rung.extend(rings))
    return rung


@pytest.fixture
async def writer(rings: list[Ring], monkeypatch) -> Writer:
    writer = Writer()
    monkeypatch.setattr(outboxes, "writer", lambda: writer)
    return writer


def outbox(stream_id: int, errors: list[Exception] | None = None) -> Outbox:
    return Outbox(Stream(pk=stream_id), "fence", [].append if errors is None else errors.append)


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


async def test_the_pieces_that_come_during_a_commit_share_the_next_one(
    database: Database, writer: Writer, rings: list[Ring]
):
    first, second = outbox(1), outbox(2)
    first.add("a ", 0)
    await until(lambda: database.groups)
    for text in ("b ", "c "):
        first.add(text, 1)
        second.add(text, 1)
    assert rings == []
    database.open.set()
    async with asyncio.timeout(PATIENCE):
        await first.empty()
        await second.empty()
    assert database.groups == [{1: ["a "]}, {1: ["b ", "c "], 2: ["b ", "c "]}]
    assert [(ring.stream_id, ring.n) for ring in rings] == [(1, 1), (1, 3), (2, 2)]


async def test_no_commit_has_two_writes_of_one_stream(database: Database, writer: Writer):
    database.open.set()
    writes = [log.Write(7, "fence", n, [f"{n}"], [0]) for n in range(3)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*map(writer.append, writes))
    assert database.groups == [{7: ["0"]}, {7: ["1"]}, {7: ["2"]}]


async def test_a_commit_takes_a_bounded_number_of_writes(
    database: Database, writer: Writer, monkeypatch
):
    monkeypatch.setattr(writers, "GROUP", 2)
    database.open.set()
    for n in range(5):
        outbox(n).add("a ", 0)
    await until(lambda: len(database.groups) == 3)
    assert database.groups == [{0: ["a "], 1: ["a "]}, {2: ["a "], 3: ["a "]}, {4: ["a "]}]


async def test_the_pieces_of_a_cancelled_commit_are_committed_again_in_the_same_write(
    database: Database, writer: Writer, rings: list[Ring]
):
    ours = outbox(1)
    ours.add("a ", 0)
    await until(lambda: database.groups)
    ours.add("b ", 1)
    assert writer._task is not None
    writer._task.cancel()
    emptied = asyncio.create_task(ours.empty())
    await until(lambda: len(database.groups) == 2)
    database.open.set()
    async with asyncio.timeout(PATIENCE):
        await emptied
    # The log finds a write that it has already by its first piece, its last one and its text.
    assert database.groups == [{1: ["a "]}, {1: ["a "]}, {1: ["b "]}]
    assert database.tries == [1, 2, 1]
    assert [ring.n for ring in rings] == [1, 2]


async def test_a_refused_producer_learns_why_and_writes_no_more(
    database: Database, writer: Writer, rings: list[Ring]
):
    errors: list[Exception] = []
    ours, other = outbox(1, errors), outbox(2)
    database.refused[1] = TakenOver("build")
    ours.add("a ", 0)
    other.add("x ", 0)
    await until(lambda: database.groups)
    ours.add("b ", 1)
    database.open.set()
    async with asyncio.timeout(PATIENCE):
        await ours.empty()
        await other.empty()
    assert errors == [database.refused[1]]
    assert database.groups == [{1: ["a "], 2: ["x "]}]
    assert [ring.stream_id for ring in rings] == [2]


async def test_a_closed_outbox_keeps_nobody_waiting(database: Database, writer: Writer):
    ours = outbox(1)
    ours.add("a ", 0)
    emptied = asyncio.create_task(ours.empty())
    await until(lambda: database.groups)
    ours.close()
    async with asyncio.timeout(PATIENCE):
        await emptied


async def test_a_write_that_breaks_its_commit_takes_no_other_along(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
):
    committed: list[str] = []

    def append(writes: list[log.Write]) -> list[None]:
        for write in writes:
            json.loads(write.texts[0])
        committed.extend(write.fence for write in writes)
        return [None for _ in writes]

    monkeypatch.setattr(log, "append", append)
    writes = [log.Write(n, f"{n}", 0, [text], [0]) for n, text in enumerate(["1", "", "2"])]
    outcomes = await asyncio.gather(*map(writer.append, writes), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        json.JSONDecodeError,
        type(None),
    ]
    assert committed == ["0", "2"]
