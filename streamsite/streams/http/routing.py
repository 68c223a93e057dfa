"""The endpoint that a request or a WebSocket asks for, found in the URLconf of the site.

The URLconf is the only place that says where the engine is mounted.
"""

from functools import lru_cache
from inspect import isawaitable
from typing import Any, NamedTuple

from django.core.handlers.asgi import get_script_prefix
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, get_resolver

from .endpoints import Endpoint, endpoint_of

# How many resolved paths a process caches.
CACHE_SIZE = 4096
# The longest path in the cache, in characters. Longer paths belong to no endpoint of a site, and a
# client could fill the memory with them.
CACHED_LENGTH = 256


class Found(NamedTuple):
    """An endpoint, and what its address contains."""

    endpoint: Endpoint
    match: ResolverMatch


class Router:
    """Find the endpoints in the site's URLconf.

    The first call of `find` imports the URLconf.
    """

    def __init__(self) -> None:
        self._cached = lru_cache(CACHE_SIZE)(resolve)

    def find(self, scope: Any) -> Found | None:
        """Return the endpoint that a scope asks for, or None if no endpoint has the path."""
        # As Django's ASGIRequest. Below a root path, some servers put the root path before the
        # path, and others leave that to their proxy.
        path = scope["path"].removeprefix(get_script_prefix(scope))
        return (self._cached if len(path) <= CACHED_LENGTH else resolve)(path)


def resolve(path: str) -> Found | None:
    """Return the endpoint at a path, or None if the path has another view or none."""
    try:
        match = get_resolver().resolve(path)
    except Resolver404:
        return None
    endpoint = endpoint_of(match.func)
    return None if endpoint is None else Found(endpoint, match)


async def answer_of(match: ResolverMatch, request: HttpRequest) -> Any:
    """Return the response of the view at an address. The view includes its decorators.

    A decorator without `async` returns the coroutine of an endpoint, or a response of its own.
    """
    response = match.func(request, *match.args, **match.kwargs)
    return await response if isawaitable(response) else response
