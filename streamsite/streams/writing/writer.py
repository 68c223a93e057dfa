"""The writer of an event loop: pieces that come during a commit share the next commit."""

import asyncio
from typing import Protocol

from .. import log
from ..instruments import COMMIT, PIECES_COMMITTED
from ..log.bell import Ring, bell
from ..log.database import PATIENCE, RETRY, in_database
from ..log.outages import AWAY, outage
from ..loops import PerLoop, start_apart

Outcome = Exception | None
Group = list[tuple["Sender", log.Write]]

# Writes in one commit. More would keep other work of the database thread waiting.
GROUP = 1000


class Sender(Protocol):
    """Has pieces of one stream for the next commit.

    While the database is away, the writer tries the pieces of a `patient` sender again for
    `PATIENCE` seconds. Any other sender gets the database's error at once.
    """

    stream_id: int
    patient: bool

    def take(self) -> log.Write | None:
        """Return what to commit, or None when there is nothing any more."""

    def settle(self, outcome: Outcome) -> None:
        """Note that the write was committed, or why not."""

    def drop(self) -> None:
        """Note that nobody knows whether the write was committed. The log knows."""


class Writer:
    """Commits in groups. No write waits for a timer: a single write is committed at once."""

    def __init__(self) -> None:
        self._waiting: list[Sender] = []
        # By sender whose pieces could not be committed: when that was so for the first time.
        self._failing: dict[Sender, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def put(self, sender: Sender) -> None:
        """Take the sender's pieces with the next commit, and tell the sender the outcome.

        The sender must not be put again before.
        """
        self._waiting.append(sender)
        if self._task is None or self._task.done():
            self._start()

    async def append(self, write: log.Write) -> None:
        """Commit pieces, and return afterwards. Raises StreamError when the log refuses them.

        Raises the database's error when the database is away: the pieces may be committed or not.
        When this call is cancelled, the pieces may be committed or not.
        """
        request = _Request(write)
        self.put(request)
        # Shielded, because the group commits the write even when this call is cancelled.
        error = await asyncio.shield(request.outcome)
        if error is not None:
            raise error

    def _start(self) -> None:
        self._task = start_apart(self._commit_all(), "streams-writer")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # An event loop that ends cancels all of its tasks, while producers still write what they
        # have. The next task is started here and not in `_commit_all`, because a task that is
        # cancelled before its first step never runs.
        if self._waiting and task is self._task:
            self._start()

    async def _commit_all(self) -> None:
        group: Group = []
        try:
            while self._waiting:
                group = self._next_group()
                began = self._loop.time()
                outcomes = await self._commit([write for _, write in group])
                COMMIT.observe(self._loop.time() - began)
                committed = [
                    write
                    for (_, write), outcome in zip(group, outcomes, strict=True)
                    if outcome is None and write.texts
                ]
                away = self._settle(group, outcomes)
                group = []
                PIECES_COMMITTED.inc(sum([len(write.texts) for write in committed]))
                bell().ring([Ring.of(write.stream_id, write.pieces) for write in committed])
                if away:
                    await asyncio.sleep(RETRY)
        except asyncio.CancelledError:
            for sender, _ in group:
                sender.drop()
            raise

    def _next_group(self) -> Group:
        """Return at most one write for each stream. The other senders wait for the next group."""
        group: dict[int, tuple[Sender, log.Write]] = {}
        waiting, self._waiting = self._waiting, []
        for sender in waiting:
            if sender.stream_id in group or len(group) == GROUP:
                self._waiting.append(sender)
            elif write := sender.take():
                group[sender.stream_id] = sender, write
            else:
                self._failing.pop(sender, None)
        return list(group.values())

    async def _commit(self, writes: list[log.Write]) -> list[Outcome]:
        try:
            return list(await in_database(log.append, writes))
        except Exception as error:  # noqa: BLE001 - each sender gets its error
            if len(writes) == 1 or isinstance(error, AWAY):
                return [error] * len(writes)
            # One write may have caused the error. Committed one by one, the others succeed.
            return [outcome for write in writes for outcome in await self._commit([write])]

    def _settle(self, group: Group, outcomes: list[Outcome]) -> bool:
        """Tell the senders their outcomes. Return whether some wait for a database that is away."""
        again: list[Sender] = []
        now = self._loop.time()
        for (sender, _), outcome in zip(group, outcomes, strict=True):
            if sender.patient and isinstance(outcome, AWAY):
                outage.tell(outcome)
                if now - self._failing.setdefault(sender, now) < PATIENCE:
                    again.append(sender)
                    continue
            self._failing.pop(sender, None)
            sender.settle(outcome)
        self._waiting += again
        return bool(again)


class _Request:
    """A call of `Writer.append`, whose client can repeat its request."""

    patient = False

    def __init__(self, write: log.Write) -> None:
        self.stream_id = write.stream_id
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._write = write

    def take(self) -> log.Write:
        return self._write

    def settle(self, outcome: Outcome) -> None:
        self.outcome.set_result(outcome)

    def drop(self) -> None:
        self.outcome.cancel()


writer = PerLoop(Writer)
