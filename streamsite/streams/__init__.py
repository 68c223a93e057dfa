"""The engine: a stream is one numbered log of pieces, and a transport is a way to read it.

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
    "Admission": "http.admissions",
    "BadRequest": "errors",
    "Batch": "pieces",
    "Conflict": "errors",
    "Consumer": "http.consumers",
    "Cursor": "pieces",
    "DatabaseAway": "errors",
    "End": "pieces",
    "Ended": "errors",
    "Failed": "writing.outcomes",
    "Forbidden": "errors",
    "Format": "http.transports.encoding",
    "HomeManager": "querysets",
    "NoSuchStream": "errors",
    "NotMigrated": "errors",
    "OutOfTurn": "errors",
    "Pieces": "pieces",
    "Policy": "http.policy",
    "Producer": "writing.producers",
    "PublishOptions": "writing.options",
    "PublishToken": "tokens",
    "Record": "pieces",
    "RecordsResponse": "http.responses",
    "Removed": "errors",
    "ReserveOptions": "writing.options",
    "Reset": "pieces",
    "Restarting": "errors",
    "Stopped": "writing.outcomes",
    "StorageFull": "errors",
    "Stream": "models",
    "StreamError": "errors",
    "StreamQuerySet": "querysets",
    "StreamRequest": "http.requests",
    "SyncProducer": "writing.background",
    "TakenOver": "errors",
    "TooLarge": "errors",
    "TooMany": "errors",
    "Unauthorized": "errors",
    "Unavailable": "errors",
    "Unseen": "errors",
    "areserve": "writing.reservations",
    "check_csrf": "http.access",
    "end_of": "reading.following",
    "endpoint": "http.endpoints",
    "find": "reading.finding",
    "follow": "reading.following",
    "handshake_request": "http.sessions",
    "in_database": "log.database",
    "is_foreign": "http.origins",
    "metrics": "http.exposition",
    "piece": "reading.playing",
    "play": "reading.playing",
    "policy": "http.policy",
    "publish": "writing.blocks",
    "read_late": "http.bodies",
    "reserve": "writing.reservations",
    "ring": "log.bell",
    "start": "writing.sources",
    "stop": "writing.stopping",
    "streams_changed": "signals",
    "texts": "reading.following",
    "viewer_link": "http.links",
}

if TYPE_CHECKING:
    # Type checkers can't read the table. tests/unit/test_public_names.py compares the two.
    from .errors import BadRequest as BadRequest
    from .errors import Conflict as Conflict
    from .errors import DatabaseAway as DatabaseAway
    from .errors import Ended as Ended
    from .errors import Forbidden as Forbidden
    from .errors import NoSuchStream as NoSuchStream
    from .errors import NotMigrated as NotMigrated
    from .errors import OutOfTurn as OutOfTurn
    from .errors import Removed as Removed
    from .errors import Restarting as Restarting
    from .errors import StorageFull as StorageFull
    from .errors import StreamError as StreamError
    from .errors import TakenOver as TakenOver
    from .errors import TooLarge as TooLarge
    from .errors import TooMany as TooMany
    from .errors import Unauthorized as Unauthorized
    from .errors import Unavailable as Unavailable
    from .errors import Unseen as Unseen
    from .http.access import check_csrf as check_csrf
    from .http.admissions import Admission as Admission
    from .http.bodies import read_late as read_late
    from .http.consumers import Consumer as Consumer
    from .http.endpoints import endpoint as endpoint
    from .http.exposition import metrics as metrics
    from .http.links import viewer_link as viewer_link
    from .http.origins import is_foreign as is_foreign
    from .http.policy import Policy as Policy
    from .http.policy import policy as policy
    from .http.requests import StreamRequest as StreamRequest
    from .http.responses import RecordsResponse as RecordsResponse
    from .http.sessions import handshake_request as handshake_request
    from .http.transports.encoding import Format as Format
    from .log.bell import ring as ring
    from .log.database import in_database as in_database
    from .models import Stream as Stream
    from .pieces import Batch as Batch
    from .pieces import Cursor as Cursor
    from .pieces import End as End
    from .pieces import Pieces as Pieces
    from .pieces import Record as Record
    from .pieces import Reset as Reset
    from .querysets import HomeManager as HomeManager
    from .querysets import StreamQuerySet as StreamQuerySet
    from .reading.finding import find as find
    from .reading.following import end_of as end_of
    from .reading.following import follow as follow
    from .reading.following import texts as texts
    from .reading.playing import piece as piece
    from .reading.playing import play as play
    from .signals import streams_changed as streams_changed
    from .tokens import PublishToken as PublishToken
    from .writing.background import SyncProducer as SyncProducer
    from .writing.blocks import publish as publish
    from .writing.options import PublishOptions as PublishOptions
    from .writing.options import ReserveOptions as ReserveOptions
    from .writing.outcomes import Failed as Failed
    from .writing.outcomes import Stopped as Stopped
    from .writing.producers import Producer as Producer
    from .writing.reservations import areserve as areserve
    from .writing.reservations import reserve as reserve
    from .writing.sources import start as start
    from .writing.stopping import stop as stop
else:
    __all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
