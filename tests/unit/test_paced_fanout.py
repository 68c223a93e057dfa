"""The paced fan-out, in an event loop whose clock jumps to the next timer."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsite.streams import log
from streamsite.streams.instruments import Traffic
from streamsite.streams.models import Stream
from streamsite.streams.pieces import Batch, Cursor, Pieces
from streamsite.streams.reading import paced_fanout, playing
from streamsite.streams.reading.fanout import Viewer
from streamsite.streams.reading.pace import TICK
from streamsite.streams.reading.playing import Player
from streamsite.streams.reading.tapes import Pace, Tape

TEXTS = [f"{n:03}" for n in range(12)]
# Milliseconds. Two pieces come together, and one after a long silence.
TIMES = [0, 40, 40, 95, 100, 300, 310, 320, 25_000, 25_001, 25_002, 25_100]
STREAM = Stream(pk=1, name="stream", state=Stream.State.DONE, pieces=len(TEXTS))
TAPE = Tape(log.Recording(STREAM, Pieces(0, TEXTS), TIMES))
# Seconds until the next tick, at most. Sums of fractions are not exact.
NEXT_TICK = TICK + 1e-6
PACES: list[Pace] = ["recorded", 0.1, 0.03, 0.0137, 3]


class VirtualClock(asyncio.SelectorEventLoop):
    """An event loop in which no time passes but until the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.select, self._selector.select = self._selector.select, self._pass

    def time(self) -> float:
        return self.now

    def _pass(self, timeout: float | None) -> Any:
        self.now += timeout or 0
        return self.select(0)


class Connection:
    """A viewer's outlet, and what its client has read: the moments and the messages."""

    def __init__(self) -> None:
        self.read: list[tuple[float, str]] = []
        self.takes_more = asyncio.Event()
        self.takes_more.set()
        self.error: Exception | None = None

    # One function for all viewers, as the fan-out compares by identity.
    @staticmethod
    def encode(batch: Batch) -> str:
        ENCODED.update([batch[0].first] if batch and isinstance(batch[0], Pieces) else [])
        return "".join(
            "".join(record.texts) if isinstance(record, Pieces) else ">" for record in batch
        )

    def write(self, message: str) -> bool:
        if self.error is not None:
            raise self.error
        self.read.append((asyncio.get_running_loop().time(), message))
        return self.takes_more.is_set()

    async def drained(self) -> None:
        await self.takes_more.wait()

    @property
    def text(self) -> str:
        return "".join(message for _, message in self.read)


# How often a message was made that begins with this piece.
ENCODED: Counter[int] = Counter()


class World:
    """A finished stream and its viewers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.watching = 0
        self.traffic = Traffic()
        self.finished: list[Viewer] = []
        monkeypatch.setattr(paced_fanout, "SLICE", 3)
        monkeypatch.setattr(playing, "hub", lambda: self)
        monkeypatch.setattr(playing, "tape_of", self.tape_of)
        ENCODED.clear()

    async def tape_of(self, _stream: Stream) -> Tape:
        return TAPE

    def count(self, _stream: Stream, _transport: str, change: int) -> Traffic:
        self.watching += change
        return self.traffic

    def join(self, every: Pace, after: int = 0) -> tuple[Viewer, Connection]:
        connection = Connection()
        viewer = Viewer(
            Player(STREAM, every, Cursor(0, after), "events"),
            connection,
            lambda: self.finished.append(viewer),
        )
        viewer.pull()
        return viewer, connection


def run(scenario: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:

        async def main() -> None:
            await scenario(World(monkeypatch))

        with asyncio.Runner(loop_factory=VirtualClock) as runner:
            runner.run(main())


def moments(every: Pace, after: int) -> list[float]:
    """Return when the pieces from number `after` on are due, in seconds after the first one."""
    offsets = [time / 1000 for time in TIMES] if every == "recorded" else None
    return [
        offsets[n] - offsets[after] if offsets else (n - after) * every
        for n in range(after, len(TEXTS))
    ]


def check(connection: Connection, every: Pace, after: int, *, late: bool) -> None:
    """Check that each piece came once and not too early, and, unless `late`, not too late."""
    assert connection.text == "".join(TEXTS[after:]) + ">"
    due = iter(moments(every, after))
    # A reader begins at the last tick.
    began = connection.read[0][0]
    for at, message in connection.read:
        for _ in range(len(message.rstrip(">")) // 3):
            passed, expected = at - began, next(due)
            assert passed > expected - NEXT_TICK
            assert late or passed < expected + NEXT_TICK
    # The end comes with the last piece.
    last = max(moments(every, after), default=0)
    assert late or connection.read[-1][0] - began < last + NEXT_TICK


VIEWERS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 10, 13, 30, 100]), st.sampled_from(PACES), st.integers(0, len(TEXTS))
    ),
    min_size=4,
    max_size=12,
)
# Milliseconds after the last thing that happened, what happens, and to which viewer.
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 400), st.sampled_from(["stall", "go on", "leave", "break"]), st.integers(0)
    ),
    max_size=6,
)


@settings(max_examples=300)
@given(viewers=VIEWERS, events=EVENTS)
def test_each_viewer_gets_each_piece_once_and_when_it_is_due(viewers, events):
    async def scenario(world: World) -> None:
        joined, gone, broken, stalled = [], set(), set(), set()
        for wait, every, after in viewers:
            await asyncio.sleep(wait / 1000)
            joined.append((*world.join(every, after), every, after))
        for wait, what, number in events:
            await asyncio.sleep(wait / 1000)
            viewer, connection, *_ = joined[number % len(joined)]
            match what:
                case "stall":
                    connection.takes_more.clear()
                    stalled.add(viewer)
                case "go on":
                    connection.takes_more.set()
                case "leave" if viewer not in gone:
                    gone.add(viewer)
                    viewer.close()
                case "break":
                    broken.add(viewer)
                    connection.error = RuntimeError("gone")
        for _, connection, *_ in joined:
            connection.takes_more.set()
        await asyncio.sleep(60)
        for viewer, connection, every, after in joined:
            if viewer in gone or (viewer in broken and viewer.error):
                assert ("".join(TEXTS[after:]) + ">").startswith(connection.text)
            else:
                check(connection, every, after, late=viewer in stalled)
            if viewer not in gone:
                assert world.finished.count(viewer) == 1
                viewer.close()
        assert world.watching == 0
        assert len(asyncio.all_tasks()) == 1
        assert not playing.paced_fanout()._waiting
        got = sum(len(connection.text.rstrip(">")) // 3 for _, connection, *_ in joined)
        lost = sum(viewer.error is not None for viewer, *_ in joined)
        assert got <= world.traffic.pieces <= got + 12 * lost

    run(scenario)


def test_viewers_who_began_together_share_one_message_and_need_no_task():
    async def scenario(world: World) -> None:
        joined = [world.join(0.1) for _ in range(3)]
        await asyncio.sleep(0.45)
        assert [connection.text for _, connection in joined] == ["000001002003004"] * 3
        assert [ENCODED[n] for n in range(1, 5)] == [1] * 4
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


def test_viewers_of_different_paces_do_not_share_a_message():
    async def scenario(world: World) -> None:
        _, slow = world.join(0.2)
        await asyncio.sleep(0.1)
        _, fast = world.join(0.1)
        await asyncio.sleep(0.25)
        # Both got piece 1 at the same tick.
        assert (slow.text, fast.text) == ("000001", "000001002")
        await asyncio.sleep(0.1)
        assert (slow.text, fast.text) == ("000001002", "000001002003")

    run(scenario)


def test_other_work_gets_its_turn_between_the_viewers():
    async def scenario(world: World) -> None:
        joined = [world.join(0.1) for _ in range(9)]
        await asyncio.sleep(0.1)
        seen = []
        for _ in range(5):
            seen.append(sum(len(connection.read) == 2 for _, connection in joined))
            await asyncio.sleep(0)
        assert seen == [3, 6, 9, 9, 9]

    run(scenario)


def test_a_long_silence_is_filled_with_keep_alives():
    async def scenario(world: World) -> None:
        _, connection = world.join("recorded", 6)
        await asyncio.sleep(24)
        assert [message for _, message in connection.read] == ["006", "007", "", ""]
        await asyncio.sleep(2)
        assert connection.text == "".join(TEXTS[6:]) + ">"

    run(scenario)
