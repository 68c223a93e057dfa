"""Fixtures of the tests of floods, outages and deploys."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.postgres import Postgres

from .deployment import Deployment, deploy


@pytest.fixture(scope="session")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, static_root: Path, postgres: Postgres
) -> Iterator[Deployment]:
    with ExitStack() as stack:
        yield deploy(stack, tmp_path_factory, static_root, postgres)
