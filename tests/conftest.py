"""Fixtures: the sites that the tests run against, each with real server processes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from .backends import BACKENDS
from .postgres import Postgres
from .site import SERVERS, Site, SiteMaker
from .valkey import Valkey

# pytest shows the values in a failed assertion of these modules as in those of test modules.
pytest.register_assert_rewrite(
    "tests.ask",
    "tests.browser",
    "tests.chat",
    "tests.commands",
    "tests.engine",
    "tests.faults",
    "tests.lab",
    "tests.live",
    "tests.nginx",
)

# An example may take longer than hypothesis allows when the machine is busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Numbers for databases, because pytest may make a site a second time after tests of other files.
NUMBERS = count()

# Pages of these origins may read the shared site's streams.
ALLOWED_ORIGINS = ("https://example.com", "http://localhost:3000")

# A run without options covers daphne, and the engine on the two back ends furthest apart. The rest
# of the matrix takes as long again.
OUTSIDE = {*SERVERS, *BACKENDS} - {"daphne", "sqlite", "postgres-valkey"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--matrix",
        choices=("core", "rest", "all"),
        default="core",
        help="the servers and back ends to test: daphne on SQLite and on PostgreSQL with Valkey "
        "(core), all others (rest), or all",
    )
    parser.addoption(
        "--long",
        action="store_true",
        help="run the long forms of the tests in tests/faults: more viewers, kills and restarts "
        "(with --timeout 0)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select tests by --matrix. A test may fail on the server that its `upstream` mark names."""
    matrix = config.getoption("matrix")
    if matrix != "all":
        outside = [item for item in items if OUTSIDE & parameters(item)]
        inside = [item for item in items if not OUTSIDE & parameters(item)]
        items[:], deselected = (outside, inside) if matrix == "rest" else (inside, outside)
        config.hook.pytest_deselected(items=deselected)
    for item in items:
        for mark in item.iter_markers("upstream"):
            server, why = mark.args
            if server in item.callspec.params.values():
                item.add_marker(pytest.mark.xfail(reason=why))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests of tests/faults counted: see the fixture `count`."""
    counts = sorted(
        f"{report.nodeid.rpartition('::')[2]}: {said}"
        for report in terminalreporter.getreports("")
        for name, said in report.user_properties
        if name == "count" and report.when == "teardown"
    )
    if counts:
        terminalreporter.section("counts")
        terminalreporter.write_line("\n".join(counts))


def parameters(item: pytest.Item) -> set[object]:
    """Return the names of servers and back ends with which a test is parametrized."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {value for value in values if isinstance(value, str)}


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder of static files for all sites. The first site collects the files."""
    return tmp_path_factory.mktemp("static")


def site_maker(stack: ExitStack, factory: pytest.TempPathFactory, static_root: Path) -> SiteMaker:
    """Return a function that makes sites, which `stack` stops."""

    def make(*, servers: Sequence[str] = ("daphne",), **env: str) -> Site:
        site = Site(factory.mktemp("site"), {"STATIC_ROOT": str(static_root), **env}, servers)
        stack.callback(site.stop)
        # pytest shows the log only when the test fails.
        stack.callback(lambda: print(site.log))
        return site

    return make


@pytest.fixture(scope="session")
def make_shared_site(
    tmp_path_factory: pytest.TempPathFactory, static_root: Path
) -> Iterator[SiteMaker]:
    """Make sites that run to the end of the session, as `make_site` does for one test."""
    with ExitStack() as stack:
        yield site_maker(stack, tmp_path_factory, static_root)


@pytest.fixture
def make_site(tmp_path_factory: pytest.TempPathFactory, static_root: Path) -> Iterator[SiteMaker]:
    """Make sites from environment variables, given as keywords. The test starts the sites.

    Example: `make_site(servers=["uvicorn"], REDIS_URL=valkey.url).start()`. The sites are stopped
    after the test.
    """
    with ExitStack() as stack:
        yield site_maker(stack, tmp_path_factory, static_root)


@pytest.fixture(scope="session", params=["daphne"])
def shared_site(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Site:
    """Return a running site on daphne, or on each server where the test has `ON_EVERY_SERVER`."""
    origins = ",".join(ALLOWED_ORIGINS)
    return make_shared_site(servers=[request.param], STREAM_ALLOWED_ORIGINS=origins).start()


def watched(site: Site) -> Iterator[Site]:
    """Yield a site, and check afterwards that its servers run and logged no traceback."""
    yield site
    for server in site.servers:
        assert server.running
        server.assert_calm()


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """Yield the running site that all tests share: SQLite, in-memory channel layer, one process."""
    yield from watched(shared_site)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a running PostgreSQL server without databases of its own."""
    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """Yield a running Valkey server, which the test may stop and start again."""
    server = Valkey(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=BACKENDS)
def shared_backend_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, static_root: Path
) -> Iterator[Site]:
    """Yield a running site on each entry of `BACKENDS`, to the end of the session."""
    backend = BACKENDS[request.param]
    env = {"CHAT_SOURCE": "tests.inside.chatter.answer"}
    with ExitStack() as stack:
        if backend.valkey:
            # A Valkey for each site, because the databases of a Valkey share its channels.
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
    """Yield a running site on each entry of `BACKENDS`."""
    yield from watched(shared_backend_site)
