"""Run the tests in tests/js, which test the browser's modules on Node."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent.parent / "js"
# The first version of Node that loads a .js file as an ES module without being told to.
NEEDED = (20, 19)


def node() -> str:
    """Return the path of Node. Skip the test if Node is missing or too old."""
    found = shutil.which("node")
    if not found:
        pytest.skip("Node is not installed")
    printed = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=True
    ).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", printed)[:2])
    if version < NEEDED:
        pytest.skip(f"Node is {printed.strip()}, but must be 20.19 or newer")
    return found


def test_the_browser_modules_pass_their_tests() -> None:
    tests = sorted(str(path) for path in JS.glob("*.test.mjs"))
    assert tests
    run = subprocess.run(
        [
            node(),
            "--import=./tests/js/static.mjs",
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
