"""The engine: a stream is one numbered log of text pieces, and a transport is a way to read it.

Import the public names from this package:

    from streamsite.streams import follow, publish

The package imports a module when one of the module's names is asked for. Until then the package
imports nothing, because Django imports every package of INSTALLED_APPS before models can be
imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The public names, each with the module that defines the name.
_MODULES = {
    "Consumer": "http.consumers",
    "Cursor": "pieces",
    "Failed": "writing.outcomes",
    "Policy": "http.policy",
    "PublishOptions": "writing.options",
    "Stream": "models",
    "areserve": "writing.reservations",
    "endpoint": "http.endpoints",
    "find": "reading.finding",
    "follow": "reading.following",
    "piece": "reading.playing",
    "play": "reading.playing",
    "policy": "http.policy",
    "publish": "writing.blocks",
    "reserve": "writing.reservations",
    "start": "writing.sources",
    "texts": "reading.following",
    "viewer_link": "http.links",
}

if TYPE_CHECKING:
    # Type checkers can't read the table. tests/unit/test_public_names.py compares the two.
    from .http.consumers import Consumer as Consumer
    from .http.endpoints import endpoint as endpoint
    from .http.links import viewer_link as viewer_link
    from .http.policy import Policy as Policy
    from .http.policy import policy as policy
    from .models import Stream as Stream
    from .pieces import Cursor as Cursor
    from .reading.finding import find as find
    from .reading.following import follow as follow
    from .reading.following import texts as texts
    from .reading.playing import piece as piece
    from .reading.playing import play as play
    from .writing.blocks import publish as publish
    from .writing.options import PublishOptions as PublishOptions
    from .writing.outcomes import Failed as Failed
    from .writing.reservations import areserve as areserve
    from .writing.reservations import reserve as reserve
    from .writing.sources import start as start
else:
    __all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
