"""A producer whose database is away: it says so briefly, and loses nothing."""

import fcntl
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from tests.inside import streams
from tests.postgres import Postgres
from tests.site import ROOT, Site, SiteMaker, environment
from tests.waiting import PATIENCE, wait_until

# Seconds, to which the start of PostgreSQL adds. With a traceback for each attempt, a producer
# logged 64 KiB in this time.
OUTAGE = 4
# Producers in one process. Each of them meets the outage.
PRODUCERS = 20
# A child is blocked when nobody reads what it wrote and the pipe is full.
PIPE = 64 * 1024


@pytest.fixture
def away(own_postgres: Postgres, make_site: SiteMaker) -> Site:
    """Return the environment of a site whose database the test may stop."""
    site = make_site(DATABASE_URL=own_postgres.new_database("away"))
    assert site.manage("migrate").returncode == 0
    return site


def test_a_producer_that_waits_for_its_database_says_so_in_few_lines(
    away: Site, own_postgres: Postgres
):
    names = [f"patient-{number}" for number in range(PRODUCERS)]
    producers = subprocess.Popen(
        [sys.executable, "-m", "tests.inside.patient", *names],
        cwd=ROOT,
        env=environment({"DJANGO_SETTINGS_MODULE": "streamsite.settings", **away.env}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # Nobody reads it before the end.
    )
    try:
        assert producers.stdout.readline() == b"opened\n"
        own_postgres.stop()
        began = time.monotonic()
        wait_until(lambda: waiting(producers.stderr.fileno()), "the producers tell the outage")
        producers.stdin.write(b"write\n")
        producers.stdin.flush()
        assert producers.stdout.readline() == b"written\n"
        threading.Event().wait(began + OUTAGE - time.monotonic())
        own_postgres.start()
        _, told = producers.communicate(timeout=PATIENCE)
        passed = time.monotonic() - began
    finally:
        producers.kill()
    assert producers.returncode == 0, told.decode()
    assert b"Traceback" not in told
    lines = told.decode().splitlines()
    assert "The database does not answer" in lines[0]
    # One line a second at most, whatever the number of producers, and one at the end.
    assert len(lines) <= passed + 2, told.decode()
    assert away.call(streams.standings, names) == [["done", 2]] * PRODUCERS


def waiting(descriptor: int) -> int:
    """Return how many bytes a pipe holds that nobody has read."""
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
    assert count < PIPE, "the producers are blocked"
    return count
