"""The site and the browser of the tests of the page."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import chromium
from tests.site import Site, SiteMaker

from .page import LANGUAGES


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def ask_site(make_shared_site: SiteMaker) -> Site:
    return make_shared_site(CHAT_SOURCE="tests.inside.chatter.answer").start()


@pytest.fixture
def asked(ask_site: Site) -> Iterator[Site]:
    yield ask_site
    ask_site.server.assert_calm()


@pytest.fixture(params=LANGUAGES)
def address(request: pytest.FixtureRequest, asked: Site) -> str:
    return f"{asked.url}{LANGUAGES[request.param]}/ask/"


@pytest.fixture
def english(asked: Site) -> str:
    return f"{asked.url}/en/ask/"


@pytest.fixture(params=["sse", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param
