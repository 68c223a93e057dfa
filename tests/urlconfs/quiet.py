"""The URLconf of the site, whose viewers get a sign of life after three seconds of silence."""

from streamsite.daphne import websocket
from streamsite.streams.reading import hub
from streamsite.urls import *  # noqa: F403

hub.QUIET = websocket.SILENCE = 3
