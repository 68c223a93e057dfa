"""What `/readyz` tells a load balancer while a part of the site is away."""

from tests.postgres import Postgres
from tests.raw import http
from tests.site import Site, SiteMaker
from tests.valkey import Valkey
from tests.waiting import wait_until

from .disk import SmallDisk

# Bytes of the smallest index of SQLite's write-ahead log (https://sqlite.org/walformat.html).
INDEX = 32 * 1024


def readiness(site: Site) -> tuple[int, dict[str, str]]:
    answer = http.get(site.address, "/readyz")
    return answer.status, answer.json


def test_without_valkey_a_site_is_ready_and_says_that_it_is_degraded(
    make_site: SiteMaker, valkey: Valkey
):
    site = make_site(REDIS_URL=valkey.url).start()
    ok = {"status": "ok", "database": "ok", "channel_layer": "ok"}
    assert readiness(site) == (200, ok)
    valkey.stop()
    status, without = readiness(site)
    assert (status, without["status"], without["database"]) == (200, "degraded", "ok")
    assert without["channel_layer"] != "ok"
    # Reading needs no channel layer.
    assert http.get(site.address, "/stream/polling?cnt=0").status == 200
    valkey.start()
    wait_until(lambda: readiness(site) == (200, ok), "the site is well again")


def test_on_a_full_disk_everything_can_be_read_and_the_site_says_that_it_is_degraded(
    make_site: SiteMaker, small_disk: SmallDisk
):
    # No request came before: SQLite would need space to open the database for the first one.
    site = make_site(VAR_DIR=str(small_disk.folder)).start()
    index = small_disk.folder / "db.sqlite3-shm"
    # SQLite makes the file first, and then takes its space.
    wait_until(
        lambda: index.exists() and index.stat().st_size >= INDEX,
        "the server has opened the database",
    )
    small_disk.fill()
    status, told = readiness(site)
    assert (status, told["status"], told["database"]) == (200, "degraded", "disk full")
    for target in ("/en/live/", "/en/live/list", "/en/", "/stream/article/polling"):
        assert http.get(site.address, target).status == 200, target
    small_disk.free()
    assert readiness(site)[1]["status"] == "ok"


def test_without_its_database_a_site_is_not_ready_until_the_database_is_back(
    own_postgres: Postgres, make_site: SiteMaker
):
    site = make_site(DATABASE_URL=own_postgres.new_database("ready"))
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    site.start()
    assert readiness(site)[0] == 200
    own_postgres.stop()
    status, told = readiness(site)
    assert (status, told["status"], told["channel_layer"]) == (503, "unavailable", "ok")
    assert told["database"] != "ok"
    own_postgres.start()
    wait_until(lambda: readiness(site)[0] == 200, "the site is ready again")
