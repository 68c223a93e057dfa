"""The sites that tests run against, each a real one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from .backends import BACKENDS
from .postgres import Postgres
from .site import Site, SiteMaker
from .valkey import Valkey

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A site may be made again, where tests of other files came between.
NUMBERS = count()

# Pages of these origins may read the shared site's streams.
ALLOWED_ORIGINS = ("https://example.com", "http://localhost:3000")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect of a server what the marks say of it."""
    for item in items:
        for mark in item.iter_markers("upstream"):
            server, why = mark.args
            if server in item.callspec.params.values():
                item.add_marker(pytest.mark.xfail(reason=why))


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of static files for all sites, collected by the first."""
    return tmp_path_factory.mktemp("static")


def site_maker(stack: ExitStack, factory: pytest.TempPathFactory, static_root: Path) -> SiteMaker:
    def make(*, servers: Sequence[str] = ("daphne",), **env: str) -> Site:
        site = Site(factory.mktemp("site"), {"STATIC_ROOT": str(static_root), **env}, servers)
        stack.callback(site.stop)
        # Shown only when the test fails.
        stack.callback(lambda: print(site.log))
        return site

    return make


@pytest.fixture(scope="session")
def make_shared_site(
    tmp_path_factory: pytest.TempPathFactory, static_root: Path
) -> Iterator[SiteMaker]:
    with ExitStack() as stack:
        yield site_maker(stack, tmp_path_factory, static_root)


@pytest.fixture
def make_site(tmp_path_factory: pytest.TempPathFactory, static_root: Path) -> Iterator[SiteMaker]:
    """Make sites, with variables as keywords; the test starts them. They are stopped after it."""
    with ExitStack() as stack:
        yield site_maker(stack, tmp_path_factory, static_root)


@pytest.fixture(scope="session", params=["daphne"])
def shared_site(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Site:
    """On daphne, or where a test is marked so, on each server."""
    origins = ",".join(ALLOWED_ORIGINS)
    return make_shared_site(servers=[request.param], STREAM_ALLOWED_ORIGINS=origins).start()


def watched(site: Site) -> Iterator[Site]:
    """Lend a site to a test, and look afterwards how it took it."""
    yield site
    for server in site.servers:
        assert server.running
        server.assert_calm()


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A running site, embedded database and in-memory layer, that all tests share."""
    yield from watched(shared_site)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=BACKENDS)
def shared_backend_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, static_root: Path
) -> Iterator[Site]:
    backend = BACKENDS[request.param]
    env = {}
    with ExitStack() as stack:
        if backend.valkey:
            # One of its own: a Valkey's channels are shared by all its databases.
            valkey = Valkey(tmp_path_factory.mktemp("valkey")).start()
            stack.callback(valkey.stop)
            env["REDIS_URL"] = valkey.url
        if backend.postgres:
            env["DATABASE_URL"] = request.getfixturevalue("postgres").new_database(
                f"shared-{next(NUMBERS)}"
            )
        site = site_maker(stack, tmp_path_factory, static_root)(servers=backend.servers, **env)
        if backend.postgres:
            migrated = site.manage("migrate", "--verbosity", "0")
            assert migrated.returncode == 0, migrated.stderr
        yield site.start()


@pytest.fixture
def backend_site(shared_backend_site: Site) -> Iterator[Site]:
    """A running site on each kind of database, channel layer and number of processes."""
    yield from watched(shared_backend_site)
