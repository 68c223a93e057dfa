"""The site and the browser of the tests of the lab."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import chromium
from tests.site import Site, SiteMaker

from .visitor import Visitor


@pytest.fixture(scope="session", params=["daphne"])
def shared_site(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Site:
    """Return a running site with room for the runs of all tests at once."""
    return make_shared_site(servers=[request.param], LAB_MAX_RUNS="20").start()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
def start(site: Site) -> Iterator[Callable[..., Visitor]]:
    """Start runs, each of a visitor of its own: `start(rate=20)`. They end with the test."""
    visitors: list[Visitor] = []

    def started(**options: object) -> Visitor:
        visitors.append(Visitor(site.address).start(**options))
        return visitors[-1]

    yield started
    for visitor in visitors:
        visitor.leave()
