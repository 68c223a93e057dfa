"""The log: the only code that reads and writes pieces in the database.

Plain functions on Django's ORM, for any thread. Each is right when it is done twice, as after a
connection was lost while it committed.
"""

from .recordings import Recording, record, recording, text_of
from .segments import READ_LENGTH, Write, append, read
from .streams import create, find, find_all, finish, reap, refusal, renew, standing

__all__ = [
    "READ_LENGTH",
    "Recording",
    "Write",
    "append",
    "create",
    "find",
    "find_all",
    "finish",
    "read",
    "reap",
    "record",
    "recording",
    "refusal",
    "renew",
    "standing",
    "text_of",
]
