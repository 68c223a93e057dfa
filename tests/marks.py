"""Marks that say which servers a test runs on. Without a mark, a test runs on daphne."""

import pytest

from .site import SERVERS

# For the site that the tests share.
ON_EVERY_SERVER = pytest.mark.parametrize("shared_site", SERVERS, indirect=True)
# For a site that the test makes with `make_site(servers=[on])`.
EVERY_SERVER = pytest.mark.parametrize("on", SERVERS)
DAPHNE_AND_UVICORN = pytest.mark.parametrize("on", ["daphne", "uvicorn"])

# upstream("granian", "why"): this test fails on granian because of granian's own behaviour.
upstream = pytest.mark.upstream
