"""The URLconf of a site whose doctor and lab bear the pauses of a busy machine."""

from demos.lab import runs
from streamsite.streams.doctor import watching
from streamsite.urls import *  # noqa: F403

# A proxy that holds a piece back does so until the stream ends.
watching.HELD_BACK = watching.PATIENCE
# The listeners of a run come in time.
runs.LISTENING = 90
