"""The log: the only code that reads and writes pieces in the database.

Most of it is plain functions on Django's ORM, for any thread. Each function is correct when it runs
twice, as happens when the connection is lost during a commit. Asynchronous code calls them with
`in_database`, and `bell` and `ending` tell the readers what was committed.
"""

from .commits import Write
from .ending import finish
from .keeping import FOREVER, Keep, Pruner, expired, parse_keep, prune
from .liveness import reap, refusal, renew
from .recordings import Recording, checked_pieces, record, recording
from .segments import READ_LENGTH, append, read
from .streams import Found, create, find, find_all, format_of, look_up, standing, take_up

__all__ = [
    "FOREVER",
    "READ_LENGTH",
    "Found",
    "Keep",
    "Pruner",
    "Recording",
    "Write",
    "append",
    "checked_pieces",
    "create",
    "expired",
    "find",
    "find_all",
    "finish",
    "format_of",
    "look_up",
    "parse_keep",
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
