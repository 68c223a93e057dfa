"""A site with other names for the CSRF cookie and the CSRF header."""

from streamsite.settings import *  # noqa: F403

CSRF_COOKIE_NAME = "shop-csrf"
CSRF_HEADER_NAME = "HTTP_X_SHOP_TOKEN"
