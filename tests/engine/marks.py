"""Which backends a test needs."""

import pytest

# What depends on no database and no channel layer is tested on one of them.
ONE_BACKEND = pytest.mark.parametrize("shared_backend_site", ["sqlite-valkey"], indirect=True)
