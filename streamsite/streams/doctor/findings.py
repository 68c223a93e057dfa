"""What a check found: one line, and what to change."""

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"
# From the best to the worst. The exit status of the command is the index of the worst.
LEVELS = (OK, WARNING, PROBLEM)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    `check` names the check, and `level` is one of `LEVELS`. `sentence` says what was found, and
    `change` says what to change, or is "".
    """

    check: str
    level: str
    sentence: str
    change: str = ""

    def __str__(self) -> str:
        line = f"{self.level:8} {self.check}: {self.sentence}"
        return f"{line}\n{'':9}{self.change}" if self.change else line


def ok(check: str, sentence: str) -> Finding:
    return Finding(check, OK, sentence)


def warning(check: str, sentence: str, change: str) -> Finding:
    return Finding(check, WARNING, sentence, change)


def problem(check: str, sentence: str, change: str) -> Finding:
    return Finding(check, PROBLEM, sentence, change)


def status_of(findings: Iterable[Finding]) -> int:
    """Return the exit status: 0 if all is well, 1 after a warning, 2 after a problem."""
    return max((LEVELS.index(each.level) for each in findings), default=0)


def readable(seconds: float) -> str:
    """Return a duration as people read it: "12 ms", or "3.4 s" from a second on."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which this share of the values is: 0.5 for the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
