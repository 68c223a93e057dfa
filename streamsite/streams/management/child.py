"""Run a command as a child of `manage.py publish`.

The command runs in a session of its own, and so in a process group of its own. A signal to the
group reaches every process that the command has started, unless that process has left the group,
as daemons do. Ctrl-C in a terminal reaches `manage.py publish` alone, which passes the signal on.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from django.core.management.base import CommandError

from ..writing.outcomes import Failed

# The exit statuses of a shell: POSIX.1-2024, Shell Command Language, 2.8.2.
CANNOT_EXECUTE = 126
NOT_FOUND = 127
SIGNAL_STATUS = 128  # plus the number of the signal

# Seconds that processes have to end by themselves after the command that started them.
LINGER = 2.0
# Seconds between two looks at a process group, whose end nothing tells.
LOOK = 0.05


class CommandFailed(Failed):
    """The command did not succeed. `status` is its exit status, as in a shell."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def check_command(command: Sequence[str]) -> None:
    """Raise CommandError, with the exit status of a shell, if there is no such command."""
    if not command:
        raise CommandError(
            "There is no command after --. An example: manage.py publish build-17 -- make -j2",
            returncode=2,
        )
    program = command[0]
    if shutil.which(program):
        return
    if "/" in program and Path(program).exists():
        raise CommandError(f"{program!r} is not executable.", returncode=CANNOT_EXECUTE)
    advice = ""
    if len(command) == 1 and len(program.split()) > 1:
        advice = " Write each argument as a word of its own, or use: -- sh -c '…'"
    raise CommandError(f"There is no command {program!r}.{advice}", returncode=NOT_FOUND)


class Child:
    """A running command. `output` is the descriptor of a pipe with its output and its errors."""

    def __init__(self, process: asyncio.subprocess.Process, output: int, grace: float) -> None:
        self.output = output
        self.grace = grace
        self._process = process
        self._watching = asyncio.create_task(self._watch())

    @property
    def over(self) -> bool:
        """Whether the command and all processes of its group have ended."""
        return self._watching.done()

    async def wait(self) -> None:
        """Wait until the group has ended. Raises CommandFailed if the command did not succeed."""
        await asyncio.shield(self._watching)
        code = self._process.returncode
        assert code is not None
        if code < 0:
            name = signal_name(-code)
            raise CommandFailed(f"The command was ended by {name}.", SIGNAL_STATUS - code)
        if code:
            raise CommandFailed(f"The command ended with status {code}.", code)

    def send(self, number: int) -> bool:
        """Send a signal to the group. Return False if its processes belong to another user."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:  # As behind sudo.
            return False
        return True

    async def _watch(self) -> None:
        """Wait for the command, and then end the processes that the command left in its group."""
        await self._process.wait()
        for seconds, number in ((LINGER, signal.SIGTERM), (self.grace, signal.SIGKILL)):
            if await self._ended_within(seconds):
                return
            self.send(number)
        await self._ended_within(LINGER)

    async def _ended_within(self, seconds: float) -> bool:
        """Return whether the group ends within so many seconds. The command has ended already."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            try:
                os.killpg(self._process.pid, 0)
            except (ProcessLookupError, PermissionError):
                return True
            await asyncio.sleep(LOOK)
        return False


@asynccontextmanager
async def running(command: Sequence[str], *, grace: float) -> AsyncIterator[Child]:
    """Run a command. At the end of the block, kill what is still running of the command.

        async with running(["make", "-j2"], grace=10) as child:
            ...  # read child.output
            await child.wait()

    The command reads this process's standard input. `grace` is the number of seconds between
    SIGTERM and SIGKILL for processes that outlive the command.

    Raises CommandFailed if the command can't be started.
    """
    output, end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL if sys.stdin is None else None,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
    except OSError as error:
        os.close(output)
        missing = isinstance(error, FileNotFoundError)
        raise CommandFailed(
            f"The command could not be started: {error.strerror}.",
            NOT_FOUND if missing else CANNOT_EXECUTE,
        ) from error
    finally:
        os.close(end)
    child = Child(process, output, grace)
    try:
        yield child
    finally:
        if not child.over and child.send(signal.SIGKILL):
            with suppress(CommandFailed):
                await child.wait()


def signal_name(number: int) -> str:
    """Return the name of a signal, such as "SIGKILL". Real-time signals have numbers only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
