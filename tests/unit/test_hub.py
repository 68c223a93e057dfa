"""A process's tails, on a channel layer that answers when the test says so."""

import asyncio
import time
import weakref
from typing import Any

import pytest

from streamsite.streams import log
from streamsite.streams.log import bell, listeners
from streamsite.streams.log.silence import Silence
from streamsite.streams.models import Stream
from streamsite.streams.pieces import End, Pieces
from streamsite.streams.reading import hub as hubs
from streamsite.streams.reading import presence
from streamsite.streams.reading.hub import Hub
from streamsite.streams.reading.tail import TAIL_LENGTH, Tail


class Layer:
    """A channel layer."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.joins = asyncio.Event()
        self.groups: set[str] = set()
        self.asked: list[str] = []
        self.heartbeats = 0

    def reap(self) -> list[int]:
        self.heartbeats += 1
        return []

    async def new_channel(self, prefix: str) -> str:
        await self.there.wait()
        return prefix

    async def receive(self, _channel: str) -> dict[str, Any]:
        return await asyncio.Future()

    async def group_send(self, _group: str, _message: dict[str, Any]) -> None:
        pass

    async def group_add(self, group: str, _channel: str) -> None:
        if group == listeners.GROUP:
            return  # Where the process announces its streams.
        self.asked.append(group)
        await self.joins.wait()
        self.groups.add(group)

    async def group_discard(self, group: str, _channel: str) -> None:
        self.groups.remove(group)


@pytest.fixture
async def layer(monkeypatch) -> Layer:
    """One that this process's hub has, beside a database in which each stream has three pieces."""
    layer = Layer()

    async def in_database(work: Any, *arguments: Any) -> Any:
        return {
            log.reap: layer.reap,
            log.standing: lambda ids: {pk: stream(pk, 3) for pk in ids},
            log.read: lambda _stream, n, _most: Pieces(n, ["a", "b", "c"][n:]),
            presence.tell_watches: lambda *_: None,
        }[work](*arguments)

    monkeypatch.setattr(bell, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(bell, "GROUP_TIMEOUT", 60)  # The machine may be busy.
    monkeypatch.setattr(hubs, "in_database", in_database)
    monkeypatch.setattr(hubs, "HEARTBEAT", 0.01)
    return layer


def stream(pk: int, pieces: int = 0) -> Stream:
    return Stream(pk=pk, name=f"{pk}", pieces=pieces)


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def some_heartbeats(layer: Layer) -> None:
    enough = layer.heartbeats + 3
    await until(lambda: layer.heartbeats == enough)


async def test_who_leaves_while_its_process_joins_leaves_no_subscription(layer: Layer):
    layer.there.set()
    hub = Hub()
    left = [hub.watch(stream(pk)) for pk in (1, 2)]
    stays = hub.watch(stream(3))
    await until(lambda: len(layer.asked) == 3)
    for tail in left:
        hub.leave(tail)
    layer.joins.set()
    await until(lambda: stays.joined)
    await until(lambda: not any(tail.joining or tail.joined for tail in left))
    assert layer.groups == {"streams.3"}


async def test_readers_who_come_and_go_while_the_layer_is_away_leave_nothing_behind(
    layer: Layer, monkeypatch
):
    monkeypatch.setattr(bell, "GROUP_TIMEOUT", 0.1)
    hub = Hub()
    hub.leave(hub.watch(stream(1)))
    await asyncio.sleep(0)
    before = len(asyncio.all_tasks())
    for pk in range(2, 100):
        hub.leave(hub.watch(stream(pk)))
    stays = hub.watch(stream(100))
    await until(lambda: stays.count == 3)
    await some_heartbeats(layer)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    layer.joins.set()
    layer.there.set()
    await until(lambda: stays.joined)
    assert layer.groups == {"streams.100"}


async def test_a_layer_that_is_away_is_one_line_in_the_log_for_all_streams(
    layer: Layer, monkeypatch, caplog
):
    async def group_add(group: str, _channel: str) -> None:
        layer.asked.append(group)
        raise ConnectionError

    monkeypatch.setattr(layer, "group_add", group_add)
    monkeypatch.setattr(hubs, "HEARTBEAT", 60)
    layer.there.set()
    hub = Hub()
    tails = [hub.watch(stream(pk)) for pk in range(5)]
    await until(lambda: layer.asked and not any(tail.joining for tail in tails))
    assert caplog.text.count("The channel layer does not answer (ConnectionError())") == 1


@pytest.mark.parametrize(("late", "counts"), [(0.1, True), (60, False)])
async def test_a_pause_of_the_process_counts_as_an_outage_of_the_producers(
    layer: Layer, monkeypatch, late: float, counts: bool
):
    monkeypatch.setattr(hubs, "silence", silence := Silence())
    monkeypatch.setattr(hubs, "LATE", late)
    monkeypatch.setattr(hubs, "KEEP_ALIVE", 0.01)
    layer.there.set()
    hub = Hub()
    tail = hub.watch(stream(1))
    await until(lambda: tail.count == 3)
    time.sleep(0.3)  # noqa: ASYNC251 - the pause
    await some_heartbeats(layer)
    assert silence.steady(60) is not counts


async def test_a_layer_that_does_not_answer_is_asked_once(layer: Layer):
    layer.there.set()
    hub = Hub()
    tail = hub.watch(stream(1))
    await until(lambda: tail.count == 3)
    await some_heartbeats(layer)
    assert layer.asked == ["streams.1"]


async def test_a_reader_who_was_told_of_more_pieces_need_not_wait_for_a_heartbeat(
    layer: Layer, monkeypatch
):
    monkeypatch.setattr(hubs, "HEARTBEAT", 3600)
    hub = Hub()
    hub.watch(stream(1))
    await until(lambda: hub._tails[1].count == 3)
    hub._tails[1].count = 0  # As one is that heard no ring since.
    tail = hub.watch(stream(1, 3))
    await until(lambda: tail.count == 3)


async def test_a_tail_of_small_pieces_is_bounded_too_and_has_what_all_wait_for():
    tail = Tail(stream(1))
    for n in range(100_000):
        tail.add(Pieces(n, ["."]))
    kept = sum(len(pieces.texts) for pieces in tail._recent)
    assert 100 < kept < 10_000
    tail.add(Pieces(100_000, ["." * TAIL_LENGTH]))
    assert tail.since(100_000)[0].texts == ["." * TAIL_LENGTH]
    assert tail.since(99_998) is None


async def test_who_waits_for_the_end_is_woken_by_the_end_alone(layer: Layer):
    layer.there.set()
    layer.joins.set()
    tail = Hub().watch(stream(1))
    await until(lambda: tail.count == 3)
    ending = [tail.ending(), tail.ending()]
    ending[0].cancel()
    tail.add(Pieces(3, ["d"]))
    assert not ending[1].done()
    end = End("done", 4, "")
    tail.finish(end)
    assert await ending[1] is end
    assert await tail.ending() is end


async def test_who_gives_up_waiting_for_the_end_leaves_nothing_behind():
    tail = Tail(stream(1))
    ending = tail.ending()
    left = weakref.ref(ending)
    ending.cancel()
    del ending
    await until(lambda: left() is None)
