"""The settings of the site.

Values that depend on the machine come from environment variables, which `environment` reads and
checks. Each variable has a default with which a fresh checkout runs. The guide lists the variables:
demos/guide/en/settings.md.
"""

import sys
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

if not (BASE_DIR / "manage.py").is_file():
    # An ImproperlyConfigured would come with a traceback from commands such as django-admin.
    sys.exit(
        "streamsite.settings are the settings of the article's site, which runs from a checkout of "
        "its repository. Set DJANGO_SETTINGS_MODULE to the settings of your own project."
    )
try:
    from csp.constants import NONE, SELF

    from . import environment, logs
except ModuleNotFoundError as error:
    raise ImproperlyConfigured(
        f"The site needs the package {error.name}. Install what it needs: pip install -e '.[site]'"
    ) from error

# The folder that the site writes: its secret key, its embedded database, the collected static
# files.

VAR_DIR = environment.folder("VAR_DIR", BASE_DIR / "var")

DEBUG = environment.boolean("DEBUG", default=False)
SECRET_KEY = environment.secret_key("SECRET_KEY", VAR_DIR / "secret-key")

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS", LOCAL_HOSTS)

# "on": the server itself speaks TLS. "proxy": a proxy speaks TLS and sets X-Forwarded-Proto. A site
# with a public name uses TLS unless the operator turns it off.

TLS = environment.choice(
    "TLS", "off" if set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS) else "on", ("on", "off", "proxy")
)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_eventstream",
    # Before the engine, so that the translations of the site take precedence.
    "demos",
    "streamsite.streams",
    "streamsite.chat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "streamsite.streams.http.pages.StreamErrorMiddleware",
]

ROOT_URLCONF = "streamsite.urls"
ASGI_APPLICATION = "streamsite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: the one that DATABASE_URL names or, without the variable, an embedded SQLite file.

DATABASE_URL = environment.url("DATABASE_URL", ("postgres", "postgresql", "sqlite"))
EMBEDDED_DATABASE = not DATABASE_URL
DATABASES = {
    "default": environment.parse_database_url(
        "DATABASE_URL", DATABASE_URL or environment.sqlite_url(VAR_DIR / "db.sqlite3")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Channel layer: Redis, which any number of processes can share, or the memory of the only process.

REDIS_URL = environment.url("REDIS_URL", ("redis", "rediss", "unix"))
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis-py 8 stops reading after 5 s of silence by default, which would end an idle
            # subscription (channels_redis#422).
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
        }
    }
    # Through Redis the announcements of demos.notices reach the pages of all processes.
    EVENTSTREAM_REDIS = environment.parse_redis_url("REDIS_URL", REDIS_URL)
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Other origins whose pages may read the streams and open their WebSockets, and the proxies whose
# X-Forwarded-For tells the address of the client.

STREAM_ALLOWED_ORIGINS = environment.origins("STREAM_ALLOWED_ORIGINS")
STREAM_TRUSTED_PROXIES = environment.networks("STREAM_TRUSTED_PROXIES")

# Seconds for which a server that is told to end goes on, and for which a viewer may read nothing.

STREAM_GRACE = environment.integer("STREAM_GRACE", 10, minimum=0)
STREAM_STALL_TIMEOUT = environment.integer("STREAM_STALL_TIMEOUT", 15)

# How long a stream is kept after its end: None is for ever.

STREAM_KEEP = environment.duration("STREAM_KEEP", "30d")

# Limits of one stream, and of one request that publishes.

STREAM_MAX_PIECE_LENGTH = environment.integer("STREAM_MAX_PIECE_LENGTH", 65_536)
STREAM_MAX_PIECES = environment.integer("STREAM_MAX_PIECES", 1_000_000)
STREAM_MAX_LENGTH = environment.integer("STREAM_MAX_LENGTH", 64 * 1024 * 1024)
STREAM_MAX_BODY = environment.integer("STREAM_MAX_BODY", 8 * 1024 * 1024)

# Bytes of a request's body that are held in memory. More are written to a temporary file. A body of
# more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes is refused: see streamsite.bodies.

FILE_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024

# Who may read the metrics at /metrics.

STREAM_METRICS = environment.choice("STREAM_METRICS", "off", ("off", "internal", "on"))

# Limits of clients and publishers: "none" is no limit.

STREAM_MAX_VIEWERS = environment.limit("STREAM_MAX_VIEWERS", 10_000)
STREAM_MAX_VIEWERS_PER_CLIENT = environment.limit("STREAM_MAX_VIEWERS_PER_CLIENT", 1_000)
STREAM_MAX_POLLS_PER_CLIENT = environment.limit("STREAM_MAX_POLLS_PER_CLIENT", 500)
STREAM_MAX_LIVE_STREAMS = environment.limit("STREAM_MAX_LIVE_STREAMS", 200)
STREAM_MAX_NEW_STREAMS = environment.limit("STREAM_MAX_NEW_STREAMS", 300)
STREAM_MAX_PUBLISHES = environment.limit("STREAM_MAX_PUBLISHES", 500)
STREAM_MAX_WRONG_TOKENS = environment.limit("STREAM_MAX_WRONG_TOKENS", 20)

# The chat: the model that answers, and what the model is told before each conversation.

CHAT_MODEL = environment.text("CHAT_MODEL")
CHAT_INSTRUCTIONS = environment.text("CHAT_INSTRUCTIONS")
CHAT_SOURCE = environment.text("CHAT_SOURCE", "streamsite.chat.agent.answer")
CHAT_TIMEOUT = environment.integer("CHAT_TIMEOUT", 60)
CHAT_MAX_ANSWERS = environment.integer("CHAT_MAX_ANSWERS", 3)
CHAT_MAX_ANSWERS_PER_PROCESS = environment.integer("CHAT_MAX_ANSWERS_PER_PROCESS", 100)

# How long a conversation is kept after its last question: None is for ever.

CHAT_KEEP = environment.duration("CHAT_KEEP", "365d")

# The lab, where visitors start streams of their own and break them: whether there is one, how many
# runs a process has at once, and whether a visitor may restart the process.

LAB = environment.boolean("LAB", default=True)
LAB_MAX_RUNS = environment.integer("LAB_MAX_RUNS", 4)
LAB_RESTART = environment.boolean("LAB_RESTART", default=False)

# The page of a stream, to which the admin's "view on site" leads.

ABSOLUTE_URL_OVERRIDES = {"streams.stream": lambda stream: reverse("stream", args=[stream.name])}

# The admin's login: how many wrong passwords lock a name for an address, or an address for all
# names, and for how long. See
# streamsite.logins, which answers in place of the middleware of django-axes.

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
SILENCED_SYSTEM_CHECKS = ["axes.W002"]  # The middleware of django-axes is missing.
AXES_FAILURE_LIMIT = environment.integer("LOGIN_FAILURES", 10)
LOGIN_FAILURES_PER_ADDRESS = environment.integer("LOGIN_FAILURES_PER_ADDRESS", 100)
AXES_HANDLER = "streamsite.logins.Handler"
AXES_COOLOFF_TIME = timedelta(seconds=environment.integer("LOGIN_COOL_OFF", 900))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "streamsite.logins.address_of"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True

# Languages: Chinese at /, English at /en/.

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: streamsite.prepare collects them under hashed names.

STATIC_URL = "/static/"
STATIC_ROOT = environment.folder("STATIC_ROOT", VAR_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "streamsite.static.HashedStaticFilesStorage"
    },
}
SERVESTATIC_MAX_AGE = 3600

# Security.

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
if TLS != "off":
    # Browsers keep this for a year. Whether it also concerns the domain's other hosts is for the
    # operator to say, so Django's checks for that are silent.
    HSTS = environment.choice("HSTS", "host", ("off", "host", "subdomains", "preload"))
    SECURE_HSTS_SECONDS = 0 if HSTS == "off" else 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = HSTS in ("subdomains", "preload")
    SECURE_HSTS_PRELOAD = HSTS == "preload"
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W005", "security.W021"]
    SECURE_SSL_REDIRECT = True
    # A load balancer sends its health checks to the address of the machine, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
if TLS == "proxy":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Log: a form for people, or a JSON object on each line.

LOG_FORMAT = environment.choice("LOG_FORMAT", "plain", ("plain", "json"))

LOGGING = logs.configuration(LOG_FORMAT)
