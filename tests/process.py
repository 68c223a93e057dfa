"""What the kernel says of a process (Linux)."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # A thread that has ended meanwhile.
            for child in task.read_text().split():
                found += family(int(child))
    return found


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def connections(port: int) -> int:
    """Return how many connections to this port of IPv4 a process still holds."""
    established, close_wait = "01", "08"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(local.rpartition(":")[2], 16) == port and state in (established, close_wait)
        for _number, local, _remote, state, *_rest in rows
    )


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024


@dataclass(frozen=True)
class Holdings:
    """What a client may leave behind."""

    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> "Holdings":
        return cls(threads(pid), open_files(pid))

    def within(self, other: "Holdings") -> bool:
        """Tell whether this is no more than the other."""
        return self.threads <= other.threads and self.files <= other.files
