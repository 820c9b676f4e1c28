"""Settings of the test run: those of the product, on a database and in a folder of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# To make and to delete a folder takes a disk milliseconds, each of thousands of tests has some: so they are in memory.
MEMORY = Path("/dev", "shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

# A folder for this process alone (pytest-xdist starts several), before the product's settings look for theirs.
HOME = Path(tempfile.mkdtemp(prefix="millrace-test-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["MILLRACE_DATA"] = str(HOME)
# A machine may have little room; tests that are about it ask for some.
os.environ["MILLRACE_RESERVE_BYTES"] = "0"
(HOME / "static").mkdir()

from dashboard.settings import *  # noqa: E402, F403
from dashboard.settings import DATABASES, LOGGING, SQLITE_OPTIONS, database  # noqa: E402

# `TEST_DATABASE=postgresql` runs the same tests there; tests/conftest.py skips them where no server answers.
POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
POSTGRESQL_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
if POSTGRESQL:
    # What a test writes need not outlast a power failure; and two test runs at once do not share a database.
    durability = {"OPTIONS": {"options": "-c synchronous_commit=off"}}
    DATABASES["default"] = database(POSTGRESQL_URL) | durability | {"TEST": {"NAME": f"test_millrace_{os.getpid()}"}}
else:
    # A file and not SQLite's memory: jobs use threads, and threads in memory share one lock for everything.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
    quick = SQLITE_OPTIONS["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS | {"init_command": quick}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LOGGING["root"]["level"] = "WARNING"
