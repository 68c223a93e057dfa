"""Lists of whole numbers as bytes, four for each."""

import sys
from array import array
from collections.abc import Iterable


def pack(numbers: Iterable[int]) -> bytes:
    """Return whole numbers as unsigned 32-bit ones, least significant byte first."""
    packed = array("I", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes | memoryview) -> "array[int]":
    """Return the numbers of `pack`."""
    numbers = array("I", bytes(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
