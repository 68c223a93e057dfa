"""A publisher beside each site, and its users."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.site import Site, SiteMaker
from tests.valkey import Valkey

from .people import Person, introduce
from .publisher import Publisher


@pytest.fixture(scope="session")
def publisher(shared_backend_site: Site) -> Iterator[Publisher]:
    """Sources in a process of their own, beside the servers of each kind of site."""
    publisher = Publisher(shared_backend_site.env)
    yield publisher
    publisher.kill()


@pytest.fixture(scope="session")
def people(publisher: Publisher) -> dict[str, Person]:
    return introduce(publisher)


@pytest.fixture(scope="session")
def at_once() -> Iterator[ThreadPoolExecutor]:
    """Threads, for what happens at the same time."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def own_site(valkey: Valkey, make_site: SiteMaker) -> Site:
    """A site of two servers, on which nothing else goes on."""
    return make_site(servers=["daphne"] * 2, REDIS_URL=valkey.url).start()


@pytest.fixture
def own_publisher(own_site: Site) -> Iterator[Publisher]:
    publisher = Publisher(own_site.env)
    yield publisher
    publisher.kill()
