"""Fixtures of the tests of the live pages."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import chromium
from tests.engine.people import Person, introduce
from tests.engine.publisher import Publisher
from tests.site import Site, SiteMaker

from .publishing import LANGUAGES


@pytest.fixture(scope="module", params=["daphne"])
def live_site(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Site:
    return make_shared_site(servers=[request.param]).start()


@pytest.fixture
def site(live_site: Site) -> Iterator[Site]:
    yield live_site
    live_site.server.assert_calm()


@pytest.fixture(scope="module")
def publisher(live_site: Site) -> Iterator[Publisher]:
    publisher = Publisher(live_site.env)
    yield publisher
    publisher.kill()


@pytest.fixture(scope="module")
def people(publisher: Publisher) -> dict[str, Person]:
    return introduce(publisher)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(params=LANGUAGES)
def prefix(request: pytest.FixtureRequest) -> str:
    return LANGUAGES[request.param]
