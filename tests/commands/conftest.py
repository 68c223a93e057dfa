"""Fixtures of the tests of the commands."""

import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.site import Site

from .command import Command, Run


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    """Start a manage.py command beside the shared site."""
    with ExitStack() as stack:

        def start(*arguments: str, at: Site = site, **env: str) -> Command:
            command = Command(at, *arguments, **env)
            stack.callback(command.kill)
            return command

        yield start


@pytest.fixture
def name() -> str:
    return f"c{random.getrandbits(64):x}"
