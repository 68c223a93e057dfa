"""A full disk: publishers are told at once, and nothing that was acknowledged is lost."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.inside import streams, users
from tests.raw import http
from tests.site import Site, SiteMaker

SIZE = 12 * 1024 * 1024
PIECE = "x" * 60_000
INSUFFICIENT_STORAGE = 507


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("Only root can make a small disk.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))


def publish(site: Site, token: str, n: int, **more: object) -> http.Response:
    return http.ask(
        site.address,
        "/stream/filled/pieces",
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body=json.dumps({"pieces": [PIECE], "n": n, **more}).encode(),
    )


def test_a_publisher_gets_507_while_the_disk_is_full_and_goes_on_afterwards(
    make_site: SiteMaker, small_disk: Path
):
    site = make_site(VAR_DIR=str(small_disk)).start()
    token = site.call(users.make_token, "publisher")
    assert publish(site, token, 0).status == 202
    fill(small_disk)
    acknowledged = 1
    # SQLite first writes into pages that its log has already.
    while (answer := publish(site, token, acknowledged)).status == 202:
        acknowledged += 1
        assert acknowledged * len(PIECE) < SIZE
    assert answer.status == INSUFFICIENT_STORAGE, answer.text
    assert "disk" in answer.json["detail"]
    assert answer.headers["retry-after"]
    # Readers are served, and get what was acknowledged.
    polled = http.get(site.address, "/stream/filled/polling?limit=1000").json
    assert polled["after"] <= acknowledged
    assert polled["state"] == "live"
    (small_disk / "filler").unlink()
    assert publish(site, token, acknowledged, end="done").status == 202
    assert site.call(streams.pieces, "filled") == [PIECE] * (acknowledged + 1)
    site.server.assert_calm()
