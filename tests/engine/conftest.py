"""Fixtures: a process of sources beside each site, and the site's users."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.site import Site, SiteMaker
from tests.valkey import Valkey

from .people import Person, introduce
from .publisher import Publisher


@pytest.fixture(scope="session")
def publisher(shared_backend_site: Site) -> Iterator[Publisher]:
    """Yield a process of sources beside the servers of `backend_site`."""
    publisher = Publisher(shared_backend_site.env)
    yield publisher
    publisher.kill()


@pytest.fixture(scope="session")
def people(publisher: Publisher) -> dict[str, Person]:
    """Return the users of `backend_site`: "owner", "staff" and "stranger"."""
    return introduce(publisher)


@pytest.fixture(scope="session")
def at_once() -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads for readers and requests that run at the same time."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def own_site(valkey: Valkey, make_site: SiteMaker) -> Site:
    """Return a running site of two servers that no other test uses."""
    return make_site(servers=["daphne"] * 2, REDIS_URL=valkey.url).start()


@pytest.fixture
def own_publisher(own_site: Site) -> Iterator[Publisher]:
    """Yield a process of sources beside `own_site`."""
    publisher = Publisher(own_site.env)
    yield publisher
    publisher.kill()
