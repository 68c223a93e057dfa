"""HTTP/2 on Daphne: only by TLS, and with the limits of HTTP/1.1: for bodies, and for patience."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.engine.publisher import Publisher
from tests.nginx import Certificate
from tests.ports import HOST, free_port
from tests.process import resident
from tests.raw import http
from tests.site import APPLICATION, ROOT, Site, SiteMaker, environment
from tests.waiting import PATIENCE, wait_until

from .test_bodies import HELD, HUGE

# With these libraries, which are no part of the site, Daphne negotiates HTTP/2.
h2 = pytest.importorskip("h2", reason="There is no h2: install the extra `test`.")
from h2.connection import H2Connection  # noqa: E402
from h2.errors import ErrorCodes  # noqa: E402
from h2.events import ConnectionTerminated, ResponseReceived, StreamEnded, StreamReset  # noqa: E402
from hyperframe.frame import DataFrame  # noqa: E402

PART = bytes(16_384)
# A client that knows without asking that a server speaks HTTP/2 (RFC 9113, section 3.3), and one
# that asks by Upgrade, which the section calls obsolete.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
UPGRADE = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"}


class Secure:
    """A Daphne with TLS, which `daphne streamsite.asgi:application` alone does not have."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.certificate = Certificate(folder)
        self.env = site.env
        self.address = HOST, free_port()
        endpoint = (
            f"ssl:{self.address[1]}:interface={HOST}"
            f":privateKey={self.certificate.key}:certKey={self.certificate.chain}"
        )
        daphne = Path(sys.executable).with_name("daphne")
        self._process = subprocess.Popen(
            [daphne, "-e", endpoint, APPLICATION],
            cwd=ROOT,
            env=environment(self.env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.alive, "Daphne listens")

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        with suppress(OSError):
            self.connect().close()
            return True
        return False

    def connect(self) -> ssl.SSLSocket:
        context = self.certificate.client("h2")
        plain = socket.create_connection(self.address, timeout=PATIENCE)
        # As browsers do. Otherwise each window of 64 KiB takes 40 ms, and no server holds much.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(plain, server_hostname=HOST)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


@pytest.fixture
def secure(
    make_site: SiteMaker, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Secure]:
    daphne = Secure(make_site(**getattr(request, "param", {})), tmp_path)
    yield daphne
    daphne.stop()


class Client:
    """A client of HTTP/2 with one request at a time, which learns the status of the answer."""

    def __init__(self, server: Secure, connected: ssl.SSLSocket) -> None:
        self._server = server
        self._socket = connected
        assert self._socket.selected_alpn_protocol() == "h2"
        self._connection = H2Connection()
        self._connection.initiate_connection()
        self._stream = -1
        self._over = False
        self.status = 0
        self.reset = False

    def post(self, path: str, *, declared: bool) -> int:
        """Send the body until it is whole or answered. Return by how much the server grew."""
        self._begin("POST", path, declared=declared)
        before = most = resident(self._server.pid)
        for number in range(HUGE // len(PART)):
            self._send()
            while not self._over and self._window() < len(PART):
                self._take()
            if self._over:
                break
            self._connection.send_data(self._stream, PART)
            if number % 64 == 0:
                most = max(most, resident(self._server.pid))
        self._wait()
        return max(most, resident(self._server.pid)) - before

    def post_a_part(self, path: str) -> None:
        """Announce a huge body, and send its first part. Return when the answer is complete."""
        self._begin("POST", path, declared=True)
        self._connection.send_data(self._stream, PART)
        self._wait()

    def send_a_late_part(self) -> None:
        """Send what was on its way when the answer came."""
        self._socket.sendall(DataFrame(self._stream, PART).serialize())

    def get(self, path: str) -> None:
        """Ask for a resource, and take no more of it than the first window holds (64 KiB).

        Return when the response is complete or the server has reset its stream.
        """
        self._begin("GET", path)
        self._wait()

    def _begin(self, method: str, path: str, *, declared: bool = False) -> None:
        self._stream, self._over, self.status, self.reset = self._stream + 2, False, 0, False
        headers = [
            (":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost"),
            *([("content-length", f"{HUGE}")] if declared else []),
        ]  # fmt: skip
        self._connection.send_headers(self._stream, headers, end_stream=method == "GET")

    def _window(self) -> int:
        return self._connection.local_flow_control_window(self._stream)

    def _wait(self) -> None:
        while not self._over:
            self._send()
            self._take()

    def _send(self) -> None:
        self._socket.sendall(self._connection.data_to_send())

    def _take(self) -> None:
        data = self._socket.recv(65_536)
        self._over = not data
        for event in self._connection.receive_data(data) if data else ():
            if getattr(event, "stream_id", None) != self._stream:
                self._over |= isinstance(event, ConnectionTerminated)
            elif isinstance(event, ResponseReceived):
                self.status = int(dict(event.headers)[b":status"])
            elif isinstance(event, StreamReset):
                # A reset without an error follows a complete answer (RFC 9113, section 8.1).
                self.reset = event.error_code != ErrorCodes.NO_ERROR
                self._over = True
            elif isinstance(event, StreamEnded):
                self._over = True
        self._send()


def test_a_huge_body_of_http2_is_refused_and_not_held(secure: Secure):
    with closing(secure.connect()) as connected:  # What the address imports is loaded.
        Client(secure, connected).post("/en/", declared=True)
    for path in ("/en/", "/nowhere", "/stream/article/stop", "/stream/nobody/pieces"):
        for declared in (True, False):
            with closing(secure.connect()) as connected:
                client = Client(secure, connected)
                grown = client.post(path, declared=declared)
            # The publishing API asks for a token before it reads a body.
            asks_first = not declared and path.endswith("/pieces")
            assert client.status == (401 if asks_first else 413), path
            assert grown < HELD, path


@pytest.mark.parametrize(
    "secure", [{"DJANGO_SETTINGS_MODULE": "tests.inside.settings.hesitant"}], indirect=True
)
def test_a_huge_body_of_http2_waits_for_a_slow_application(secure: Secure):
    with closing(secure.connect()) as connected:
        client = Client(secure, connected)
        client.post("/en/", declared=True)  # What the address imports is loaded.
        for declared in (True, False):
            # What the answer before left unread takes nothing from the window of the connection.
            grown = client.post("/en/", declared=declared)
            assert client.status == 413
            assert grown < HELD


def test_a_body_that_is_answered_early_ends_neither_its_answer_nor_the_connection(secure: Secure):
    with closing(secure.connect()) as connected:
        client = Client(secure, connected)
        for _ in range(20):
            client.post_a_part("/en/")
            assert client.status == 413
            # The client learns of the answer while the next part is on its way.
            client.send_a_late_part()
            client.get("/healthz")
            assert client.status == 200


@pytest.mark.parametrize("secure", [{"STREAM_STALL_TIMEOUT": "2"}], indirect=True)
def test_a_client_of_http2_that_reads_nothing_is_cut_off(secure: Secure):
    publisher = Publisher(secure.env)
    try:
        source = publisher.open()
        with closing(secure.connect()) as connected:
            client = Client(secure, connected)
            source.write(*["x" * 65_536] * 4)
            client.get(f"/stream/{source.name}/chunked")
            assert (client.status, client.reset) == (200, True)
    finally:
        publisher.kill()


def test_daphne_without_tls_speaks_no_http2(make_site: SiteMaker):
    site = make_site().start()
    with http.Connection(site.address) as connection:
        connection.socket.sendall(PREFACE)
        assert http.read_response(connection.file).status == 505
    answer = http.ask(site.address, "/healthz", headers=UPGRADE)
    assert (answer.status, answer.json) == (200, {"status": "ok"})
