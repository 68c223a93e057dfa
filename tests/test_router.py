"""A site whose database router keeps the engine's tables in a database of their own."""

from .inside import routed
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
