"""A site whose server waits only two seconds for the rest of a request."""

import streamsite.daphne.channel as channel
from streamsite.settings import *  # noqa: F403

channel.HEAD_TIMEOUT = channel.BODY_TIMEOUT = 2.0
