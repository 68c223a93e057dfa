"""A site that checks no password before a test opens the gate: see `hashing`."""

from streamsite.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.inside.hashing.Gated"]
