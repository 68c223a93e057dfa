"""Fixtures for the chat: browsers at the shared sites, whose source does what a question asks."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from tests.site import Site

from .front import Front

NUMBERS = count()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Yield a stack that closes the browsers of a test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def front(backend_site: Site, opened: ExitStack) -> Front:
    """Return a browser at the first process of a site on each entry of `BACKENDS`."""
    return Front(backend_site, opened)


@pytest.fixture
def elsewhere(backend_site: Site, front: Front) -> Front:
    """Return the browser of `front` at the last process of the site."""
    return front.at(backend_site.servers[-1])


@pytest.fixture
def key() -> str:
    """Return the id of a new conversation."""
    return f"chat-{next(NUMBERS)}"
