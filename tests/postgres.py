"""A PostgreSQL cluster for the tests, from the binaries that Debian installs."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from .ports import HOST, free_port
from .process import family

BINARIES = Path("/usr/lib/postgresql")
# PostgreSQL refuses to run as root, so root runs the server as this account.
ACCOUNT = "postgres"


def find_binaries() -> Path:
    """Return the folder of the newest release.

    Without PostgreSQL, skip the test, or fail it with REQUIRE_POSTGRES=1.
    """
    releases = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if releases:
        return releases[-1].parent
    reason = f"There is no PostgreSQL in {BINARIES}: on Debian, `apt-get install postgresql`."
    if os.environ.get("REQUIRE_POSTGRES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Postgres:
    """A PostgreSQL server with a data folder and a port of its own."""

    def __init__(self) -> None:
        self._binaries = find_binaries()
        # Other accounts can't enter pytest's own temporary folder.
        self._folder = Path(tempfile.mkdtemp(prefix="streamsite-postgres-"))
        self._port = free_port()
        self._as_account: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as_account = ["runuser", "-u", ACCOUNT, "--"]
        self._run("initdb", "--auth=trust", f"--username={ACCOUNT}", "--encoding=UTF8", "--no-sync")

    def start(self) -> "Postgres":
        options = f"-h {HOST} -p {self._port} -k {self._folder} -F"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        return self

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def pause(self) -> None:
        """Stop all processes of the server: connections stay open, and nothing answers."""
        # First the one that makes a process for each new connection.
        os.kill(self._main, signal.SIGSTOP)
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the processes of a paused server go on."""
        self._signal(signal.SIGCONT)

    @property
    def _main(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def _signal(self, number: signal.Signals) -> None:
        for pid in family(self._main):
            with suppress(ProcessLookupError):  # A process that has ended by itself.
                os.kill(pid, number)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        command = f'CREATE DATABASE "{name}"'
        self._execute("psql", "-h", HOST, "-p", str(self._port), "-U", ACCOUNT, "-c", command)
        return f"postgres://{ACCOUNT}@{HOST}:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        self._execute(program, "-D", str(self._folder / "data"), *arguments)

    def _execute(self, program: str, *arguments: str) -> None:
        command = [*self._as_account, str(self._binaries / program), *arguments]
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
