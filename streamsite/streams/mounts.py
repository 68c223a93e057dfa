"""Where a project's URLconf includes the engine's URLs."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLResolver

from . import urls


def find_mounts(resolver: URLResolver, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the patterns that lead to each `include()` of the engine's URLs, outermost first."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            patterns = (*above, entry.pattern)
            if entry.urlconf_module is urls:
                yield patterns
            else:
                yield from find_mounts(entry, patterns)
