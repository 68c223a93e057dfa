"""Waiting for another process without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds that a failing test waits. A passing test goes on as soon as the condition is true.
PATIENCE = 90


def wait_until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Call `condition` until it returns a true value, and return that value.

    Fail after `patience` seconds. `what` names the awaited fact in the failure, as in "the server
    answers".
    """
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.02)
    return value
