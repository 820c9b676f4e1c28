"""What a page asks of the database does not depend on how much there is."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from dashboard import live
from tests.years import PAGES, Years, address

pytestmark = pytest.mark.django_db

# More than any page shows of anything at once; and so many, that there is another page besides.
SOME, MORE = 20, 60


@pytest.fixture(scope="module")
def asked(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[int, dict[str, int]]]:
    """How many queries each page makes where there is some of everything, and where there is more."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(live, "SHARED", 0.0)
        yield {number: queries(number) for number in (SOME, MORE)}


def queries(number: int) -> dict[str, int]:
    with transaction.atomic():
        Years(repositories=number, versions=number, jobs=10 * number, files=10 * number).write()
        client = Client()
        client.force_login(User.objects.create_superuser("admin"))
        made = {page: asked_by(client, address(page)) for page in PAGES}
        transaction.set_rollback(True)
    return made


def asked_by(client: Client, url: str) -> int:
    # What is remembered from page to page is asked for once.
    client.get(url)
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)


@pytest.mark.parametrize("url", PAGES)
def test_more_rows_take_no_more_queries(url: str, asked: dict[int, dict[str, int]]) -> None:
    assert asked[MORE][url] == asked[SOME][url]


def test_the_live_panel_of_a_running_job_takes_six(asked: dict[int, dict[str, int]]) -> None:
    """The session, the user, whether anything is new, and then the job, its reports, its log: for one of all who look.

    The others take half of that (see test_live.py).
    """
    assert asked[SOME]["/jobs/{running}/panel/"] == 6
