"""What a server costs, as the kernel counts it (Linux)."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import process

CPUCLOCK_SCHED = 2  # as Linux's posix-timers.h has it


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU time so far, bytes of memory and threads now, of all processes together."""

    cpu: float
    memory: int
    threads: int

    @classmethod
    def of(cls, pids: Sequence[int]) -> "Usage":
        return cls(
            sum(map(cpu_time, pids)),
            sum(map(process.resident, pids)),
            sum(map(process.threads, pids)),
        )


def cpu_time(pid: int) -> float:
    """Return the seconds that a process has computed, in user and in system mode."""
    # The clock of clock_getcpuclockid(3), in nanoseconds; /proc counts by hundredths of a second.
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def pin(pid: int, core: int) -> None:
    """Keep a process, all its threads and what they start from now on, on one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
