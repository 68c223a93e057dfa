"""Viewers who are connected are asked again whether they may watch, for a bounded cost."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from streamsite.streams import Policy, Stream, publish
from streamsite.streams.http.admissions import PERIOD, Admission, Admissions
from streamsite.streams.http.links import viewer_link
from streamsite.streams.http.sessions import Request
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]

# Seconds: one heartbeat or two, as a viewer who may not watch any more goes on receiving.
PROMISE = 4.0


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def private(owner: User) -> Iterator[Stream]:
    with ExitStack() as stack:
        stack.enter_context(publish("private", owner=owner))
        stack.enter_context(publish("public", visibility="public"))
        yield Stream.objects.get(name="private")


@pytest.fixture
def cookie(owner: User, client: Client) -> str:
    client.force_login(owner)
    return client.cookies.output(attrs=[], header="").strip()


def admit(admissions: Admissions, stream: Stream, cookie: str = "", query: str = "") -> Admission:
    """Admit a viewer who comes with this cookie and this query, from a port of its own."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": f"/stream/{stream.name}/events",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
        "client": ("203.0.113.7", 1),
    }
    admission = Admission(Request(scope, BytesIO()), stream)
    admissions._open.add(admission)
    return admission


def lost(*admissions: Admission) -> list[int | None]:
    """Return the statuses with which the viewers lost the right to watch."""
    return [None if each.lost is None else each.lost.status for each in admissions]


@pytest.fixture
def admissions(settings: Any) -> Admissions:
    settings.ALLOWED_HOSTS = ["localhost"]
    return Admissions()


def check(admissions: Admissions) -> int:
    """Ask for all viewers once, and return the number of queries."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        async_to_sync(admissions.check)()
    return len(queries)


def test_who_may_watch_keeps_watching_and_who_may_not_any_more_is_told(
    admissions: Admissions, private: Stream, owner: User, cookie: str
):
    public = Stream.objects.get(name="public")
    mine = admit(admissions, private, cookie)
    linked = admit(admissions, private, query=viewer_link(private, expires=timedelta(hours=1)))
    stranger = admit(admissions, public)
    gone = admit(admissions, private)
    admissions.discard(gone)
    check(admissions)
    assert lost(mine, linked, stranger, gone) == [None] * 4
    User.objects.filter(pk=owner.pk).update(is_active=False)
    heard: list[Exception] = []
    mine.on_lost = heard.append
    check(admissions)
    assert lost(mine, linked, stranger, gone) == [404, None, None, None]
    assert heard == [mine.lost]
    Stream.objects.filter(name="public").update(visibility="owner")
    check(admissions)
    assert lost(linked, stranger) == [None, 404]


def test_a_session_that_was_deleted_opens_nothing_any_more(
    admissions: Admissions, private: Stream, cookie: str, client: Client
):
    mine = admit(admissions, private, cookie)
    client.session.delete()
    check(admissions)
    assert lost(mine) == [404]


def test_the_cost_grows_with_the_credentials_and_not_with_the_viewers(
    admissions: Admissions, private: Stream, cookie: str
):
    public = Stream.objects.get(name="public")
    admit(admissions, private, cookie)
    few = check(admissions)
    for _ in range(200):
        admit(admissions, private, cookie)
        admit(admissions, public)
    assert check(admissions) == few


class ByAddress(Policy):
    """A policy that looks at more than the usual credentials."""

    def may_watch(self, request: Any, stream: Stream) -> bool:
        return request.GET.get("team") == "a"


def test_a_policy_of_the_project_is_asked_with_all_that_a_viewer_brought(
    admissions: Admissions, private: Stream, settings
):
    settings.STREAM_POLICY = f"{__name__}.ByAddress"
    one, same, other = (
        admit(admissions, private, query=query)
        for query in ("team=a&after=1", "team=a&after=2", "team=b")
    )
    check(admissions)
    assert lost(one, same, other) == [None, None, 404]


def test_viewers_are_asked_about_within_the_promised_time():
    assert PERIOD <= PROMISE
