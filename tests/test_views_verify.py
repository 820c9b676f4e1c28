"""Asking for a verify, and seeing what is damaged."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from dashboard.forms.verify import VerifyForm
from repos.actions import VERIFY
from repos.damage import LOST
from repos.models import Damage, Job, Repository
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
DATA = b"precious"


@pytest.fixture
def files(db: None) -> Repository:
    made = factories.repository()
    factories.serve(made, {"a/b.txt": DATA})
    return made


def damaged(data: bytes = DATA, **values: object) -> Damage:
    known = {"cause": "digest", "why": "its sha256 is another", "quarantined": True}
    return Damage.objects.create(artifact=factories.artifact(data), **(known | values))


def storage(client: Client, **query: str) -> str:
    return client.get("/storage/", query).content.decode()


def test_it_works(admin_client: Client, files: Repository) -> None:
    damaged()
    text = storage(admin_client)
    for shown in ("1\N{NO-BREAK SPACE}damaged file", "a/b.txt", "since version 1", "digest", "in quarantine"):
        assert shown in text
    response = admin_client.post("/storage/verify/", {"repair": "on", "rate": "50000000"})
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.repository, job.with_verify, job.may_repair, job.rate) == (None, True, True, 50_000_000)


def test_a_whole_house_shows_no_damage(admin_client: Client, files: Repository) -> None:
    assert 'id="damaged"' not in storage(admin_client)
    assert 'action="/storage/verify/"' in storage(admin_client)


@pytest.mark.parametrize(("address", "version"), [("verify/", None), ("versions/1/verify/", 1)])
def test_a_repository_or_a_version_is_verified(
    admin_client: Client, files: Repository, address: str, version: int | None
) -> None:
    admin_client.post(f"/repositories/{files.pk}/{address}")
    job = Job.objects.get()
    assert (job.repository, job.of_version, job.may_repair, job.rate) == (files, version, False, None)
    page = admin_client.get(f"/repositories/{files.pk}/").content.decode()
    # Its page shows it while it runs, and among its last jobs.
    assert f'id="run-{job.pk}"' in page
    assert f'id="job-{job.pk}"' in page
    assert f'action="/repositories/{files.pk}/verify/"' in page


def test_a_speed_that_is_not_offered_is_refused(admin_client: Client, files: Repository) -> None:
    response = admin_client.post("/storage/verify/", {"rate": "7"}, follow=True)
    assert "Choose one of the speeds" in response.content.decode()
    assert not Job.objects.exists()


def test_the_form_offers_what_is_configured_first(settings: Settings) -> None:
    settings.MILLRACE_VERIFY_RATE = 0
    assert VerifyForm()["rate"].as_widget().count("<option") == 4
    settings.MILLRACE_VERIFY_RATE = 50_000_000
    text = VerifyForm()["rate"].as_widget()
    assert "at most 50.0 MB a second, as set" in text
    assert '<option value="0">as fast as it can' in text


def test_what_needs_the_bytes_is_told(admin_client: Client, files: Repository) -> None:
    factories.version(files, {"a/b.txt": None})
    for number in range(4):
        factories.serve(factories.repository(f"r{number}", f"r{number}"), {f"x{number}": b"shared"})
    damaged()
    damaged(b"shared", cause="missing")
    damaged(b"of nobody", cause="size")
    Damage.objects.create(artifact=factories.the_metadata(files), cause="missing", why="it is not in the pool")
    text = storage(admin_client)
    for shown in ("version 1<", "x0", "x2", "and others", "nothing: a clean-up takes it away", "of files version 1"):
        assert shown in text
    assert not re.search(r"\bx3\b", text)


def test_ten_or_twenty_take_the_same_number_of_queries(admin_client: Client, files: Repository) -> None:
    def with_ten_more(start: int) -> int:
        for number in range(start, start + 10):
            factories.version(files, {f"f{number}": f"data {number}".encode()})
            damaged(f"data {number}".encode())
        with CaptureQueriesContext(connection) as queries:
            storage(admin_client)
        return len(queries)

    # What was counted before is known from then on.
    storage(admin_client)
    assert with_ten_more(0) == with_ten_more(10)


def test_damage_has_pages(admin_client: Client) -> None:
    for number in range(51):
        damaged(f"data {number}".encode(), why=f"no. {number};")
    assert "no. 50;" not in storage(admin_client)
    assert "no. 50;" in storage(admin_client, damaged="2")


def test_the_head_of_the_damage_offers_a_repair_unless_it_would_not_help(
    admin_client: Client, files: Repository
) -> None:
    lost = damaged(why=f"its sha256 is another{LOST}")
    text = storage(admin_client)
    assert "Verify and repair</button>" not in text
    for shown in ("Verify again</button>", "A repair would not help now. Upload the same bytes again"):
        assert shown in text
    Damage.objects.filter(pk=lost.pk).update(why="its sha256 is another")
    text = storage(admin_client)
    assert "Verify and repair</button>" in text
    assert "would not help" not in text


def test_a_viewer_sees_damage_and_no_button(client: Client, files: Repository) -> None:
    damaged()
    client.force_login(User.objects.create_user("eve"))
    text = storage(client)
    assert "a/b.txt" in text
    assert "/storage/verify/" not in text
    assert client.post("/storage/verify/").status_code == 403


# ---- jobs without a repository, wherever jobs are shown ----


@pytest.fixture
def upkeep(files: Repository) -> Job:
    return scenes.a_running_job(None, VERIFY)


@pytest.mark.parametrize(
    "address", ["/", "/running/", "/jobs/", "/jobs/table/", "/jobs/{pk}/", "/jobs/{pk}/panel/", "/storage/"]
)
def test_a_job_for_all_that_is_stored_is_shown(admin_client: Client, upkeep: Job, address: str) -> None:
    response = admin_client.get(address.format(pk=upkeep.pk))
    assert response.status_code == 200
    text = response.content.decode()
    assert "all that is stored" in text or "panel" in address
    assert not re.search(r"\bNone\b(?! chosen)", text)


@pytest.mark.parametrize("address", ["/admin/repos/job/", "/admin/repos/job/{pk}/change/", "/status.json"])
def test_so_it_is_for_administrators_and_programs(admin_client: Client, upkeep: Job, address: str) -> None:
    assert admin_client.get(address.format(pk=upkeep.pk)).status_code == 200


def test_it_waits_for_another_by_name(admin_client: Client, upkeep: Job) -> None:
    other = scenes.a_job(None, VERIFY, request="verify repair=True")
    assert "(all that is stored, running)" in admin_client.get(f"/jobs/{other.pk}/").content.decode()


def test_it_is_canceled_and_asked_for_again(admin_client: Client) -> None:
    job = scenes.a_job(None, VERIFY)
    admin_client.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == "canceled"
    response = admin_client.post(f"/jobs/{job.pk}/again/")
    again = Job.objects.latest("pk")
    assert response["Location"] == f"/jobs/{again.pk}/"
    assert again.with_verify
    assert again.repository is None


def lists(job: Job, found: Damage) -> None:
    """The job lists it among its failed files."""
    known = {"path": "a/b.txt", "cause": found.cause, "message": found.why, "tries": 0}
    job.failed_files.create(expected_sha256=found.artifact.sha256, expected_size=found.artifact.size, **known)


def test_a_verify_says_what_came_of_it_and_offers_the_repair(admin_client: Client, files: Repository) -> None:
    one = damaged()
    values: dict[str, Any] = {
        "outcome": "4 files, 2 kB read, 1 damaged.",
        "error": "1 file is damaged here.",
        "error_code": "damaged",
    }
    for repository, of_version, to in (
        (None, None, "/storage/verify/"),
        (files, None, f"/repositories/{files.pk}/verify/"),
        (files, 1, f"/repositories/{files.pk}/versions/1/verify/"),
    ):
        job = scenes.an_ended_job(repository, "failed", VERIFY, failed=1, of_version=of_version, **values)
        lists(job, one)
        text = admin_client.get(f"/jobs/{job.pk}/").content.decode()
        assert "4 files, 2 kB read, 1 damaged." in text
        assert f'action="{to}"' in text
        assert "Verify and repair" in text
        assert "Retry failed files" not in text
        assert "could not be fetched" not in text


def test_it_offers_no_repair_that_would_not_help(admin_client: Client, files: Repository) -> None:
    job = scenes.an_ended_job(
        files, "failed", VERIFY, failed=2, error="2 files are damaged here.", error_code="damaged"
    )
    lost, other = damaged(why=f"its sha256 is another{LOST}"), damaged(b"of nobody")
    for one in (lost, other):
        lists(job, one)

    def offered() -> bool:
        return "Verify and repair" in admin_client.get(f"/jobs/{job.pk}/").content.decode()

    assert not offered()
    Damage.objects.filter(pk=lost.pk).update(why="its sha256 is another")
    assert offered()
    # By now it was mended.
    Damage.objects.all().delete()
    assert not offered()
