"""What Linux reports about a process in /proc."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all its descendants, the process first."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # The thread has ended meanwhile.
            for child in task.read_text().split():
                found += family(int(child))
    return found


def threads(pid: int) -> int:
    """Return the number of threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def open_files(pid: int) -> int:
    """Return the number of open file descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def connections(port: int) -> int:
    """Return how many IPv4 connections to this local port are open, half-closed ones included."""
    established, close_wait = "01", "08"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(local.rpartition(":")[2], 16) == port and state in (established, close_wait)
        for _number, local, _remote, state, *_rest in rows
    )


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024


@dataclass(frozen=True)
class Holdings:
    """The threads and files of a process, which a client that leaves must not add to."""

    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> "Holdings":
        return cls(threads(pid), open_files(pid))

    def within(self, other: "Holdings") -> bool:
        """Return whether neither number is above the other's."""
        return self.threads <= other.threads and self.files <= other.files
