"""A site with a page that shows the progress of a stream."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.progress"
