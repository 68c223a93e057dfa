"""The contenders: each an application on a server."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import HOST, free_port
from tests.process import family
from tests.site import ROOT, environment

from .usage import Usage, pin

START_TIMEOUT = 30
STOP_TIMEOUT = 5
SETTLE_TIMEOUT = 10
# A server is idle if it uses less than RESTING seconds of CPU time within SETTLE_INTERVAL seconds.
SETTLE_INTERVAL, RESTING = 0.1, 0.005
# The viewers connect in bursts.
BACKLOG = 2048
# Requests that granian serves at once. By default it serves as many as `BACKLOG`.
AT_ONCE = 20_000


# All viewers of the benchmark have one address.
UNLIMITED = {
    "STREAM_MAX_VIEWERS": "none",
    "STREAM_MAX_VIEWERS_PER_CLIENT": "none",
    "STREAM_MAX_POLLS_PER_CLIENT": "none",
}
PEERS_FOLDER = Path(__file__).parent / "peers"
# nginx with Nchan: publish to /pub/<name>, subscribe at /<name>/events and /<name>/ws. As the other
# servers, it has one process for its viewers.
NGINX = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
{user}
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog={backlog};
        location = /polling {{ return 200 "{{}}"; }}
        location ~ ^/pub/([^/]+)$ {{ nchan_publisher; nchan_channel_id $1; }}
        location ~ ^/([^/]+)/(events|ws)$ {{
            nchan_subscriber eventsource websocket;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
            nchan_message_buffer_length 10;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Contender:
    """An application on a server."""

    key: str
    title: str
    server: str
    application: str = ""
    paced: str = ""  # the prefix of the paths of the article's endpoints
    late: str = "/late"
    live: str = ""  # the prefix of the paths of live streams
    publish: str = ""  # where the load publishes, if the server has no producers
    scenarios: tuple[str, ...] = ("",)  # the prefixes of the scenarios that it takes part in

    @property
    def ours(self) -> bool:
        return self.paced != ""

    def takes_part(self, scenario: str) -> bool:
        return scenario.startswith(self.scenarios)

    @property
    def missing(self) -> str:
        """What this machine lacks to run the server, or ""."""
        match self.server:
            case "floor":
                return "" if shutil.which("cc") else "a C compiler (cc)"
            case "nginx":
                return "" if nchan_module() else "nginx with Nchan (nginx, libnginx-mod-nchan)"
        return "" if program(self.server).exists() else f"{self.server} (extra `bench`)"

    def prepare(self, folder: Path, port: int) -> list[str]:
        """Write what the server needs into a folder, and return the command that runs it."""
        match self.server:
            case "daphne":
                endpoint = f"tcp:{port}:interface={HOST}:backlog={BACKLOG}"
                return [f"{program(self.server)}", "-v", "0", "-e", endpoint, self.application]
            case "uvicorn":
                options = ["--no-access-log", "--log-level", "warning", "--backlog", str(BACKLOG)]
            case "granian":
                options = ["--interface", "asgi", "--backlog", str(BACKLOG), "--no-log"]
                options += ["--backpressure", str(AT_ONCE)]
            case "floor":
                binary = folder / "floor.bin"
                if not binary.exists():
                    source = PEERS_FOLDER / "floor.c"
                    subprocess.run(["cc", "-O2", "-o", binary, source], check=True)
                return [str(binary), str(port)]
            case "nginx":
                configuration = folder / "nginx.conf"
                configuration.write_text(
                    NGINX.format(
                        module=nchan_module(),
                        folder=folder,
                        port=port,
                        backlog=BACKLOG,
                        user="user root;" if os.geteuid() == 0 else "",
                    )
                )
                return ["nginx", "-c", str(configuration), "-e", str(folder / "nginx.log")]
            case _:
                raise ValueError(self.server)
        address = ["--host", HOST, "--port", str(port)]
        return [f"{program(self.server)}", *address, *options, self.application]


def program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def nchan_module() -> Path | None:
    """Return the file of nginx's module Nchan, or None."""
    nginx = shutil.which("nginx")
    if nginx is None:
        return None
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    folder = re.search(r"--modules-path=(\S+)", built)
    module = Path(folder[1] if folder else "") / "ngx_nchan_module.so"
    return module if module.exists() else None


def ours(server: str) -> Contender:
    return Contender(
        key=server,
        title=f"streamsite, {server}",
        server=server,
        application="tests.bench.site:application",
        paced="/stream",
        late="/stream/long",
        live="/stream",
    )


FASTAPI = Contender(
    "fastapi", "FastAPI, uvicorn", "uvicorn", "tests.bench.peers.fastapi_service:app"
)
STOCK = Contender(
    "stock",
    "stock Django, daphne",
    "daphne",
    "tests.bench.peers.stock_django:application",
    # Its chunked response sends no head before the first piece, and it can't have 10,000 threads.
    scenarios=("polling", "late", "paced", "live-events", "live-ws", "many"),
)
NCHAN = Contender(
    "nchan", "nginx and Nchan", "nginx", publish="/pub/{}", scenarios=("live-events", "live-ws")
)
FLOOR = Contender(
    "floor", "floor in C", "floor", scenarios=("polling", "paced", "replay", "live", "viewers")
)
CONTENDERS = (ours("daphne"), ours("uvicorn"), ours("granian"), FASTAPI, STOCK, NCHAN, FLOOR)
PEERS = (FASTAPI, STOCK, FLOOR)


class Server:
    """A running contender."""

    def __init__(self, contender: Contender, folder: Path, variables: dict[str, str]) -> None:
        self.contender = contender
        self.port = free_port()
        self.log = folder / f"{contender.key}.log"
        command = contender.prepare(folder, self.port)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment({"PYTHONPATH": str(ROOT), **UNLIMITED, **variables}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self, core: int) -> None:
        """Wait until the server answers, and keep its processes on one core from then on."""
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
                break
        self.pids = family(self._process.pid)
        for pid in self.pids:
            pin(pid, core)

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

    def settle(self) -> None:
        """Wait until the server is idle: work for the last viewers would slow the next scenario."""
        deadline = time.monotonic() + SETTLE_TIMEOUT
        before = -1.0
        while (now := Usage.of(self.pids).cpu) - before > RESTING and time.monotonic() < deadline:
            before = now
            time.sleep(SETTLE_INTERVAL)

    def end(self) -> None:
        """Ask the server to end."""
        self._process.terminate()

    def ended(self) -> None:
        """Wait until the server and its processes have ended."""
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            # Some servers wait for their viewers, or for many threads, and do not end in time.
            for pid in reversed(family(self._process.pid)):
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
