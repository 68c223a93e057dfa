"""A site that goes back to the version before."""

import pytest

from tests.inside import keeping
from tests.postgres import Postgres
from tests.site import SiteMaker


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_version_before_refuses_no_name_of_a_deleted_stream(
    make_site: SiteMaker, postgres: Postgres, database: str
):
    # That version takes each tombstone for one of a stream that was removed.
    env = {"DATABASE_URL": postgres.new_database("before")} if database == "postgres" else {}
    site = make_site(**env)
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    assert site.call(keeping.delete_and_remove, "deleted", "removed") == ["deleted", "removed"]
    back = site.manage("migrate", "streams", "0008", "--verbosity", "0")
    assert back.returncode == 0, back.stderr
    assert site.call(keeping.tombstones) == ["removed"]
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
