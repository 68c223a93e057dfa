"""Keeping, as an operator sees it: the setting, the option of the command, and running servers."""

import pytest

from .engine.reading import Reader
from .inside import keeping
from .raw import http
from .site import SiteMaker
from .waiting import wait_until


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the DATABASE_URL of a new database. It is empty for the embedded one."""
    if request.param == "sqlite":
        return ""
    return str(request.getfixturevalue("postgres").new_database("keeping"))


def test_a_running_server_removes_streams_by_itself(make_site: SiteMaker, database_url: str):
    site = make_site(DATABASE_URL=database_url)
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    site.start()
    site.call(keeping.publish, "old", "text")
    site.call(keeping.publish, "young", "text")
    site.call(keeping.let_time_pass, "old")
    # The first viewer starts the server's heartbeat.
    assert Reader("young").read("sse", site.address).state == "done"
    url = "/stream/old/polling"
    wait_until(lambda: http.get(site.address, url).status == 410, "the stream is removed")
    assert http.get(site.address, "/stream/young/polling").status == 200


def test_the_command_and_the_setting_say_how_long_a_stream_is_kept(make_site: SiteMaker):
    site = make_site(STREAM_KEEP="12h")
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    site.manage("publish", "as-the-site-says", input="x")
    site.manage("publish", "as-it-says", "--keep", "90s", input="x")
    assert site.call(keeping.kept_for, "as-the-site-says") == 12 * 60 * 60
    assert site.call(keeping.kept_for, "as-it-says") == 90
    refused = site.manage("publish", "other", "--keep", "90", input="x")
    assert refused.returncode == 2
    assert "keep='90' is not valid" in refused.stderr
