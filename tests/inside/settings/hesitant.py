"""A site that takes its time to find out who sends a large body."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.hesitant"
