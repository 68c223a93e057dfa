"""Which servers a test runs on. Without one of these it is daphne."""

import pytest

from .site import SERVERS

# On the site that tests share.
ON_EVERY_SERVER = pytest.mark.parametrize("shared_site", SERVERS, indirect=True)
# On a site of its own, made with `make_site(servers=[on])`.
EVERY_SERVER = pytest.mark.parametrize("on", SERVERS)

# upstream("granian", "why"): there this test fails, by what the server does itself.
upstream = pytest.mark.upstream
