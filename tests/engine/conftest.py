"""A publisher beside each site, and its users."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.site import Site

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
