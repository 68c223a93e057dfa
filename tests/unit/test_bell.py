"""The bell, on a channel layer that answers when the test says so."""

import asyncio
from typing import Any

import pytest

from streamsite.streams import log
from streamsite.streams.log import bell as bells
from streamsite.streams.log.bell import RING_LENGTH, Bell, Ring, bell
from streamsite.streams.log.ending import ring_ends
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
        self.trying = asyncio.Event()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def group_send(self, _group: str, message: dict[str, Any]) -> None:
        self.trying.set()
        await self.open.wait()
        self.sent.append(message)

    async def new_channel(self, prefix: str) -> str:
        return prefix

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

    monkeypatch.setattr(writer, "in_database_once_there", commit)
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
