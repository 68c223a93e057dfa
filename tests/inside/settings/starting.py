"""A site with a page of Django that starts a stream."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.starting"
