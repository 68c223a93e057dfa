"""The browser side's own tests, which run on Node."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent.parent / "js"
# The first that reads a .js file as the ES module that it is.
NEEDED = (20, 19)


def node() -> str:
    """Return Node's path, or skip the test."""
    found = shutil.which("node")
    if not found:
        pytest.skip("there is no node to run the browser side's tests")
    printed = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=True
    ).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", printed)[:2])
    if version < NEEDED:
        pytest.skip(f"node is {printed.strip()}: the browser side's tests need 20.19 or newer")
    return found


def test_the_browser_side_reads_resumes_and_verifies() -> None:
    tests = sorted(str(path) for path in JS.glob("*.test.mjs"))
    assert tests
    run = subprocess.run(
        [
            node(),
            "--experimental-websocket",
            "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
            "--test",
            *tests,
        ],
        cwd=JS.parent.parent,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
