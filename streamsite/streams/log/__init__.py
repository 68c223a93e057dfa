"""The log: the only code that reads and writes pieces in the database.

streams      streams by name: created, found, taken up by their producers
segments     the pieces of live streams: appended in groups, read from a number on
commits      the pieces of many streams, committed together
recordings   whole texts: finished streams, and texts that somebody writes at once
packing      lists of whole numbers as bytes
limits       how much a piece and a stream may hold
allowances   how many live streams a publisher may have
liveness     leases, and the end of streams whose producer has died
silence      when the silence of a producer means that the producer is dead
jumps        jumps of the database's clock
ending       the end of a stream, written and announced
keeping      how long a stream is kept, and its removal
tombstones   the names of streams that were removed or deleted, and their last revisions
bell         tells the readers in every process what was committed
listeners    which streams other processes listen to
database     the one thread for the database work of the engine
outages      what a process says of a database that is away

Most of the modules are plain functions on Django's ORM, for any thread. Each function is correct
when it runs twice, as happens when the connection is lost during a commit. Asynchronous code calls
the functions with `in_database`. `bell` and `ending` tell the readers what was committed.
"""

from .allowances import check_live
from .commits import Write
from .ending import finish
from .keeping import FOREVER, Keep, Pruner, expired, parse_keep, prune
from .liveness import reap, refusal, renew
from .recordings import Recording, checked_pieces, last_time, record, recording
from .segments import READ_LENGTH, append, read
from .streams import Found, create, find, find_all, hold, look_up, peek, standing, take_up

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
    "hold",
    "last_time",
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
