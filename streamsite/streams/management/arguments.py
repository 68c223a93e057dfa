"""What commands are given."""

import argparse


def seconds(text: str) -> float:
    """Read a time on the command line."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value
