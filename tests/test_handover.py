"""Downloads through a real nginx with the configuration that docs/front.md has: all as without it."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils.http import http_date
from pytest_django.fixtures import Settings

from repos import conf, pool, tokens
from repos.models import Repository
from tests import factories, nginx
from tests.content_server import Answer, Client, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tools, nginx.needs_nginx]

DATA = os.urandom(300_000)
ETAG = f'"{hashlib.sha256(DATA).hexdigest()}"'
# Of the server and its connection; and what only one of the two says of a file without ranges.
OWN = {"Server", "Date", "Connection", "Keep-Alive"}


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"big.tar.gz": DATA, "small.html": b"<script>", "empty": b""})
    return made


@pytest.fixture
def direct(files: Repository) -> Iterator[Client]:
    with serving() as client:
        yield client


@pytest.fixture
def front(direct: Client, tmp_path: Path) -> Iterator[Client]:
    port = nginx.free_port()
    sites = nginx.without_tls(nginx.documented("front.md"), port)
    sites = sites.replace("127.0.0.1:8000", f"127.0.0.1:{direct.port}")
    sites = sites.replace("/srv/millrace-pool", str(conf.data() / "pool"))
    with nginx.running(tmp_path / "nginx", sites, port):
        client = Client(SimpleNamespace(port=port))  # type: ignore[arg-type]
        yield client
        client.close()


class Both:
    """Asks Millrace, which sends by itself, and then nginx, which sends for it: the answers are the same."""

    def __init__(self, direct: Client, front: Client, settings: Settings) -> None:
        self._direct, self._front, self._settings = direct, front, settings

    def __call__(self, path: str, method: str = "GET", **headers: str) -> Answer:
        self._settings.MILLRACE_SENDFILE = ""
        usual = self._direct(path, method, **headers)
        self._settings.MILLRACE_SENDFILE = "x-accel-redirect"
        handed_over = self._front(path, method, **headers)
        assert (handed_over.status, handed_over.body) == (usual.status, usual.body)
        assert told(handed_over) == told(usual)
        return handed_over


def told(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name not in OWN}


@pytest.fixture
def both(direct: Client, front: Client, settings: Settings) -> Both:
    return Both(direct, front, settings)


def test_it_works(both: Both) -> None:
    for path in ("big.tar.gz", "small.html", "empty"):
        assert both(f"/content/files/{path}").status == 200
    assert both("/content/files/big.tar.gz").body == DATA


def test_nginx_gets_a_name_and_no_bytes(direct: Client, settings: Settings) -> None:
    settings.MILLRACE_SENDFILE = "x-accel-redirect"
    digest = hashlib.sha256(DATA).hexdigest()
    answer = direct("/content/files/big.tar.gz")
    assert (answer["X-Accel-Redirect"], answer.body) == (f"/millrace-pool/{digest[:2]}/{digest}", b"")
    settings.MILLRACE_SENDFILE = "x-sendfile"
    assert direct("/content/files/big.tar.gz")["X-Sendfile"] == str(pool.path(digest))


@pytest.mark.parametrize("name", ["big.tar.gz", "small.html", "empty", "none", ""])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "asked", ["bytes=0-0", "bytes=2-5", "bytes=4-", "bytes=-3", "bytes=999999-", "bytes=5-2", "bytes=0-1,3-4", "x=1-2"]
)
def test_parts_are_the_same(both: Both, name: str, method: str, asked: str) -> None:
    both(f"/content/files/{name}", method, Range=asked)


@pytest.mark.parametrize(
    "condition",
    [
        {"If_None_Match": ETAG},
        {"If_None_Match": '"other"'},
        {"If_None_Match": "*"},
        {"If_Match": ETAG},
        {"If_Match": '"other"'},
        {"If_Modified_Since": http_date(0)},
        {"If_Modified_Since": http_date(4_000_000_000)},
        {"If_Unmodified_Since": http_date(0)},
        {"If_Unmodified_Since": http_date(4_000_000_000)},
        {"If_Range": ETAG, "Range": "bytes=5-9"},
        {"If_Range": '"other"', "Range": "bytes=5-9"},
        {"Want_Digest": "SHA-256"},
    ],
)
def test_conditions_are_the_same(both: Both, condition: dict[str, str]) -> None:
    both("/content/files/big.tar.gz", **condition)


def test_age_of_the_bytes_says_nothing(both: Both) -> None:
    """nginx knows when a file came into the pool, which may be long before or after it is served at a path."""
    for age in (0, 4_000_000_000):
        os.utime(pool.path(ETAG.strip('"')), (age, age))
        for moment in (0, 4_000_000_000):
            both("/content/files/big.tar.gz", If_Modified_Since=http_date(moment))
            both("/content/files/big.tar.gz", Range="bytes=1-2", If_Unmodified_Since=http_date(moment))


def test_protected_files_stay_protected(both: Both, files: Repository) -> None:
    files.distributions.update(protected=True)
    secret = tokens.make("all", everything=True).secret
    assert both("/content/files/big.tar.gz").status == 401
    answer = both("/content/files/big.tar.gz", Authorization=f"Bearer {secret}")
    assert (answer.status, answer["Cache-Control"]) == (200, "private, no-cache")


def test_pool_is_closed_to_clients(front: Client) -> None:
    digest = ETAG.strip('"')
    assert front(f"/millrace-pool/{digest[:2]}/{digest}").status == 404


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(DATA[:-1])])
def test_damaged_file_is_not_sent(front: Client, settings: Settings, damage: Any) -> None:
    settings.MILLRACE_SENDFILE = "x-accel-redirect"
    damage(pool.path(ETAG.strip('"')))
    assert front("/content/files/big.tar.gz").status == 503
    assert front("/content/files/big.tar.gz", Range="bytes=1-2").status == 503


def test_switch_is_seen_at_once(front: Client, files: Repository, settings: Settings) -> None:
    settings.MILLRACE_SENDFILE = "x-accel-redirect"
    for number in range(5):
        factories.serve(files, {"small.html": b"%d" % number})
        assert front("/content/files/small.html").body == b"%d" % number
