"""What a process does between the signal to end and its end."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from streamsite.streams.errors import Restarting
from streamsite.streams.http import draining as module
from streamsite.streams.http.draining import SERVICE_RESTART, Draining
from streamsite.streams.writing import sources


class Socket:
    """A WebSocket whose client answers the close frame, or never does."""

    def __init__(self, draining: Draining, *, answers: bool = True) -> None:
        self.draining = draining
        self.answers = answers
        self.silent = False
        self.closed: int | None = None
        draining.sockets.add(self)

    def stop_sending(self) -> None:
        self.silent = True

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        assert reason == Restarting().detail
        self.closed = code
        if self.answers:
            self.draining.sockets.discard(self)


class Process:
    """A process with a handler of SIGTERM, as a server has one."""

    def __init__(self) -> None:
        self.draining = Draining()
        self.ended = asyncio.Event()
        self.order: list[str] = []

    def handler(self, number: int, frame: object) -> None:
        self.order.append("end")
        self.ended.set()

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        os.kill(os.getpid(), number)

    async def wait(self) -> None:
        async with asyncio.timeout(60):
            await self.ended.wait()

    def serve(self, work: Callable[[], object], *, body: bool = False) -> asyncio.Task[None]:
        """Serve a request until `work` returns."""

        async def request() -> None:
            try:
                await work()
            finally:
                self.draining.forget(task)

        task = asyncio.create_task(request())
        self.draining.requests.add(task)
        if body:
            self.draining.bodies.add(task)
        return task


@pytest.fixture(autouse=True)
def sources_open_again(monkeypatch):
    """Let later tests of this process start sources, which the end of a process closes for good."""
    monkeypatch.setattr(sources, "_closed", False)


@pytest.fixture
async def process(settings):
    settings.STREAM_GRACE = 600
    process = Process()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, process.handler)
    process.draining.watch()
    yield process
    for number, handler in before.items():
        signal.signal(number, handler)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_process_that_nobody_watches_ends_at_once(process: Process):
    process.draining.refuse()
    process.tell()
    await process.wait()
    with pytest.raises(Restarting) as refused:
        process.draining.refuse()
    assert (refused.value.status, refused.value.close_code) == (503, 4503)
    assert refused.value.retry_after == 1


async def test_what_is_open_goes_on_and_the_process_ends_after_it(process: Process):
    go_on = asyncio.Event()
    request = process.serve(go_on.wait)
    process.tell()
    while not process.draining.begun:
        await asyncio.sleep(0)
    with pytest.raises(Restarting):
        process.draining.refuse()
    assert not request.done()
    assert not process.ended.is_set()
    go_on.set()
    await process.wait()
    assert request.done()
    assert not request.cancelled()


async def test_at_the_end_of_the_grace_each_kind_of_viewer_learns_it_in_its_way(
    process: Process, settings
):
    settings.STREAM_GRACE = 0
    socket = Socket(process.draining)
    body = process.serve(for_ever, body=True)
    polled: list[str] = []

    async def poll() -> None:
        try:
            async with process.draining.waiting(600):
                await for_ever()
        except TimeoutError:
            polled.append("no pieces")

    process.serve(poll)
    await asyncio.sleep(0)
    process.tell()
    await process.wait()
    assert (socket.silent, socket.closed) == (True, SERVICE_RESTART)
    assert body.cancelled()
    assert polled == ["no pieces"]


async def test_a_second_signal_ends_the_grace_and_the_third_the_process(process: Process):
    process.serve(for_ever, body=True)
    process.tell()
    while not process.draining.begun:
        await asyncio.sleep(0)
    assert not process.ended.is_set()
    process.tell(signal.SIGINT)
    await process.wait()
    process.ended.clear()
    process.tell()
    await process.wait()


async def test_ctrl_c_waits_for_no_grace(process: Process):
    body = process.serve(for_ever, body=True)
    process.tell(signal.SIGINT)
    await process.wait()
    assert body.cancelled()


async def test_clients_that_do_not_answer_keep_no_process_from_its_end(
    process: Process, settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "CLOSING", 0.1)
    settings.STREAM_GRACE = 0
    socket = Socket(process.draining, answers=False)
    stuck = process.serve(for_ever)
    process.tell()
    await process.wait()
    assert socket.closed == SERVICE_RESTART
    await asyncio.wait([stuck])
    assert stuck.cancelled()


async def test_a_wait_ends_by_its_own_time_too(process: Process):
    with pytest.raises(TimeoutError):
        async with process.draining.waiting(0.01):
            await for_ever()
    async with process.draining.waiting(None):
        pass


async def test_with_debug_and_for_handlers_of_nobody_the_signals_stay_as_they_are(settings):
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Draining().watch()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    process = Process()
    signal.signal(signal.SIGTERM, process.handler)
    try:
        settings.DEBUG = True
        Draining().watch()
        assert signal.getsignal(signal.SIGTERM) == process.handler
        settings.DEBUG = False
        await asyncio.to_thread(Draining().watch)  # Only the main thread may set handlers.
        assert signal.getsignal(signal.SIGTERM) == process.handler
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
