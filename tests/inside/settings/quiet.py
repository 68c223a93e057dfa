"""A site whose viewers get a sign of life after three seconds of silence."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.quiet"
