"""What this site needs of Daphne that Daphne lacks, one section each."""


def install() -> None:
    """Put it all in place, where Daphne is the server."""
