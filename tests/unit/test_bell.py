"""The bell, on a channel layer that answers when the test says so."""

import asyncio
from collections import defaultdict
from itertools import count
from typing import Any

import pytest

from streamsite.streams import log
from streamsite.streams.log import bell as bells
from streamsite.streams.log import listeners
from streamsite.streams.log.bell import RING_LENGTH, Bell, Ring, bell
from streamsite.streams.log.ending import ring_ends
from streamsite.streams.log.listeners import Listeners
from streamsite.streams.models import Stream
from streamsite.streams.pieces import End, Pieces
from streamsite.streams.writing import writer
from streamsite.streams.writing.writer import Writer

PATIENCE = 30


class Layer:
    """A channel layer that sends while it is `open`, and gives out what stands in `messages`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.groups: set[str] = set()
        self.trying = asyncio.Event()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def group_send(self, _group: str, message: dict[str, Any]) -> None:
        self.trying.set()
        await self.open.wait()
        self.sent.append(message)

    async def new_channel(self, prefix: str) -> str:
        return prefix

    async def group_add(self, group: str, _channel: str) -> None:
        self.groups.add(group)

    async def receive(self, _channel: str) -> dict[str, Any]:
        return await self.messages.get()


@pytest.fixture
async def layer(monkeypatch) -> Layer:
    layer = Layer()
    monkeypatch.setattr(bells, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(bells, "RING_TIMEOUT", PATIENCE)
    return layer


async def test_a_channel_layer_that_hangs_does_not_hold_up_the_next_commit(
    layer: Layer, monkeypatch
):
    async def commit(_append: Any, writes: list[log.Write]) -> list[None]:
        return [None for _ in writes]

    monkeypatch.setattr(writer, "in_database", commit)
    ours = Writer()
    async with asyncio.timeout(PATIENCE):
        for n in range(20):
            await ours.append(log.Write(7, "fence", n, [f"{n} "], [0]))
        await layer.trying.wait()
        assert layer.sent == []
        layer.open.set()
        await bell().sent()
    first, others = layer.sent
    assert (first["first"], first["texts"]) == (0, ["0 "])
    assert (others["first"], others["texts"]) == (1, [f"{n} " for n in range(1, 20)])


async def test_an_end_is_sent_before_a_command_that_ends_its_loop(layer: Layer):
    layer.open.set()
    ours = Bell()
    ours.ring([Ring.of(7, Pieces(3, ()), End("done", 3, "hash"))])
    await ours.sent()
    assert [message["end"] for message in layer.sent] == [["done", 3, "hash", ""]]


async def test_rings_that_are_lost_together_are_one_line_in_the_log(
    layer: Layer, monkeypatch, caplog
):
    monkeypatch.setattr(bells, "RING_TIMEOUT", 0.01)
    ours = Bell()
    ours.ring([Ring.of(pk, Pieces(3, ()), End("done", 3, "hash")) for pk in range(20)])
    await ours.sent()
    assert layer.sent == []
    assert caplog.text.count("Rings are lost (TimeoutError())") == 1


def test_rings_that_wait_together_become_one():
    first = Ring(7, 2, Pieces(0, ["a", "b"]), None)
    second = Ring(7, 3, Pieces(2, ["c"]), End("done", 3, "hash"))
    assert second.after(first) == Ring(7, 3, Pieces(0, ["a", "b", "c"]), End("done", 3, "hash"))


async def test_values_stay_values_when_their_ring_waits_until_the_end(layer: Layer):
    """The ring of an end has no pieces, and waits together with the ring of the last value."""
    stream = Stream(pk=7, name="n", format="json", state="done", pieces=1, sha256="hash")
    heard: list[Ring] = []
    bell().hear = heard.append
    bell().ring([Ring.of(7, Pieces(0, ['{"a":1}\n'], format="json"))])
    ring_ends([stream])
    first, last = heard
    assert last.after(first).pieces == Pieces(0, ['{"a":1}\n'], format="json")


@pytest.mark.parametrize(
    "earlier",
    [
        Ring(7, 2, None, None),
        Ring(7, 1, Pieces(0, ["a"]), None),
        Ring(7, 2, Pieces(0, ["a", "b" * RING_LENGTH]), None),
    ],
    ids=["had-none", "leaves-a-gap", "is-too-large"],
)
def test_a_ring_carries_no_pieces_where_they_would_not_fit_together(earlier: Ring):
    assert Ring(7, 3, Pieces(2, ["c"]), None).after(earlier) == Ring(7, 3, None, None)


async def test_a_message_of_another_version_does_not_end_listening(layer: Layer):
    for message in ({"type": "other"}, {"process": "x", "stream": 7}, {"process": "x", "texts": 3}):
        layer.messages.put_nowait(message)
    layer.messages.put_nowait(
        {**Ring(7, 1, Pieces(0, ["a"]), None).message(), "process": "another"}
    )
    async with asyncio.timeout(PATIENCE):
        assert await Bell().next_ring() == Ring(7, 1, Pieces(0, ["a"]), None)


def test_rings_of_the_version_before_are_heard():
    ring = Ring(7, 1, Pieces(0, ["a"]), End("done", 1, "", ""))
    message = ring.message()
    del message["revision"]
    assert Ring.from_message(message) == ring


# Listeners in other processes.


class Network:
    """Channel layers of several processes, which drop the messages to a process that is `cut`."""

    def __init__(self) -> None:
        self.groups: dict[str, set[str]] = defaultdict(set)
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.cut: set[str] = set()
        self.numbers = count()

    async def new_channel(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers)}"

    async def group_add(self, group: str, channel: str) -> None:
        self.groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.groups[group].discard(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.sent.append((group, message))
        for channel in self.groups[group] - self.cut:
            self.queues[channel].put_nowait(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self.queues[channel].get()

    def rings(self) -> list[int]:
        """Return how many pieces the rings told of that were sent since the last call."""
        told = [message["n"] for _, message in self.sent if message["type"] == "streams.ring"]
        self.sent.clear()
        return told


class Process:
    """A process: its bell, and the rings that it hears."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.heard: list[Ring] = []

    async def run(self) -> None:
        while True:
            self.heard.append(await self.bell.next_ring())


class World:
    """Two processes, whose time goes on when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.network = Network()
        self.now = 1000.0
        monkeypatch.setattr(bells, "get_channel_layer", lambda: self.network)
        monkeypatch.setattr(bells, "INTERVAL", 3600)  # The test announces.
        monkeypatch.setattr(bells, "bell", [])

    def process(self, name: str) -> Process:
        process = Process()
        process.bell.process = lambda: name
        process.bell._listeners = Listeners(lambda: self.now)
        return process

    async def let(self, work: Any) -> None:
        """Let a process do something, and every process hear of it."""
        await work
        for _ in range(10):
            await asyncio.sleep(0)

    async def ring(self, process: Process, n: int) -> list[int]:
        async def ring() -> None:
            process.bell.ring([Ring.of(7, Pieces(n - 1, ["a"]))])

        await self.let(ring())
        return self.network.rings()

    async def pass_time(self, *processes: Process) -> None:
        """Let so much time pass that each process announces its streams four times."""
        for _ in range(4):
            self.now += listeners.INTERVAL
            for process in processes:
                await self.let(process.bell._announce(process.bell._joined))


@pytest.fixture
async def world(monkeypatch) -> World:
    return World(monkeypatch)


async def writer_and_reader(world: World) -> tuple[Process, Process]:
    """Return a process that writes stream 7, and another; both hear what is announced."""
    processes = world.process("writer"), world.process("reader")
    for process in processes:
        await world.let(process.bell._open())
        process.task = asyncio.create_task(process.run())  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    world.network.sent.clear()
    return processes


async def test_rings_are_sent_until_a_process_knows_that_nobody_listens(world: World):
    writer, reader = await writer_and_reader(world)
    assert await world.ring(writer, 1) == [1]
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 2) == []


async def test_a_listener_hears_each_ring_from_the_moment_at_which_it_joins(world: World):
    writer, reader = await writer_and_reader(world)
    await world.pass_time(writer, reader)
    await world.ring(writer, 1)
    assert reader.heard == []
    await world.let(reader.bell.join(7))
    # The ring that nobody was there to hear: a piece committed while the reader joined.
    assert reader.heard == [Ring(7, 1, None, None)]
    await world.ring(writer, 2)
    assert reader.heard[1:] == [Ring(7, 2, Pieces(1, ["a"]), None)]
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 3) == [3]


async def test_rings_end_some_time_after_the_last_listener_has_left(world: World):
    writer, reader = await writer_and_reader(world)
    await world.let(reader.bell.join(7))
    await world.pass_time(writer, reader)
    await world.let(reader.bell.leave(7))
    assert await world.ring(writer, 1) == [1]
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 2) == []


async def test_a_process_that_hears_nothing_sends_all_rings(world: World):
    writer, reader = await writer_and_reader(world)
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 1) == []
    world.network.cut.add(writer.bell._channel)  # As when the layer has lost its groups.
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 2) == [2]
    world.network.cut.clear()
    await world.let(writer.bell._announce([]))
    # It may have missed announcements.
    assert await world.ring(writer, 3) == [3]
    await world.pass_time(writer, reader)
    assert await world.ring(writer, 4) == []


async def test_the_end_of_a_stream_is_always_sent(world: World):
    writer, reader = await writer_and_reader(world)
    await world.pass_time(writer, reader)

    async def end() -> None:
        writer.bell.ring([Ring.of(7, Pieces(3, ()), End("done", 3, "hash"))])

    await world.let(end())
    assert world.network.rings() == [3]
