"""The server's side of a producer's process: how it starts, its lines, and its signals."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.conf import settings

from .options import Options

# Bytes of a line that a producer says.
LINE = 65_536
# Seconds that a process may take to end after its last line.
ENDS = 5


class Process:
    """The process of one producer, a child of this server."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @classmethod
    async def start(cls, name: str, options: Options) -> "Process":
        """Start the producer of the stream `name`. It takes about a second to write."""
        argument = {
            **asdict(options),
            "name": name,
            "parent": os.getpid(),
            "outlive": settings.LAB_RESTART,
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "demos.lab.producer",
            json.dumps(argument),
            cwd=settings.BASE_DIR,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            # Ctrl-C in the operator's terminal is for the server.
            start_new_session=True,
        )
        return cls(child)

    @property
    def runs(self) -> bool:
        return self._child.returncode is None

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the producer says, until it ends."""
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            with suppress(ValueError):  # A killed producer may leave half a line.
                yield json.loads(line)

    async def ended(self) -> int:
        """Return the exit status once the process has ended: -9 after a SIGKILL.

        A process that says nothing more and does not end within `ENDS` seconds is killed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDS):
                await self._child.wait()
        self.kill()
        return await self._child.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended."""
        # Not `send_signal` of asyncio: it asks for the exit status first, which asyncio then lacks.
        if self.runs:
            with suppress(ProcessLookupError):
                os.kill(self._child.pid, number)

    def kill(self) -> None:
        """Kill the process, which may be stopped."""
        self.signal(signal.SIGKILL)
