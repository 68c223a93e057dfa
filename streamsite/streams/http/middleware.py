"""The middleware of the project, which `StreamHandler` does not run.

LoginRequiredMiddleware is answered for in `access.py`, and a system check refuses any other
middleware for which nothing here answers.
"""

from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.utils.module_loading import import_string

from ..conf import setting

# Why the endpoints do without each of these middlewares.
ANSWERED_FOR = {
    "django.middleware.security.SecurityMiddleware": "the handler redirects and adds the headers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware": "the handler adds the header",
    "django.contrib.sessions.middleware.SessionMiddleware": "a request reads its session itself",
    "django.contrib.auth.middleware.AuthenticationMiddleware": "a request reads its user itself",
    "django.contrib.auth.middleware.LoginRequiredMiddleware": "the endpoints demand a login",
    "django.middleware.csrf.CsrfViewMiddleware": "the endpoints that need a check do the check",
    "django.middleware.gzip.GZipMiddleware": "it would break the streams",
    "django.middleware.http.ConditionalGetMiddleware": "no answer has an ETag",
    "django.middleware.cache.UpdateCacheMiddleware": "no answer may be stored",
    "django.middleware.cache.FetchFromCacheMiddleware": "no answer may be stored",
    "django.middleware.common.CommonMiddleware": "the addresses have no final slash",
    "django.middleware.common.BrokenLinkEmailsMiddleware": "it concerns pages alone",
    "django.middleware.locale.LocaleMiddleware": "the answers are in no language of a page",
    "django.contrib.messages.middleware.MessageMiddleware": "the answers show no messages",
    "django.contrib.sites.middleware.CurrentSiteMiddleware": "the endpoints do not use the site",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware": "it serves other addresses",
    "django.contrib.redirects.middleware.RedirectFallbackMiddleware": "it serves other addresses",
    "django.contrib.admindocs.middleware.XViewMiddleware": "it concerns pages alone",
    "django.middleware.csp.ContentSecurityPolicyMiddleware": "no answer is a document",
    "streamsite.streams.http.pages.StreamErrorMiddleware": "the handler answers errors itself",
    "csp.middleware.CSPMiddleware": "no answer is a document",
    "servestatic.middleware.ServeStaticMiddleware": "it serves other addresses",
    "whitenoise.middleware.WhiteNoiseMiddleware": "it serves other addresses",
}


def skipped() -> Iterator[str]:
    """Yield each middleware of the project that does not run and for which nothing answers."""
    let_through = setting("STREAM_SKIPPED_MIDDLEWARE") or ()
    for path in settings.MIDDLEWARE:
        # CommonMiddleware turns away the user agents of this setting.
        turns_away = path.endswith(".CommonMiddleware") and settings.DISALLOWED_USER_AGENTS
        if path not in let_through and (path not in ANSWERED_FOR or turns_away):
            yield path


def demands_login() -> bool:
    """Return whether LoginRequiredMiddleware, or a subclass, is in MIDDLEWARE."""
    return _demands_login(tuple(settings.MIDDLEWARE))


@lru_cache
def _demands_login(paths: tuple[str, ...]) -> bool:
    found = [import_string(path) for path in paths]
    return any(
        isinstance(each, type) and issubclass(each, LoginRequiredMiddleware) for each in found
    )
