"""Django's settings. What an operator may change comes from the environment; docs/configuration.md lists it.

All data lives below MILLRACE_DATA: database, queue, pool, working directories, secrets, collected static files.
"""

import logging
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from repos import keyfile, units

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def number(name: str, *, default: float, least: float) -> float:
    """The number in the environment's variable `name`; ImproperlyConfigured says what is wrong with it."""
    text = env.str(name, default=str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise ImproperlyConfigured(f"{name} has to be a number, {least} or more, not {text}")
    return value


def size(name: str, *, default: str, least: int) -> int:
    """The number of bytes in the environment's variable `name`, such as `16GB`."""
    text = env.str(name, default=default)
    try:
        value = units.in_bytes(text)
    except ValueError:
        value = -1
    if value < least:
        takes = f"a number of bytes, such as {default}, {least} or more"
        raise ImproperlyConfigured(f"{name} has to be {takes}, not {text}")
    return value


MILLRACE_DATA = Path(env.str("MILLRACE_DATA", default=str(BASE_DIR / "var"))).resolve()
# The address that users see, such as https://mirror.example; it decides on host names and on secure cookies.
MILLRACE_URL = env.str("MILLRACE_URL", default="")
_url = urlsplit(MILLRACE_URL)
if MILLRACE_URL and (_url.scheme not in ("http", "https") or not _url.hostname):
    raise ImproperlyConfigured(f"MILLRACE_URL has to be like https://mirror.example, not {MILLRACE_URL}")
BEHIND_TLS = _url.scheme == "https"
try:
    MILLRACE_DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"MILLRACE_DATA, {MILLRACE_DATA}, cannot be made or used: {error.strerror}") from None

# The one address whose X-Forwarded-For and X-Forwarded-Proto are believed; none without a web server in front.
MILLRACE_PROXY = env.str("MILLRACE_PROXY", default="127.0.0.1" if BEHIND_TLS else "")
# Whether the web server in front sends the files (see dashboard/handover.py), and by which header it is told so.
MILLRACE_SENDFILE = env.str("MILLRACE_SENDFILE", default="").lower()
if MILLRACE_SENDFILE not in ("", "x-accel-redirect", "x-sendfile"):
    raise ImproperlyConfigured(f"MILLRACE_SENDFILE has to be x-accel-redirect or x-sendfile, not {MILLRACE_SENDFILE}")

# What Prometheus has to send to be told how everything is; none: only people who are signed in are told.
MILLRACE_METRICS_TOKEN = env.str("MILLRACE_METRICS_TOKEN", default="")
if MILLRACE_METRICS_TOKEN and not re.fullmatch(r"\S{16,}", MILLRACE_METRICS_TOKEN):
    raise ImproperlyConfigured("MILLRACE_METRICS_TOKEN has to have 16 characters or more, and no spaces")

DEBUG = env.bool("MILLRACE_DEBUG", default=False)
SECRET_KEY = keyfile.load_or_make(MILLRACE_DATA / "secrets" / "django.key")
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *([_url.hostname] if _url.hostname else []),
    *env.list("MILLRACE_HOSTS", default=[]),
]
CSRF_TRUSTED_ORIGINS = [f"{_url.scheme}://{_url.netloc}"] if _url.netloc else []

INSTALLED_APPS = [
    "dashboard.apps.MillraceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "repos",
    "dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Ahead of all that may answer with an error.
    "dashboard.middleware.page_headers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Last, for their pages say who is signed in.
    "dashboard.middleware.page_for_wrong_methods",
    "dashboard.middleware.PageForWhatIsGone",
]

ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.roles.flags",
            ],
            # Whatever a page says can be translated, so no template need load it.
            "builtins": ["django.templatetags.i18n"],
        },
    },
]

SQLITE_OPTIONS: dict[str, Any] = {
    # A deferred transaction that reads and then writes fails at once when another wrote in between.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;"
        # A power failure must not take back a commit: that of a switch which somebody saw, or that by which a clean-up
        # let go of rows whose bytes it then deleted. It costs a write-out each, 1 ms (see docs/reliability.md).
        "PRAGMA synchronous=FULL;"
        "PRAGMA cache_size=-16384;"
        "PRAGMA temp_store=MEMORY;"
        # No mmap_size: it makes nothing quicker here, and each thread's view of the file counts as memory of its own.
    ),
}


def database(url: str) -> dict[str, Any]:
    """Django's configuration of the database at `url`; an empty URL is the SQLite file below MILLRACE_DATA."""
    if url and urlsplit(url).scheme not in environ.Env.DB_SCHEMES:
        raise ImproperlyConfigured("DATABASE_URL has to be like postgres://user:password@host/name")
    config: dict[str, Any] = env.db_url_config(url or f"sqlite:///{MILLRACE_DATA / 'millrace.sqlite3'}")
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS
    # A connection a thread, kept: opening one costs more than most of our queries.
    return config | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": not config["ENGINE"].endswith("sqlite3")}


DATABASES = {"default": database(env.str("DATABASE_URL", default=""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# For several processes or machines: where the queue and the cache are, a database of Redis that nobody else uses.
MILLRACE_REDIS_URL = env.str("MILLRACE_REDIS_URL", default="")
if MILLRACE_REDIS_URL and urlsplit(MILLRACE_REDIS_URL).scheme not in ("redis", "rediss", "unix"):
    raise ImproperlyConfigured("MILLRACE_REDIS_URL has to be like redis://host:6379/0")


def redis_options() -> dict[str, Any]:
    """How a Redis is talked to: one that is gone may not hold up a page for long."""
    # Late: who has no Redis need not pay for its client.
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Once more, for Redis may have closed a connection that nobody used. The queue waits a second for the next ring.
    return {"socket_connect_timeout": 1, "socket_timeout": 2, "retry": Retry(NoBackoff(), 1)}


REDIS_OPTIONS = redis_options() if MILLRACE_REDIS_URL else {}


# Remembers, among others, who was given which file (dashboard/resumes.py): a few hundred bytes an entry.
_own_cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}}
_shared_cache = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": MILLRACE_REDIS_URL,
    "KEY_PREFIX": "millrace",
    "OPTIONS": REDIS_OPTIONS,
}
CACHES = {
    "default": _shared_cache if MILLRACE_REDIS_URL else _own_cache,
    # What stands in for it while it does not answer (dashboard/cache.py).
    "own": _own_cache | {"LOCATION": "own"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

# Of one upload (see dashboard/uploads.py); and, in bytes, of a form's text, which may name as many by their paths.
DATA_UPLOAD_MAX_NUMBER_FILES = 10_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024**2

# English is what code and templates say; any other language is a catalog (docs/translating.md).
LOCALE_PATHS = [BASE_DIR / "dashboard" / "locale"]
_catalogs = {file.parts[-3].replace("_", "-").lower() for file in LOCALE_PATHS[0].glob("*/LC_MESSAGES/django.mo")}
LANGUAGES = [(code, code) for code in sorted({"en", *_catalogs})]
# One for all who use this installation: what a job has told is stored, and told to everybody.
LANGUAGE_CODE = env.str("MILLRACE_LANGUAGE", default="en").replace("_", "-").lower()
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"MILLRACE_LANGUAGE has to be one of {', '.join(dict(LANGUAGES))}, not {LANGUAGE_CODE}")
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = MILLRACE_DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_TLS
# Scripts need neither: forms carry the token themselves.
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
# For this host alone: what else the domain has is not ours to decide on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if not BEHIND_TLS:
    # Without TLS in front, what these four ask for would lock everybody out of a plain http address.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

_log_level = env.str("MILLRACE_LOG_LEVEL", default="INFO").upper()
if _log_level not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"MILLRACE_LOG_LEVEL has to be DEBUG, INFO, WARNING or ERROR, not {_log_level}")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"job": {"()": "repos.logs.JobFilter"}, "one_line": {"()": "repos.logs.OneLine"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(process)d job=%(job)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["job"]}},
    "root": {"handlers": ["stderr"], "level": _log_level},
    "loggers": {
        "huey": {"level": "WARNING"},
        "waitress.queue": {"level": "ERROR"},
        "django.request": {"level": "ERROR", "filters": ["one_line"]},
        # The page that they get says what to do; anybody can send them, and each would fill the log with a traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}

# What the domain asks of its surroundings (see repos/conf.py).
MILLRACE_BELL = "dashboard.tasks.ring"
MILLRACE_GRACE_DAYS = number("MILLRACE_GRACE_DAYS", default=3.0, least=0)
MILLRACE_RETRY_SECONDS = number("MILLRACE_RETRY_SECONDS", default=0.5, least=0)
MILLRACE_MAX_LIST_BYTES = size("MILLRACE_MAX_LIST_BYTES", default="2GB", least=1)
# Of the disk: what is kept free for the database and for others, whatever is to be fetched.
MILLRACE_RESERVE_BYTES = size("MILLRACE_RESERVE_BYTES", default="256MB", least=0)
# What nothing needs any more is cleaned away when it has lain so long; and how often that is done (0: only on request).
MILLRACE_PROTECTION_HOURS = number("MILLRACE_PROTECTION_HOURS", default=24.0, least=0)
MILLRACE_CLEAN_HOURS = number("MILLRACE_CLEAN_HOURS", default=24.0, least=0)
# How often all that is stored is read and verified (0: only on request), and at how many bytes a second (0: any).
MILLRACE_VERIFY_DAYS = number("MILLRACE_VERIFY_DAYS", default=0.0, least=0)
MILLRACE_VERIFY_RATE = size("MILLRACE_VERIFY_RATE", default="100MB", least=0)
# Whether upstreams may be on this machine and in private networks. Link-local ones never may.
MILLRACE_ALLOW_PRIVATE = env.bool("MILLRACE_ALLOW_PRIVATE", default=True)
MILLRACE_MAX_UPLOAD_BYTES = size("MILLRACE_MAX_UPLOAD_BYTES", default="16GB", least=1)
# A running job writes its progress, its heartbeat, this often; silent for longer than the other, it is taken up anew.
MILLRACE_BEAT_SECONDS = 0.5
MILLRACE_SILENCE_SECONDS = number("MILLRACE_SILENCE_SECONDS", default=15.0, least=1)
