"""A PostgreSQL cluster of the tests' own, from the binaries that Debian installs."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .ports import HOST, free_port

BINARIES = Path("/usr/lib/postgresql")
# The server refuses to run as root.
ACCOUNT = "postgres"


def find_binaries() -> Path:
    """Return the newest release's folder, or skip the test: with REQUIRE_POSTGRES=1, fail it."""
    releases = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if releases:
        return releases[-1].parent
    reason = f"There is no PostgreSQL in {BINARIES}: on Debian, `apt-get install postgresql`."
    if os.environ.get("REQUIRE_POSTGRES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Postgres:
    def __init__(self) -> None:
        self._binaries = find_binaries()
        # Not in pytest's folder, which is closed to other accounts.
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

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self, name: str) -> str:
        """Make an empty database. Returns its URL."""
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
