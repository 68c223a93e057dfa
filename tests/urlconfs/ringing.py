"""The URLconf of a site whose rings bear the pauses of a busy machine."""

from streamsite.streams.log import bell
from streamsite.urls import *  # noqa: F403

bell.RING_TIMEOUT = 90
