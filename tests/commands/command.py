"""A manage.py command that runs beside a site."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import IO

from tests.inside import streams
from tests.raw import http
from tests.site import ROOT, Site, environment
from tests.waiting import PATIENCE

Run = Callable[..., "Command"]


class Command:
    """A running manage.py command, with pipes for its input, its output and its standard error."""

    def __init__(self, site: Site, *arguments: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment({**site.env, **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.errors = b""

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for(self, sentence: str) -> None:
        """Wait until the command has written `sentence` to standard error."""
        while sentence not in self.errors.decode():
            line = self.process.stderr.readline()
            assert line, self.errors.decode()
            self.errors += line

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of the output."""
        return read_exactly(self.process.stdout, size)

    def end(self, data: bytes = b"") -> tuple[int, str, str]:
        """Write the rest of the input and close the input. Return the result of `wait`."""
        # Unlike `write`, communicate() bears a command that has ended without reading its input.
        output, errors = self.process.communicate(data, timeout=PATIENCE)
        return self._result(output, errors)

    def wait(self) -> tuple[int, str, str]:
        """Wait for the end. Return the exit status, the rest of the output, and standard error."""
        self.process.stdin, stdin = (
            None,
            self.process.stdin,
        )  # communicate() would close an open input.
        output, errors = self.process.communicate(timeout=PATIENCE)
        stdin.close()
        return self._result(output, errors)

    def _result(self, output: bytes | None, errors: bytes) -> tuple[int, str, str]:
        said = (self.errors + errors).decode()
        assert "Traceback" not in said, said
        return self.process.returncode, (output or b"").decode(), said

    def kill(self) -> None:
        """Kill the command if it still runs, and close its pipes."""
        with self.process:
            self.process.kill()


def read_exactly(file: IO[bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(file.fileno(), size - len(data))
        assert part, data
        data += part
    return data


def address(site: Site, name: str) -> str:
    return f"{site.url}/stream/{name}"


def stored(site: Site, name: str) -> list[str]:
    """Return the stream's state and reason in the database."""
    return site.call(streams.state_and_reason, name)


def live_pieces(site: Site, name: str) -> list[str]:
    return http.get(site.address, f"/stream/{name}/polling").json["pieces"]


def to_a_full_disk(site: Site, *arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Run a command whose output can't be written. Return its exit status and standard error."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(site.env),
            input=given,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    return done.returncode, done.stderr.decode()
