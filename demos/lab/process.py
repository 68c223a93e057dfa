"""The server's side of a producer's process: how it starts, its lines, and its signals."""

import asyncio
import json
import os
import signal
import subprocess
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
    """The process of one producer, a child of this server.

    Not a process of asyncio, which kills its children when its event loop ends: with LAB_RESTART a
    producer outlives the server.
    """

    def __init__(self, name: str, options: Options) -> None:
        """Start the producer of the stream `name`. It takes about a second to write."""
        argument = {
            **asdict(options),
            "name": name,
            "parent": os.getpid(),
            "outlive": settings.LAB_RESTART,
        }
        self._child = subprocess.Popen(  # noqa: S603 - no shell, and the options were checked
            (sys.executable, "-m", "demos.lab.producer", json.dumps(argument)),
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in the operator's terminal is for the server.
            start_new_session=True,
        )

    def begin(self) -> None:
        """End the input of the producer, which may wait for its listeners until then."""
        assert self._child.stdin is not None
        self._child.stdin.close()

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the producer says, until it ends."""
        reader = asyncio.StreamReader(LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._child.stdout
        )
        try:
            async for line in reader:
                with suppress(ValueError):  # A killed producer may leave half a line.
                    yield json.loads(line)
        finally:
            transport.close()

    async def ended(self) -> int:
        """Return the exit status once the process has ended: -9 after a SIGKILL.

        A process that says nothing more and does not end within `ENDS` seconds is killed.
        """

        self.begin()

        def wait() -> int:
            try:
                return self._child.wait(ENDS)
            except subprocess.TimeoutExpired:
                self.kill()
                return self._child.wait()

        return await asyncio.to_thread(wait)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """Kill the process, which may be stopped."""
        self.signal(signal.SIGKILL)
