"""A full disk: publishers are told at once, and nothing that was acknowledged is lost."""

import json

from tests.inside import streams, users
from tests.raw import http
from tests.site import Site, SiteMaker

from .disk import SIZE, SmallDisk

PIECE = "x" * 60_000
INSUFFICIENT_STORAGE = 507


def publish(site: Site, token: str, n: int, **more: object) -> http.Response:
    return http.ask(
        site.address,
        "/stream/filled/pieces",
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body=json.dumps({"pieces": [PIECE], "n": n, **more}).encode(),
    )


def test_a_publisher_gets_507_while_the_disk_is_full_and_goes_on_afterwards(
    make_site: SiteMaker, small_disk: SmallDisk
):
    site = make_site(VAR_DIR=str(small_disk.folder)).start()
    token = site.call(users.make_token, "publisher")
    assert publish(site, token, 0).status == 202
    small_disk.fill()
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
    small_disk.free()
    assert publish(site, token, acknowledged, end="done").status == 202
    assert site.call(streams.pieces, "filled") == [PIECE] * (acknowledged + 1)
    site.server.assert_calm()
