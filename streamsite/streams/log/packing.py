"""Lists of whole numbers as bytes, four bytes for each number."""

import sys
from array import array
from collections.abc import Iterable

# The largest number that fits. In milliseconds this is 49 days: a piece that comes later in a
# stream is recorded as if it had come then.
LARGEST = 2**32 - 1


def pack(numbers: Iterable[int]) -> bytes:
    """Return whole numbers as unsigned 32-bit integers, little-endian.

    A number above `LARGEST` is stored as `LARGEST`.
    """
    packed = array("I", [min(number, LARGEST) for number in numbers])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes | memoryview) -> "array[int]":
    """Return the numbers that `pack` was given."""
    numbers = array("I", bytes(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
