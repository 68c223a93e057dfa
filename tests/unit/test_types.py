"""The types of the public names, as mypy sees them in the code of a user."""

import re
import subprocess
import sys

from tests.site import ROOT

TYPES = ROOT / "tests" / "types"


def errors(path: str) -> list[tuple[int, str]]:
    """Return the errors that mypy finds in a file: the number of the line, and the code."""
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not found.stderr
    lines = re.findall(r"^(\S+?):(\d+): error: .*\[(\S+)\]$", found.stdout, re.MULTILINE)
    assert {name for name, _, _ in lines} <= {path}, found.stdout
    return [(int(number), code) for _, number, code in lines]


def test_the_types_of_the_options_allow_what_works():
    assert errors("tests/types/accepted.py") == []


def test_the_types_of_the_options_refuse_what_fails():
    lines = (TYPES / "refused.py").read_text().splitlines()
    expected = [
        (number, line.rpartition("  # ")[2])
        for number, line in enumerate(lines, 1)
        if "  # " in line
    ]
    assert expected
    assert errors("tests/types/refused.py") == expected
