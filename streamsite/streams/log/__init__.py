"""The log: the only code that reads and writes pieces in the database.

Most of it is plain functions on Django's ORM, for any thread. Each function is correct when it runs
twice, as happens when the connection is lost during a commit. Asynchronous code calls them with
`in_database`, and `bell` and `ending` tell the readers what was committed.
"""

from .allowances import check_live
from .commits import Write
from .ending import finish
from .keeping import FOREVER, Keep, Pruner, expired, parse_keep, prune
from .liveness import reap, refusal, renew
from .recordings import Recording, checked_pieces, record, recording
from .segments import READ_LENGTH, append, read
from .streams import Found, create, find, find_all, look_up, peek, standing, take_up

__all__ = [
    "FOREVER",
    "READ_LENGTH",
    "Found",
    "Keep",
    "Pruner",
    "Recording",
    "Write",
    "append",
    "check_live",
    "checked_pieces",
    "create",
    "expired",
    "find",
    "find_all",
    "finish",
    "look_up",
    "parse_keep",
    "peek",
    "prune",
    "read",
    "reap",
    "record",
    "recording",
    "refusal",
    "renew",
    "standing",
    "take_up",
]
