"""The site as an operator runs it: server processes, and manage.py beside them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from .inside import name_of
from .ports import HOST, free_port
from .process import family
from .raw import http
from .waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parent.parent
APPLICATION = "streamsite.asgi:application"
# The commands of the README, with a shorter grace period at the end. The logs leave out requests,
# so that only what an operator has to read remains.
SERVERS = {
    "daphne": "daphne -b {host} -p {port} --access-log /dev/null",
    "uvicorn": "uvicorn --host {host} --port {port} --no-access-log"
    " --timeout-graceful-shutdown 2 --ws-max-size 65536",
    "granian": "granian --host {host} --port {port} --interface asgi --workers-kill-timeout 2",
}
# The variables that a process inherits from the tests. The site's variables are not among them, so
# that the environment of the person who runs the tests does not change what is tested. The last one
# lets coverage measure the process (`patch = ["subprocess"]` in pyproject.toml).
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_CONFIG")

# Child processes inherit ignored signals. A shell that runs the tests in the background ignores
# SIGINT, and nohup ignores SIGHUP, so both are set back to their defaults here.
for number, action in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, action)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the complete environment of a process that gets these variables."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables}


def run(*command: str, env: Mapping[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder until it ends, for at most `PATIENCE` seconds."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )


def call_command(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """Return the command that calls a function of `tests.inside` and prints its result as JSON."""
    return [sys.executable, "-m", "tests.inside", name_of(function), json.dumps(arguments)]


def server_command(name: str, port: int, application: str = APPLICATION, *extra: str) -> list[str]:
    """Return the command that runs a server of `SERVERS` from this Python's environment.

    `extra` are more options of the server.
    """
    program, *options = SERVERS[name].format(host=HOST, port=port).split()
    return [str(Path(sys.executable).with_name(program)), *options, *extra, application]


class Server:
    """One server: a process, and for granian the worker process under it."""

    application = APPLICATION
    # More options of the command.
    options: Sequence[str] = ()

    def __init__(self, name: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.env = dict(env)
        self.log_path = log
        self.port = 0
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the process that answers requests: for granian, a child of the started one."""
        assert self._process is not None
        return family(self._process.pid)[-1]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def launch(self, port: int = 0) -> None:
        """Start the process on a port, or on a free one, without waiting for it to answer."""
        self.port = port or free_port()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                server_command(self.name, self.port, self.application, *self.options),
                cwd=ROOT,
                env=environment(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> "Server":
        """Wait until the server answers."""
        wait_until(lambda: self.alive() or not self.running, "the server answers")
        assert self.running, f"the server ended with status {self.wait()}:\n{self.log}"
        return self

    def alive(self) -> bool:
        """Return whether the server answers a request, with any status."""
        try:
            return http.get(self.address, "/healthz").status != 0
        except OSError:
            return False

    def kill(self) -> None:
        """Kill all its processes: nothing in them runs again, and nothing is left to stop."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait()
        self._process = None

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return the exit status, once there is one."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Stop as an operator does, which has to end well."""
        if self._process is None:
            return
        try:
            if self.running:
                self.send(by)
            status = self.wait()
        finally:
            self.kill()
        assert status == self.good_status(by), (
            f"ended with status {status} on {by.name}:\n{self.log}"
        )
        self.assert_calm()

    def good_status(self, by: signal.Signals) -> int:
        """Return the exit status of a server that ended well after this signal."""
        # uvicorn raises the signal again at its end, and catches SIGINT.
        return -by if self.name == "uvicorn" and by == signal.SIGTERM else 0

    def excuse(self) -> None:
        """Forgive what the server logged so far, because the test itself caused the errors."""
        self._read = len(self.log)

    def assert_calm(self) -> None:
        """Check that the server has logged no traceback since the last check."""
        log = self.log
        fresh, self._read = log[self._read :], len(log)
        assert "Traceback" not in fresh, fresh


class Site:
    """Servers that share one database, one channel layer and one environment."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], servers: Sequence[str] = ("daphne",)
    ) -> None:
        self.var = Path(env.get("VAR_DIR", folder / "var"))
        # Servers close what is open at once. The tests of the grace set a grace.
        self.env = {"VAR_DIR": str(self.var), "STREAM_GRACE": "0", **env}
        self.servers = [
            Server(name, self.env, folder / f"{name}-{number}.log")
            for number, name in enumerate(servers)
        ]

    @property
    def server(self) -> Server:
        return self.servers[0]

    @property
    def address(self) -> tuple[str, int]:
        return self.server.address

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def log(self) -> str:
        return "".join(f"--- {server.log_path.name}\n{server.log}" for server in self.servers)

    def start(self) -> "Site":
        """Start all servers at once, and wait until they answer."""
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.ready()
        return self

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        with ExitStack() as stack:
            # Stop all servers, even when one of them doesn't end well.
            for server in self.servers:
                stack.callback(server.stop, by)

    def manage(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a manage.py command and return its result, whatever its exit status."""
        return run(sys.executable, "manage.py", *arguments, env=self.env, **options)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `tests.inside` in a process of this site, and return its result."""
        settings = {"DJANGO_SETTINGS_MODULE": "streamsite.settings"}
        done = run(*call_command(function, *arguments), env={**settings, **self.env})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def pieces(self, name: str = "article") -> list[str]:
        """Return the pieces of a finished stream from the database."""
        # Imported here because the benchmark uses this module without Django.
        from .inside import streams

        return self.call(streams.pieces, name)


SiteMaker = Callable[..., Site]
