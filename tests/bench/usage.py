"""The CPU time, memory and threads of processes, as Linux counts them."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import process

CPUCLOCK_SCHED = 2  # from include/linux/posix-timers.h of the kernel


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU time so far, bytes of memory and number of threads of some processes."""

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
    """Return the CPU time of a process in seconds, in user and in system mode."""
    # The clock of clock_getcpuclockid(3) has a resolution of nanoseconds; /proc has one of 10 ms.
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def pin(pid: int, core: int) -> None:
    """Keep a process, its threads and everything that they start from now on, on one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
