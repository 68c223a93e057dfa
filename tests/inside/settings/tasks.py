"""A site with an address that tells how many tasks the server's event loop has."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.tasks"
