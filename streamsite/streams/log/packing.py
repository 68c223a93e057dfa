"""Lists of whole numbers as bytes, four for each."""

import sys
from array import array
from collections.abc import Iterable

# In milliseconds 49 days: what comes later in a stream is kept as of then.
LARGEST = 2**32 - 1


def pack(numbers: Iterable[int]) -> bytes:
    """Return whole numbers as unsigned 32-bit ones, least significant byte first.

    A larger one is kept as the largest.
    """
    packed = array("I", [min(number, LARGEST) for number in numbers])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes | memoryview) -> "array[int]":
    """Return the numbers of `pack`."""
    numbers = array("I", bytes(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
