"""Which backends a test needs."""

import pytest

# What listens in on the rings between processes.
ON_VALKEY = pytest.mark.parametrize(
    "shared_backend_site", ["sqlite-valkey", "postgres-valkey"], indirect=True
)
