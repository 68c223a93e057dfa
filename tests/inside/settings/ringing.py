"""A site whose rings bear the pauses of a busy machine."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.ringing"
