"""The servers that are compared."""

import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import HOST, free_port
from tests.site import ROOT, environment

from .usage import family, pin

START_TIMEOUT = 30
STOP_TIMEOUT = 5
BACKLOG = 2048  # All viewers connect at once.


@dataclass(frozen=True)
class Contender:
    """An application on a server."""

    key: str
    title: str
    server: str
    application: str
    paced: str = ""  # what stands before the article's addresses
    late: str = "/late"
    live: str = "/live-{}"

    @property
    def ours(self) -> bool:
        return self.paced != ""

    def command(self, port: int) -> list[str]:
        program = str(Path(sys.executable).with_name(self.server))
        match self.server:
            case "daphne":
                endpoint = f"tcp:{port}:interface={HOST}:backlog={BACKLOG}"
                return [program, "-v", "0", "-e", endpoint, self.application]
            case "uvicorn":
                options = ["--no-access-log", "--log-level", "warning", "--backlog", str(BACKLOG)]
                return [program, "--host", HOST, "--port", str(port), *options, self.application]
            case "granian":
                options = ["--interface", "asginl", "--backlog", str(BACKLOG), "--no-log"]
                return [program, "--host", HOST, "--port", str(port), *options, self.application]
        raise ValueError(self.server)


def ours(server: str) -> Contender:
    return Contender(
        key=server,
        title=f"streamsite, {server}",
        server=server,
        application="tests.bench.site:application",
        paced="/stream",
        late="/stream/long",
        live="/stream/live-{}",
    )


FASTAPI = Contender(
    "fastapi", "FastAPI, uvicorn", "uvicorn", "tests.bench.peers.fastapi_service:app"
)
STOCK = Contender(
    "stock", "stock Django, daphne", "daphne", "tests.bench.peers.stock_django:application"
)
CONTENDERS = (ours("daphne"), ours("uvicorn"), ours("granian"), FASTAPI, STOCK)
PEERS = (FASTAPI, STOCK)


class Server:
    """A contender that runs, on a core of its own."""

    def __init__(self, contender: Contender, folder: Path, variables: dict[str, str], core: int):
        self.contender = contender
        self.port = free_port()
        self.log = folder / f"{contender.key}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                contender.command(self.port),
                cwd=ROOT,
                env=environment({"PYTHONPATH": str(ROOT), **variables}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        pin(self._process.pid, core)

    def ready(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.get(f"{self.contender.paced}/polling?cnt=0")
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"{self.contender.title} doesn't start: {error}\n{self.log.read_text()}"
                    ) from None
                time.sleep(0.05)
            else:
                self.pids = family(self._process.pid)
                return

    def get(self, path: str) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=START_TIMEOUT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise ConnectionError(f"{path}: {response.status}")
        finally:
            connection.close()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            # Some wait for their viewers, or have too many threads to end in time.
            for pid in family(self._process.pid):
                os.kill(pid, 9)
            self._process.wait()
