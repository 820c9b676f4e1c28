import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.http import http_date

from repos.models import Repository, RepositoryVersion
from tests import factories
from tests.content_server import Client, serving

pytestmark = pytest.mark.django_db(transaction=True)

DATA = bytes(range(256)) * 100
NEW = DATA[::-1]
ETAG, NEW_ETAG = (f'"{hashlib.sha256(data).hexdigest()}"' for data in (DATA, NEW))


@pytest.fixture
def files() -> Repository:
    """Serves `data.bin` at `files`."""
    made = factories.repository()
    factories.serve(made, {"data.bin": DATA})
    return made


@pytest.fixture
def get(files: Repository) -> Iterator[Client]:
    with serving() as client:
        yield client


def test_it_works(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": NEW})
    answer = get("/content/files/data.bin", Range="bytes=1000-")
    assert (answer.status, answer.body, answer["ETag"]) == (206, DATA[1000:], ETAG)
    assert get("/content/files/data.bin", Range="bytes=2000-2999").body == DATA[2000:3000]


def test_another_download_begins_with_the_current_file(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": NEW})
    assert get("/content/files/data.bin").body == NEW
    assert get("/content/files/data.bin", Range="bytes=1000-").body == NEW[1000:]


@pytest.mark.parametrize(
    ("method", "asked"), [("GET", "bytes=0-"), ("GET", "bytes=0-0"), ("GET", "bytes=-9"), ("HEAD", "")]
)
def test_first_look_at_a_file_is_at_the_current_one(files: Repository, get: Client, method: str, asked: str) -> None:
    """Programs that read here and there in a file begin so: they must not be told of one file and get the other."""
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": NEW})
    assert get("/content/files/data.bin", method, **({"Range": asked} if asked else {}))["ETag"] == NEW_ETAG
    assert get("/content/files/data.bin", Range="bytes=1000-").body == NEW[1000:]


def test_other_clients_and_other_paths_get_the_current_file(files: Repository, get: Client) -> None:
    factories.serve(files, {"copy.bin": DATA})
    get("/content/files/data.bin", User_Agent="one")
    factories.serve(files, {"data.bin": NEW, "copy.bin": NEW})
    assert get("/content/files/data.bin", User_Agent="two", Range="bytes=9-")["ETag"] == NEW_ETAG
    assert get("/content/files/copy.bin", User_Agent="one", Range="bytes=9-")["ETag"] == NEW_ETAG
    assert get("/content/files/data.bin", User_Agent="one", Range="bytes=9-")["ETag"] == ETAG


def test_download_of_a_file_that_vanished_goes_on(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": NEW})
    factories.serve(files, {"data.bin": None})
    assert get("/content/files/data.bin", Range="bytes=1000-").body == DATA[1000:]
    assert get("/content/files/data.bin").body == NEW


def test_download_goes_on_only_within_the_grace(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": NEW}, days_ago=3.1)
    assert get("/content/files/data.bin", Range="bytes=1000-").body == NEW[1000:]


def test_download_goes_on_when_the_new_file_is_shorter(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": b"short"})
    assert get("/content/files/data.bin", Range="bytes=1000-").body == DATA[1000:]
    assert get("/content/files/data.bin").body == b"short"


def test_superseded_file_can_be_named(files: Repository, get: Client) -> None:
    factories.serve(files, {"data.bin": NEW})
    for condition in ("If_Range", "If_Match"):
        answer = get("/content/files/data.bin", Range="bytes=1000-", **{condition: ETAG})
        assert (answer.status, answer.body, answer["ETag"]) == (206, DATA[1000:], ETAG)
    # Without a range it is a question about the current file.
    assert get("/content/files/data.bin", If_Match=ETAG).status == 412


def test_superseded_file_cannot_be_named_after_its_grace(files: Repository, get: Client) -> None:
    factories.serve(files, {"data.bin": NEW}, days_ago=3.1)
    assert get("/content/files/data.bin", Range="bytes=1000-", If_Range=ETAG).body == NEW
    assert get("/content/files/data.bin", Range="bytes=1000-", If_Match=ETAG).status == 412


def test_date_that_two_files_share_names_neither(files: Repository, get: Client) -> None:
    factories.serve(files, {"data.bin": NEW})
    moment = timezone.now() - timedelta(hours=1)
    RepositoryVersion.objects.update(created_at=moment)
    answer = get("/content/files/data.bin", Range="bytes=1000-", If_Range=http_date(moment.timestamp()))
    assert (answer.status, answer.body) == (200, NEW)


def test_small_files_are_not_remembered(files: Repository, get: Client) -> None:
    small = b"small" * 1000
    factories.serve(files, {"small": small})
    get("/content/files/small")
    get("/content/files/small", Range="bytes=9-")
    factories.serve(files, {"small": small[::-1]})
    assert get("/content/files/small", Range="bytes=9-").body == small[::-1][9:]


def test_range_of_a_small_file_is_of_the_current_one(files: Repository, get: Client) -> None:
    get("/content/files/data.bin")
    factories.serve(files, {"data.bin": b"small" * 1000})
    assert get("/content/files/data.bin").body == b"small" * 1000
    assert get("/content/files/data.bin", Range="bytes=5-9").body == b"small"
    assert get("/content/files/data.bin", Range="bytes=5000-").status == 416


def test_switch_back_and_forth_is_followed(files: Repository, get: Client) -> None:
    distribution, first = files.distributions.get(), files.distributions.get().publication
    factories.serve(files, {"data.bin": NEW})
    get("/content/files/data.bin")
    factories.switch(distribution, first)
    assert get("/content/files/data.bin", Range="bytes=1000-").body == NEW[1000:]
    assert get("/content/files/data.bin").body == DATA
