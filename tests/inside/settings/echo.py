"""A site with a WebSocket that sends each message back."""

from streamsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.echo"
