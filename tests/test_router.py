"""A site whose database router keeps the engine's tables in a database of their own."""

from .inside import routed
from .raw import http
from .site import SiteMaker


def test_the_engine_reads_and_writes_where_the_router_lets_it_write(make_site: SiteMaker):
    site = make_site(DJANGO_SETTINGS_MODULE="tests.inside.routed")
    assert site.call(routed.publish_and_read) == [
        "one two",
        2,
        "edited again",
        {"sse": 2},
        "robot",
    ]


def test_the_site_starts_when_the_database_of_the_engine_is_migrated(make_site: SiteMaker):
    site = make_site(DJANGO_SETTINGS_MODULE="tests.inside.routed")
    site.server.launch()
    assert site.server.wait() == 1
    assert "the database of DATABASES['streams'] lacks some migrations" in site.log
    assert "Traceback" not in site.log
    assert site.manage("migrate", "--database", "streams").returncode == 0
    site.start()
    assert http.get(site.address, "/readyz").json["database"] == "ok"


def test_a_site_that_lacks_the_database_of_the_engine_is_not_ready(make_site: SiteMaker):
    site = make_site(DJANGO_SETTINGS_MODULE="tests.inside.routed")
    assert site.manage("migrate", "--database", "streams").returncode == 0
    site.start()
    site.call(routed.lose_streams)
    ready = http.get(site.address, "/readyz")
    assert (ready.status, ready.json["database"]) == (503, "NotMigrated")
    site.server.excuse()
