"""What all tests share: a fresh data folder, a real upstream, and no waiting between retries."""

import signal
import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import TransactionTestCase
from pytest_django.fixtures import Settings

from dashboard import live
from repos import durable
from repos.create import make_repository
from repos.models import Repository
from tests.browser import window  # noqa: F401
from tests.running import RUNG, delete_all_rows
from tests.serving import millrace, new_millrace, started_once  # noqa: F401
from tests.settings import POSTGRESQL, POSTGRESQL_URL
from tests.upstream import Upstream

# A shell that starts us in the background lets all that we start ignore Ctrl-C, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long loops run when they are asked for by their mark.

    With TEST_DATABASE=postgresql only what uses a database is run; where no server answers, all say so.
    """
    if "faults" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("faults")])
        items[:] = [item for item in items if not item.get_closest_marker("faults")]
    if not POSTGRESQL:
        return
    others = [item for item in items if not _uses_database(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _uses_database(item)]
    if not _answers(POSTGRESQL_URL):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no PostgreSQL answers at {POSTGRESQL_URL}"))


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    needed = {"db", "transactional_db", "millrace", "new_millrace"} & set(getattr(item, "fixturenames", []))
    return bool(needed) or item.get_closest_marker("django_db") is not None


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5432), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> None:
    """After a test that commits, its few rows are deleted; which permissions there are is not made anew each time."""
    TransactionTestCase._fixture_teardown = lambda self: delete_all_rows()  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def queue() -> None:
    """Huey's queue is made where the data folder is at its first import: no test's own, which goes with that test."""
    import_module("dashboard.tasks")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, settings: Settings) -> Path:
    """The data folder of this test alone."""
    settings.MILLRACE_DATA = tmp_path / "data"
    settings.MILLRACE_DATA.mkdir()
    settings.MILLRACE_RETRY_SECONDS = 0.001
    settings.MILLRACE_BEAT_SECONDS = 0.02
    return Path(django_settings.MILLRACE_DATA)


@pytest.fixture
def real_disk() -> None:
    """For a test that is about what outlasts a power failure."""


@pytest.fixture(autouse=True)
def quick_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests write need not: they do not wait until it is on the disk."""
    if "real_disk" not in request.fixturenames:
        monkeypatch.setattr(durable, "_settle", lambda files, root: None)


@pytest.fixture(autouse=True)
def clockless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is live depends on no clock: no test meets by chance the turn of a minute, or what another shared."""
    monkeypatch.setattr(live, "STALE", 1 << 40)
    monkeypatch.setattr(live, "SHARED", 0.0)


@pytest.fixture
def bell(settings: Settings) -> list[int]:
    """Hears the bell in place of a queue: the ids of the jobs that were rung for."""
    RUNG.clear()
    settings.MILLRACE_BELL = "tests.running.hear"
    return RUNG


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def repository(transactional_db: None, upstream: Upstream, bell: list[int]) -> Repository:
    """A repository of the upstream, additive, with a distribution at `files` that follows it. Nothing was run yet."""
    return make_repository(url=upstream.manifest_url, name="files", base_path="files")
