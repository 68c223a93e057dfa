"""The log: the only code that reads and writes pieces in the database.

Most of it is plain functions on Django's ORM, for any thread. Each function is correct when it runs
twice, as happens when the connection is lost during a commit. Asynchronous code calls them with
`in_database`, and `bell` and `ending` tell the readers what was committed.
"""

from .commits import Write
from .ending import finish
from .liveness import reap, refusal, renew
from .recordings import Recording, checked_pieces, record, recording
from .segments import READ_LENGTH, append, read
from .streams import create, find, find_all, format_of, standing, take_up

__all__ = [
    "READ_LENGTH",
    "Recording",
    "Write",
    "append",
    "checked_pieces",
    "create",
    "find",
    "find_all",
    "finish",
    "format_of",
    "read",
    "reap",
    "record",
    "recording",
    "refusal",
    "renew",
    "standing",
    "take_up",
]
