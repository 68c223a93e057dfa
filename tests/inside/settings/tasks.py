"""A site with addresses that tell what the server's process holds."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.tasks"
