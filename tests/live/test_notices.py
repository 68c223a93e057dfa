"""The announcements with which the list updates itself."""

import re
import time
from contextlib import ExitStack

import pytest
from redis import Redis

from tests.engine.people import introduce
from tests.engine.publisher import Publisher
from tests.inside import streams
from tests.process import threads
from tests.raw import http
from tests.site import Server, SiteMaker
from tests.valkey import Valkey
from tests.waiting import PATIENCE, wait_until

from .publishing import ON_EVERY_SERVER, get, listed, new_name, put

# Announcements.


class Notices:
    """A client that receives the announcements, as a page does."""

    def __init__(self, server: Server) -> None:
        self._connection = http.Connection(server.address)

    def __enter__(self) -> "Notices":
        self._connection.__enter__()
        self._connection.send("/notices/")
        head = http.read_head(self._connection.file)
        assert head.status == 200
        assert head.headers["content-type"] == "text/event-stream"
        assert self.next() == "stream-open"
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.__exit__(*error)

    def next(self) -> str:
        """Return the name of the next event that is not a keep-alive."""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, "no announcement comes, only keep-alives"
            chunk, _wire = http.read_chunk(self._connection.file)
            names = re.findall(rb"^event: (.*)$", chunk, re.MULTILINE)
            # An announcement has no data.
            assert not re.search(rb'^data: (?!""$|$)', chunk, re.MULTILINE), chunk
            for name in names:
                if name != b"keep-alive":
                    return name.decode()


@ON_EVERY_SERVER
def test_a_stream_is_announced_when_it_is_made_watched_and_ended(site, people):
    name = new_name()
    with Notices(site.server) as notices:
        put(site.server, people["owner"], name)
        assert notices.next() == "changed"
        with http.Connection(site.address) as viewer:
            viewer.send(f"/stream/{name}/chunked")
            assert notices.next() == "changed"
        assert notices.next() == "changed"
        put(site.server, people["owner"], name, pieces=[], end="done")
        assert notices.next() == "changed"


def test_a_deleted_stream_is_announced(make_site):
    # The publisher is another process, and its announcements do not arrive without Redis. So the
    # deletion, which this site's server does, is all that this server announces.
    site = make_site().start()
    publisher = Publisher(site.env)
    try:
        staff = introduce(publisher)["staff"]
        source = publisher.open(new_name(), visibility="public")
        source.end()
        pk = publisher.call(streams.primary_key, source.name)
        with Notices(site.server) as notices:
            deleted = http.ask(
                site.address,
                f"/admin/streams/stream/{pk}/delete/",
                method="POST",
                headers={**staff.form, "Content-Type": "application/x-www-form-urlencoded"},
                body=b"post=yes",
            )
            assert deleted.status == 302
            assert notices.next() == "changed"
        assert source.name not in listed(get(site, "/live/").text)
    finally:
        publisher.kill()


@ON_EVERY_SERVER
def test_listeners_need_no_threads(site):
    with ExitStack() as stack:
        stack.enter_context(Notices(site.server))
        before = threads(site.server.pid)
        for _listener in range(40):
            stack.enter_context(Notices(site.server))
        assert threads(site.server.pid) <= before + 2


@pytest.mark.parametrize(
    "query", ["?channel=other", "?recover=true", "?es-meta=x", "?lastEventId=x"]
)
def test_a_listener_cannot_choose_a_channel_or_a_cursor(site, query):
    with http.Connection(site.address) as connection:
        connection.send(f"/notices/{query}")
        assert http.read_head(connection.file).status == 200


def test_announcements_reach_other_processes_and_come_back_after_an_outage(
    make_site: SiteMaker, valkey: Valkey
):
    site = make_site(servers=["daphne"] * 2, REDIS_URL=valkey.url).start()
    publisher = Publisher(site.env)
    owner = introduce(publisher)["owner"]
    publisher.kill()
    here, there = site.servers
    with Notices(there) as notices:
        # The response begins before the process has subscribed to Redis.
        wait_until(lambda: has_subscribers(valkey), "the process subscribes")
        put(here, owner, new_name())
        assert notices.next() == "changed"
        valkey.stop()
        # By then the listener of django-eventstream would have given up.
        wait_until(lambda: "Redis doesn't answer" in there.log, "the listener notices the outage")
        valkey.start()
        wait_until(lambda: has_subscribers(valkey), "the process subscribes again")
        put(here, owner, new_name())
        assert notices.next() == "changed"


def has_subscribers(valkey: Valkey) -> bool:
    with Redis.from_url(valkey.url) as redis:
        return dict(redis.pubsub_numsub("events_channel"))[b"events_channel"] > 0
