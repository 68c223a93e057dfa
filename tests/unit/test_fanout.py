"""The fan-out, with connections that take more when the test says so."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams import log
from streamsite.streams.http.outlets import BodyOutlet
from streamsite.streams.http.responses import RecordsResponse, begin, watch
from streamsite.streams.http.transports.encoding import Format
from streamsite.streams.instruments import Traffic
from streamsite.streams.models import Stream
from streamsite.streams.pieces import Cursor, End, Pieces, Record, Reset
from streamsite.streams.reading import backlog, fanout, following, tail
from streamsite.streams.reading.backlog import Backlog
from streamsite.streams.reading.fanout import Viewer
from streamsite.streams.reading.following import Follower
from streamsite.streams.reading.steps import resume, step
from streamsite.streams.reading.tail import Tail
from streamsite.streams.reading.tapes import Tape


def encode(record: Record) -> bytes:
    match record:
        case Pieces(texts=texts):
            return "".join(texts).encode()
        case Reset():
            return b"<"
    return b">"


FORMATS = [Format(encode, quiet=b"."), Format(encode, quiet=b"")]


class Connection:
    """A server's side of a connection, and what its client has read."""

    def __init__(self) -> None:
        self.read = b""
        self.takes_more = asyncio.Event()
        self.takes_more.set()
        self.error: Exception | None = None
        self.waiting = 0

    async def send(self, message: dict[str, Any]) -> None:
        self.waiting += 1
        assert self.waiting == 1, "a viewer has two messages in flight"
        try:
            await self.takes_more.wait()
        finally:
            self.waiting -= 1
        if self.error is not None:
            raise self.error
        self.read += message["body"]


class World:
    """A stream, in a log and in a tail that holds little, and its viewers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.stream = Stream(pk=1, name="stream")
        self.tail = Tail(self.stream)
        self.texts: list[str] = []
        self.counts: Counter[str] = Counter()
        self.traffic = Traffic()
        self.watching = 0
        self.backlog = Backlog()
        self.viewers: list[tuple[Viewer, Connection, int]] = []
        self.finished: list[Viewer] = []
        monkeypatch.setattr(fanout, "SLICE", 2)
        monkeypatch.setattr(tail, "TAIL_LENGTH", 3 * (tail.PIECE_LENGTH + 3))
        monkeypatch.setattr(following, "hub", lambda: self)
        monkeypatch.setattr(tail, "PART_LENGTH", 4)
        monkeypatch.setattr(backlog, "in_database_at_last", self.in_database)
        monkeypatch.setattr(following, "tape_of", self.tape_of)

    # As the hub.

    def count(self, _stream: Stream, transport: str, change: int) -> Traffic:
        self.counts[transport] += change
        return self.traffic

    def watch(self, _stream: Stream) -> Tail:
        self.watching += 1
        return self.tail

    def leave(self, _tail: Tail) -> None:
        self.watching -= 1

    # As the log.

    async def in_database(self, work: Any, _stream: Stream, n: int, most: int) -> Pieces:
        assert work is log.read
        await asyncio.sleep(0)
        # After its end, a stream is a recording.
        return Pieces(n, [] if self.tail.end else self.texts[n : n + min(most, 2)])

    async def tape_of(self, _stream: Stream) -> Tape:
        await asyncio.sleep(0)
        return Tape(log.Recording(self.stream, Pieces(0, self.texts), [0] * len(self.texts)))

    # What happens.

    def write(self, *texts: str) -> None:
        pieces = Pieces(len(self.texts), list(texts))
        self.texts += texts
        self.stream.pieces = len(self.texts)
        self.tail.add(pieces)

    def join(self, after: int = 0, encoding: int = 0) -> Connection:
        connection = Connection()
        reader = Follower(self.stream, Cursor(0, after), f"{encoding}")
        viewer = Viewer(
            reader,
            BodyOutlet(FORMATS[encoding].framed(), connection.send),
            lambda: self.finished.append(viewer),
        )
        viewer.pull()
        self.viewers.append((viewer, connection, after))
        return connection

    def end(self) -> None:
        self.tail.finish(End("done", len(self.texts), ""))


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch):
    return lambda: World(monkeypatch)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 3)),
        st.tuples(st.just("join"), st.integers(0, 100)),
        st.tuples(st.just("stall"), st.integers(0, 100)),
        st.tuples(st.just("go on"), st.integers(0, 100)),
        st.tuples(st.just("break"), st.integers(0, 100)),
        st.tuples(st.just("leave"), st.integers(0, 100)),
        st.tuples(st.just("quiet"), st.just(0)),
        st.tuples(st.just("turns"), st.integers(1, 8)),
    ),
    max_size=60,
)


@given(actions=ACTIONS)
def test_no_piece_is_lost_or_repeated_whenever_a_connection_takes_no_more(actions):
    with pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(live_through(actions, monkeypatch))


async def live_through(actions: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    gone: set[Viewer] = set()
    broken: set[Viewer] = set()
    for action, number in actions:
        viewer, connection, _ = (
            world.viewers[number % len(world.viewers)] if world.viewers else (None, None, 0)
        )
        match action:
            case "write":
                world.write(*(f"{len(world.texts) + i:03}" for i in range(number)))
            case "join":
                world.join(number % (len(world.texts) + 1), number % 2)
            case "quiet":
                world.tail.wake()
            case "turns":
                await turns(number)
            case "stall" if connection:
                connection.takes_more.clear()
            case "go on" if connection:
                connection.takes_more.set()
            case "break" if connection:
                connection.error = RuntimeError("gone")
                broken.add(viewer)
            case "leave" if viewer and viewer not in gone:
                gone.add(viewer)
                viewer.close()
    for _, connection, _ in world.viewers:
        connection.takes_more.set()
    await turns(200)
    before = [connection.read for _, connection, _ in world.viewers]
    world.end()
    await turns(200)
    for (viewer, connection, after), read_live in zip(world.viewers, before, strict=True):
        all_of_it = "".join(world.texts[after:]).encode()
        read = connection.read.replace(b".", b"")
        if viewer in broken:
            assert all_of_it.startswith(read.removesuffix(b">"))
            assert viewer in gone or viewer.error is not None or read == all_of_it + b">"
        elif viewer in gone:
            assert all_of_it.startswith(read)
        else:
            # The viewer has all pieces before the stream ends.
            assert read_live.replace(b".", b"") == all_of_it
            assert read == all_of_it + b">"
            assert viewer.error is None
        if viewer not in gone:
            assert world.finished.count(viewer) == 1
            viewer.close()
    assert world.watching == 0
    assert not +world.counts
    await turns()
    assert len(asyncio.all_tasks()) == 1


async def test_viewers_that_are_up_to_date_have_no_task(world):
    world = world()
    connections = [world.join() for _ in range(5)]
    await turns()
    world.write("one")
    await turns()
    assert [connection.read for connection in connections] == [b"one"] * 5
    assert len(asyncio.all_tasks()) == 1


async def test_a_batch_is_encoded_once_for_all_viewers_of_a_format(world, monkeypatch):
    world = world()
    encoded: list[Record] = []

    def noted(record: Record) -> bytes:
        encoded.append(record)
        return encode(record)

    monkeypatch.setitem(globals(), "FORMATS", [Format(noted), Format(encode)])
    connections = [world.join(0, number % 2) for number in range(6)]
    await turns()
    world.write("one")
    await turns()
    assert [connection.read for connection in connections] == [b"one"] * 6
    assert len(encoded) == 1


async def test_a_stalled_viewer_does_not_hold_up_the_others(world):
    world = world()
    stalled, other = world.join(), world.join()
    await turns()
    stalled.takes_more.clear()
    for text in ("one", "two", "six"):
        world.write(text)
        await turns()
    assert (stalled.read, other.read) == (b"", b"onetwosix")
    stalled.takes_more.set()
    await turns()
    assert stalled.read == b"onetwosix"
    world.write("ten")
    await turns()
    assert len(asyncio.all_tasks()) == 1, "the viewer is not back in the fan-out"
    assert stalled.read == other.read == b"onetwosixten"


async def test_other_work_gets_its_turn_between_the_viewers(world):
    world = world()
    connections = [world.join() for _ in range(10)]
    await turns()
    world.write("one")
    seen = []
    for _ in range(12):
        await asyncio.sleep(0)
        seen.append(sum(connection.read == b"one" for connection in connections))
    assert seen[0] < 10
    assert seen[-1] == 10


async def test_a_quiet_stream_gets_keep_alives_and_a_busy_one_does_not(world):
    world = world()
    chatty, silent = world.join(0, 0), world.join(0, 1)
    await turns()
    world.tail.wake()
    await turns()
    assert (chatty.read, silent.read) == (b".", b"")
    world.write("one")
    world.tail.wake()
    await turns()
    assert (chatty.read, silent.read) == (b".one", b"one")


async def test_a_round_that_is_woken_again_without_news_sends_no_keep_alive(world):
    world = world()
    connections = [world.join() for _ in range(3)]
    await turns()
    world.write("one")
    await asyncio.sleep(0)  # The round has served the first two viewers.
    world.tail.wake()
    await turns()
    assert [connection.read for connection in connections] == [b"one"] * 3


async def test_a_piece_that_came_while_viewers_were_pulling_costs_them_no_keep_alive(world):
    world = world()
    connection = world.join()
    world.write("one")
    await turns()
    assert connection.read == b"one"
    world.tail.wake()
    await turns()
    assert connection.read == b"one."


async def test_a_viewer_is_not_finished_while_its_last_message_is_under_way(world):
    world = world()
    gone_out = asyncio.Event()

    class Outlet(BodyOutlet):
        async def drained(self) -> None:
            await gone_out.wait()

    connection = Connection()
    viewer = Viewer(
        Follower(world.stream, Cursor(0, 0), "0"),
        Outlet(FORMATS[0].framed(), connection.send),
        lambda: world.finished.append(viewer),
    )
    world.write("one")
    world.end()
    viewer.pull()
    await turns()
    assert connection.read == b"one>"
    assert not world.finished
    gone_out.set()
    await turns()
    assert world.finished == [viewer]


# A coroutine that is begun by hand.


async def test_a_step_that_ends_needs_no_task():
    async def send() -> None:
        pass

    assert step(send()) is None


async def test_a_step_that_waits_goes_on_in_a_task():
    event, done = asyncio.Event(), []

    async def send() -> None:
        await event.wait()
        await asyncio.sleep(0)
        done.append(asyncio.current_task())

    rest = step(send())
    task = asyncio.ensure_future(rest)
    await turns()
    assert not done
    event.set()
    await task
    assert done == [task]


async def test_a_cancelled_rest_cancels_the_coroutine():
    cleaned = []

    async def send() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            cleaned.append(True)
            raise

    task = asyncio.ensure_future(step(send()))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [True]


async def test_an_error_of_the_rest_is_raised_where_it_is_awaited():
    event = asyncio.Event()

    async def send() -> None:
        await event.wait()
        raise ConnectionResetError

    begun = send()
    rest = resume(begun, begun.send(None))
    event.set()
    with pytest.raises(ConnectionResetError):
        await rest


# A response's two ways to a viewer.


class Wanted:
    """A request for a stream that has ended."""

    def __init__(self, world: World) -> None:
        self._world = world

    def reader(self, transport: str) -> Follower:
        return Follower(self._world.stream, Cursor(), transport)

    admission = None

    def watched(self, transport: str) -> Any:
        return following.follow(self._world.stream, transport=transport)


async def test_djangos_handler_and_the_fan_out_send_the_same_bytes(world):
    world = world()
    world.write("one", "two")
    body_format = Format(encode, before=b"(", quiet=b".")

    def response() -> RecordsResponse:
        return RecordsResponse(Wanted(world), "sse", body_format, content_type="text/plain")

    async def by_django() -> bytes:
        return b"".join([part async for part in response()])

    connection = Connection()

    async def by_the_fan_out() -> bool:
        reader, outlet = await begin(response(), {}, connection.send)
        return await watch(reader, outlet, asyncio.Event().wait)

    reading = asyncio.gather(by_django(), by_the_fan_out())
    await turns()
    world.write("six")
    await turns()
    world.end()
    read, ended = await reading
    assert read == connection.read == b"(onetwosix>"
    assert ended
    assert world.watching == 0
    assert not +world.counts
