"""WebSockets of strict, broken and hostile clients."""

import json
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.raw import http, websocket
from tests.site import Site, SiteMaker

# Cases of the Autobahn test suite that are left out: mass messages, and compression, which the
# servers don't offer.
LEFT_OUT = ("9.*", "12.*", "13.*")
CASES = 247
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
# uvicorn closes with another code than the cases expect.
FAILING = {"daphne": set(), "uvicorn": {"7.1.5"}}


@pytest.mark.parametrize("on", FAILING)
def test_the_cases_of_autobahn_pass(make_site: SiteMaker, tmp_path: Path, on: str):
    kosoku = shutil.which("kosoku", path=Path(sys.executable).parent)
    if kosoku is None:
        pytest.skip("kosoku has no wheel for this machine")
    settings = "tests.inside.settings.echo"
    site = make_site(servers=[on], DJANGO_SETTINGS_MODULE=settings).start()

    def try_cases(option: str, patterns: Iterable[str]) -> dict[str, bool]:
        """Return whether each case passed. The option includes or excludes cases."""
        options = [part for pattern in patterns for part in (option, pattern)]
        command = [kosoku, *options, "--parallelism", "8", "--outdir", str(tmp_path)]
        done = subprocess.run(
            [*command, f"ws://{site.address[0]}:{site.address[1]}/echo"],
            capture_output=True,
            text=True,
            check=False,
        )
        [results] = json.loads((tmp_path / "index.json").read_text()).values()
        passed = {
            case: {result["behavior"], result["behaviorClose"]} <= PASSED
            for case, result in results.items()
        }
        print(f"{len(passed)} cases tried, {sum(passed.values())} passed: {done.stderr}")
        return passed

    passed = try_cases("--exclude", LEFT_OUT)
    assert len(passed) == CASES
    failed = {case for case in passed if not passed[case]}
    if failed != FAILING[on]:
        # Some cases bear no pause of the server, which a busy machine may make once.
        again = try_cases("--include", failed)
        assert set(again) == failed
        failed = {case for case in again if not again[case]}
    assert failed == FAILING[on]
    if on == "daphne":
        site.server.assert_calm()
    else:
        site.server.excuse()  # uvicorn logs some clients' mistakes with a traceback.


# Frames that clients send by mistake or on purpose.

MASK = b"\0\0\0\0"
FRAMES = {
    "empty text": websocket.write_frame(websocket.TEXT, b""),
    "empty binary": websocket.write_frame(websocket.BINARY, b""),
    "binary": websocket.write_frame(websocket.BINARY, b"\x00\xff"),
    "not JSON": websocket.write_frame(websocket.TEXT, b"stop"),
    "deep JSON": websocket.write_frame(websocket.TEXT, b"[" * 50_000),
    "a number": websocket.write_frame(websocket.TEXT, b"1e999"),
    "another op": websocket.write_frame(websocket.TEXT, b'{"op": "start"}'),
    "op of a list": websocket.write_frame(websocket.TEXT, b'{"op": []}'),
    "a surrogate": websocket.write_frame(websocket.TEXT, b'{"op": "\\ud800"}'),
    "stop": websocket.write_frame(websocket.TEXT, b'{"op": "stop"}'),
    "unmasked": websocket.write_frame(websocket.TEXT, b"stop", masked=False),
    "not UTF-8": websocket.write_frame(websocket.TEXT, b"\xff\xfe"),
    "half a character": websocket.write_frame(websocket.TEXT, b"\xf0\x9f"),
    "reserved bits": b"\xf1" + websocket.write_frame(websocket.TEXT, b"stop")[1:],
    "reserved opcode": websocket.write_frame(0x7, b"stop"),
    "reserved control opcode": websocket.write_frame(0xF, b""),
    "continuation of nothing": websocket.write_frame(websocket.CONTINUATION, b"stop"),
    "text in a text": websocket.write_frame(websocket.TEXT, b"a", final=False) * 2,
    "long ping": websocket.write_frame(websocket.PING, b"x" * 126),
    "ping in parts": websocket.write_frame(websocket.PING, b"x", final=False),
    "pings": websocket.write_frame(websocket.PING, b"x" * 125) * 200,
    "pong": websocket.write_frame(websocket.PONG, b"x"),
    "close": websocket.write_frame(websocket.CLOSE, websocket.close_payload(1000)),
    "close without a code": websocket.write_frame(websocket.CLOSE, b""),
    "close of one byte": websocket.write_frame(websocket.CLOSE, b"\x03"),
    "close of code 0": websocket.write_frame(websocket.CLOSE, b"\x00\x00"),
    "close of code 1005": websocket.write_frame(websocket.CLOSE, websocket.close_payload(1005)),
    "close of code 65535": websocket.write_frame(websocket.CLOSE, b"\xff\xff"),
    "close, not UTF-8": websocket.write_frame(websocket.CLOSE, b"\x03\xe8\xff"),
    "long close": websocket.write_frame(websocket.CLOSE, b"\x03\xe8" + b"x" * 124),
    "close, then text": websocket.write_frame(websocket.CLOSE, websocket.close_payload(1000))
    + websocket.write_frame(websocket.TEXT, b"stop"),
    "many messages": websocket.write_frame(websocket.TEXT, b"stop") * 200,
    "length of 2**31": b"\x81\xff" + (2**31).to_bytes(8) + MASK,
    "length of 2**63": b"\x81\xff" + (2**63).to_bytes(8) + MASK,
    "length in too many bytes": b"\x81\xfe\x00\x04" + MASK + b"stop",
    "half a frame": b"\x81\x84" + MASK + b"st",
    "half a header": b"\x81",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "noise": bytes(range(256)) * 16,
}
# Where each client sends its frame, and how it leaves.
PATHS = ("/stream/ws", "/stream/article/ws", "/stream/nowhere/ws", "/nothing")
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
LEAVES = ("waits", "closes", "resets", "before the answer")


# Seconds for which a client waits for the end.
PATIENCE = 1.0


def misbehave(site: Site, path: str, frame: bytes, leaves: str) -> None:
    """Open a WebSocket, send bytes, and leave."""
    with websocket.WebSocket(site.address) as client, suppress(ConnectionError, http.CutShort):
        if leaves == "before the answer":
            client.send(path, headers=HANDSHAKE)
        else:
            assert client.shake_hands(path).status == 101
        client.socket.sendall(frame)
        if leaves == "waits":
            client.socket.settimeout(PATIENCE)
            with suppress(TimeoutError):
                while client.socket.recv(65_536):
                    pass
        elif leaves != "closes":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("shared_site", ["daphne", "uvicorn"], indirect=True)
def test_no_frame_makes_the_site_fail(site: Site):
    tried = [(path, frame, how) for path in PATHS for frame in FRAMES for how in LEAVES]
    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(lambda each: misbehave(site, each[0], FRAMES[each[1]], each[2]), tried):
            pass
    with websocket.connect(site.address, "/stream/ws") as client:
        assert client.read_text()
    failed = tracebacks_of_ours(site.server.log)
    print(f"{len(tried)} clients tried, {len(failed)} tracebacks")
    assert not failed, failed[0]
    if site.server.name == "uvicorn":
        site.server.excuse()  # uvicorn logs some clients' mistakes with a traceback.


def tracebacks_of_ours(log: str) -> list[str]:
    """Return the tracebacks in which the error comes out of the site's own code."""
    found = re.split(r"(?=Traceback \(most recent call last\))", log)[1:]
    return [each for each in found if "/streamsite/" in each or "/demos/" in each]
