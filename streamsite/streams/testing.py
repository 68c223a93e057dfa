"""Helpers for the tests of a project that streams, with `manage.py test` and with pytest-django.

In a server, the engine has a thread and a database connection of its own. In a test, that
connection would not see the rows of the test's transaction, would wait for the locks of the test on
SQLite, and would keep PostgreSQL from dropping the test database. Inside `isolated` the engine
therefore works as Django's asynchronous ORM does: in the thread of the test, and on the test's own
connection.

- unittest: `StreamsMixin`, in front of any test case of Django.
- pytest: the fixture `streams`, of the plugin `streamsite.streams.testing_plugin`.
- Both: `read` and `aread` read a stream to its end, and `finish_sources` waits for sources.

`isolation` has the event loops, and `desks` the threads.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import TestCase, TestResult

from .isolation import WITHIN, end, in_event_loop, isolated
from .models import Stream
from .pieces import End, Pieces, Reset
from .reading.following import follow
from .writing import sources
from .writing.background import in_background

__all__ = ["Reading", "StreamsMixin", "aread", "finish_sources", "isolated", "read"]

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object


class StreamsMixin(Base):
    """A mixin that isolates the engine in each test of a test case: see `isolated`.

        class AnswerTests(StreamsMixin, TestCase):
            async def test_an_answer_is_streamed(self):
                response = await self.async_client.get("/ask", {"question": "why"})
                stream = response.context["stream"]
                self.assertEqual((await aread(stream.name)).text, "You asked: why")

    Put the mixin in front of TestCase, TransactionTestCase or LiveServerTestCase.
    """

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(isolated())
        super().setUpClass()

    def run(self, result: TestResult | None = None) -> TestResult | None:
        try:
            return super().run(result)
        finally:
            end()


@dataclass(frozen=True, slots=True)
class Reading:
    """A stream, read to its end.

    `pieces` are texts, or the values of a stream of JSON. `text` is the text that `sha256` is of.
    """

    pieces: list[Any]
    text: str
    end: End


def read(name: str | Stream, *, within: float = WITHIN) -> Reading:
    """Follow a stream to its end, and return its pieces and its end.

        found = read("build")
        found.text         # "one two"
        found.pieces       # ["one ", "two"], or the values of a stream of JSON
        found.end.state    # "done"
        found.end.reason   # ""

    Raises NoSuchStream, AssertionError when the stream has not ended within `within` seconds, and
    RuntimeError in asynchronous code, where `await aread(name)` does the same.
    """
    if in_event_loop():
        raise RuntimeError("read() can't wait in asynchronous code. Use `await aread(…)`.")
    return in_background(aread(name, within=within))


async def aread(name: str | Stream, *, within: float = WITHIN) -> Reading:
    """Follow a stream to its end, and return its pieces and its end, as `read` does."""
    pieces: list[Any] = []
    texts: list[str] = []
    try:
        async with asyncio.timeout(within), aclosing(follow(name)) as batches:
            async for batch in batches:
                for record in batch:
                    match record:
                        case Pieces():
                            pieces += record.values
                            texts += record.texts
                        case Reset():
                            pieces.clear()
                            texts.clear()
                        case End():
                            return Reading(pieces, "".join(texts), record)
    except TimeoutError:
        pass
    raise AssertionError(
        f"Stream {getattr(name, 'name', name)!r} has not ended within {within:g} s. "
        f"The pieces so far: {len(pieces)}, the last of them {pieces[-3:]}."
    )


async def finish_sources(*, within: float = WITHIN) -> None:
    """Wait until all sources that `start` runs in this event loop have ended.

    Raises AssertionError when a source has not ended within `within` seconds.
    """
    tasks = sources.running()
    if tasks and (late := (await asyncio.wait(tasks, timeout=within))[1]):
        raise AssertionError(f"{len(late)} sources have not ended within {within:g} s.")
