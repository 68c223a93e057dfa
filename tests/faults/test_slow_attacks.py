"""Slowloris and its kind: 500 slow connections to nginx don't touch the viewers behind nginx."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from tests.engine.publisher import Publisher, new_name
from tests.engine.reading import TRANSPORTS, Reader
from tests.waiting import PATIENCE, wait_until

from .deployment import Deployment
from .harness import Count

CONNECTIONS = 500
VIEWERS = 20
# Seconds between two pieces.
PACE = 0.05
# Slow headers, slow bodies and slow reading: the options of slowhttptest, and the address.
ATTACKS = {
    "headers": ["-H", "-i", "2", "-x", "24"],
    "bodies": ["-B", "-i", "2", "-s", "8192", "-x", "24"],
    # A window of some bytes, and a page that is much larger.
    "reading": ["-X", "-w", "10", "-y", "20", "-n", "2", "-z", "8", "-k", "3"],
}


def attacker() -> str:
    """Return the path of slowhttptest.

    Without the program, skip the test, or fail it with REQUIRE_NGINX=1.
    """
    if found := shutil.which("slowhttptest"):
        return found
    reason = "There is no slowhttptest on the PATH: on Debian, `apt-get install slowhttptest`."
    if os.environ.get("REQUIRE_NGINX") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def publisher(deployment: Deployment) -> Iterator[Publisher]:
    publisher = Publisher(deployment.site.env)
    yield publisher
    publisher.kill()


@pytest.mark.parametrize("attack", ATTACKS)
def test_slow_clients_touch_no_viewer(
    deployment: Deployment, publisher: Publisher, count: Count, long: bool, attack: str
):
    seconds = 60 if long else 20
    command = [attacker(), "-c", f"{CONNECTIONS}", "-r", f"{CONNECTIONS}", "-l", f"{seconds}"]
    texts = [f"{number} 🦊\n" for number in range(int(seconds / PACE))]
    source = publisher.open(new_name("attacked"))
    readers = [Reader(source.name) for _ in range(VIEWERS)]
    with ThreadPoolExecutor(VIEWERS) as pool:
        # A reader reads over one connection, or one request after the other. A lost connection
        # fails, too.
        reading = [
            pool.submit(reader.read, transport, deployment.address)
            for reader, transport in zip(readers, cycle(TRANSPORTS), strict=False)
        ]
        source.write(texts[0])
        wait_until(lambda: all(reader.texts for reader in readers), "all viewers are there")
        source.begin(texts[1:], pause=PACE)
        attacked = subprocess.run(
            [*command, *ATTACKS[attack], "-u", f"{deployment.url}/en/"],
            capture_output=True,
            text=True,
            timeout=seconds + PATIENCE,
            check=False,
        )
        source.expect("written")
        source.end()
        for reader, future in zip(readers, reading, strict=True):
            count.tried += 1
            try:
                future.result(PATIENCE)
                assert reader.texts == texts, f"{len(reader.texts)} of {len(texts)} pieces"
            except (AssertionError, OSError) as failure:
                count.failures.append(f"{failure}")
    # The short form may end before a busy machine has made all connections, each with TLS.
    said = re.sub(r"\x1b\[[0-9;]*m", "", attacked.stdout)
    connected = [int(number) for number in re.findall(r"connected: +(\d+)", said)]
    assert max(connected, default=0) > CONNECTIONS / 4, said + attacked.stderr
    assert count.failures == []
