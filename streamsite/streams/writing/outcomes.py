"""Outcomes: how a stream ends after the block of its producer."""

import asyncio
from typing import NamedTuple

from ..models import Stream

State = Stream.State

# Characters of an exception's text that are stored.
FAILURE_LENGTH = 500


class Stopped(Exception):
    """The stream has ended, so the producer can't write any more.

        with publish("import-42") as stream:
            try:
                for row in rows:
                    stream.write(row)
            except Stopped:
                undo()
                raise

    `write` raises this exception in code without `async`. With `async` the block is cancelled
    instead. The exception ends the block, and goes no further than the `with` statement.
    """


class Failed(Exception):
    """The source can't go on, for a reason that viewers may know.

        async with publish("forecast") as stream:
            if not await service.answers():
                raise Failed("The weather service does not answer.")

    The text is the reason with which the stream ends as `failed`. Of any other exception, viewers
    learn only that the source failed.
    """


class Outcome(NamedTuple):
    """How a stream ends. Viewers see the reason; only the owner and staff see the failure."""

    state: str
    reason: str = ""
    failure: str = ""


def outcome_of(error: BaseException | None, reason: str = "The source failed.") -> Outcome:
    """Return how a stream ends whose block raised this exception, or none.

    Viewers read the `reason` when the text of the exception is not meant for them.
    """
    if error is None:
        return Outcome(State.DONE)
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
        return Outcome(State.INTERRUPTED, "The producer was told to end.")
    if isinstance(error, Failed):
        return Outcome(State.FAILED, f"{error}"[:FAILURE_LENGTH])
    failure = f"{type(error).__name__}: {error}"[:FAILURE_LENGTH]
    return Outcome(State.FAILED, reason, failure)
