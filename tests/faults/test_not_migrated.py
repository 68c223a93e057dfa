"""A database that lacks a table is not away: waiting mends nothing, and the answer says so."""

import pytest

from tests.engine.publisher import Publisher
from tests.inside import streams, users
from tests.postgres import Postgres
from tests.raw import http, websocket
from tests.site import SiteMaker

TABLE, ELSEWHERE = "streams_stream", "streams_gone"
ADVICE = "The database lacks a table or a column. Run `manage.py migrate`."


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_who_forgets_to_migrate_is_told_so(make_site: SiteMaker, postgres: Postgres, database: str):
    variables = {}
    if database == "postgres":
        variables["DATABASE_URL"] = postgres.new_database("unmigrated")
    site = make_site(**variables)
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    site.start()
    inside = Publisher(site.env)
    bearer = {"Authorization": f"Bearer {inside.call(users.make_token, 'forgetful')}"}
    inside.call(streams.rename_table, TABLE, ELSEWHERE)
    for target, request in (
        ("/stream/a/polling", {}),
        ("/stream/a/events", {}),
        ("/stream/a/pieces", {"method": "POST", "body": b'{"pieces": ["a"]}', "headers": bearer}),
    ):
        answer = http.ask(site.address, target, **request)
        assert (answer.status, answer.json) == (500, {"detail": ADVICE}), target
        assert "retry-after" not in answer.headers
    with websocket.connect(site.address, "/stream/a/ws") as socket:
        assert socket.closed() == 4500
    site.server.assert_calm()
    # A page of Django is no outage, either. Django logs it.
    assert http.get(site.address, "/live/list").status == 500
    site.server.excuse()
    lines = [line for line in site.server.log.splitlines() if ADVICE in line]
    assert all(TABLE in line for line in lines)
    assert lines
    assert "does not answer" not in site.server.log
    # The tables come, and nothing has to be restarted.
    inside.call(streams.rename_table, ELSEWHERE, TABLE)
    inside.kill()
    assert http.get(site.address, "/stream/a/polling").status == 404
