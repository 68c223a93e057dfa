"""Fixtures of the tests of floods, outages and deploys."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.postgres import Postgres

from .deployment import Deployment, deploy
from .disk import SmallDisk
from .harness import Count


@pytest.fixture(scope="session")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, static_root: Path, postgres: Postgres
) -> Iterator[Deployment]:
    with ExitStack() as stack:
        yield deploy(stack, tmp_path_factory, static_root, postgres)


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """Yield a PostgreSQL server that no other test uses."""
    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Yield a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = SmallDisk(folder)
    yield disk
    disk.unmount()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Yield a stack that closes at its end what a test has opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Iterator[Count]:
    """Yield a count of what was tried and what failed, which pytest prints at its end."""
    count = Count()
    yield count
    record_property("count", str(count))


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Return whether to run the long form of the test."""
    return request.config.getoption("long")
