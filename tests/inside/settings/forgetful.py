"""A site with a view that forgets an `await`."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.forgetful"
