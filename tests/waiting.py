"""Waiting for something that another process does, without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds. Only a failing test waits so long.
PATIENCE = 90


def wait_until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Return the condition's value as soon as it is true. `what` says what didn't come to pass."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.02)
    return value
