"""Marks that say which backends a test runs on."""

import pytest

# For tests that listen to the rings between processes.
ON_VALKEY = pytest.mark.parametrize(
    "shared_backend_site", ["sqlite-valkey", "postgres-valkey"], indirect=True
)
