"""A site that demands a login everywhere."""

from streamsite.settings import *  # noqa: F403
from streamsite.settings import MIDDLEWARE

MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
