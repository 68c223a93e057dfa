"""A site with a policy of its own, and a CSRF token in the session."""

from streamsite.settings import *  # noqa: F403

STREAM_POLICY = "tests.inside.keys.KeyPolicy"
CSRF_USE_SESSIONS = True
