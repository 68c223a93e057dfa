"""Coroutines that are run by hand up to the first future that they await, without a task."""

from collections.abc import Awaitable, Coroutine
from types import coroutine
from typing import Any


@coroutine
def resume(begun: Coroutine[Any, Any, None], awaited: Any) -> Any:
    """Continue a coroutine that was run by hand until it awaited a future: `awaited`.

        begun = send(message)
        try:
            awaited = begun.send(None)
        except StopIteration:
            ...  # The coroutine has ended without waiting.
        else:
            await resume(begun, awaited)

    `asyncio.create_task(begun)` would await another future than `awaited`, or none.
    """
    try:
        while True:
            try:
                answer = yield awaited
            except BaseException as error:  # noqa: BLE001 - a cancellation, too, is for `begun`
                awaited = begun.throw(error)
            else:
                awaited = begun.send(answer)
    except StopIteration:
        return


def step(begun: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run a coroutine without a task. Return None if it ended, and else what remains to await."""
    try:
        awaited = begun.send(None)
    except StopIteration:
        return None
    return resume(begun, awaited)
