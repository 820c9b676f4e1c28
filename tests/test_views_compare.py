"""The pages of a comparison and of a dry run."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos import conf
from repos.actions import SYNC_ONLY
from repos.models import Job, Repository
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def repository() -> Repository:
    made = factories.repository()
    factories.version(made, {"same": b"0", "gone": b"12", "other": b"123"})
    factories.version(made, {"gone": None, "other": b"1234", "new": b"12345"})
    return made


def page(client: Client, repository: Repository, query: str = "", status: int = 200) -> str:
    response = client.get(f"/repositories/{repository.pk}/compare/{query}")
    assert response.status_code == status
    return str(response.content.decode())


def test_it_works(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, repository, "?from=1&to=2")
    assert [path in text for path in (">gone<", ">other<", ">new<", ">same<")] == [True, True, True, False]
    assert "Bytes that come" in text


def test_without_numbers_it_is_the_newest_and_the_one_before(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, repository)
    assert '<option value="1" selected>' in text
    assert '<option value="2" selected>' in text


def test_other_pairs_are_a_click_away(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {"third": b"3"})
    text = page(admin_client, repository, "?from=1&to=2&kind=added")
    assert "?from=2&amp;to=1&amp;kind=added" in text or "kind=added&amp;from=2&amp;to=1" in text
    assert "With the newest" in text
    assert "With the one before" not in text
    assert "With the one before" in page(admin_client, repository, "?from=1&to=3")


def test_what_is_shown_is_narrowed_by_the_address(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, repository, "?from=1&to=2&kind=removed")
    assert (">gone<" in text, ">new<" in text) == (True, False)
    assert ">other<" in page(admin_client, repository, "?from=1&to=2&q=OTH")
    assert "No such file has “nowhere”" in page(admin_client, repository, "?from=1&to=2&q=nowhere")
    assert "No file is like that" in page(admin_client, repository, "?from=0&to=1&kind=removed")
    assert ">gone<" in page(admin_client, repository, "?from=1&to=2&kind=nonsense")


def test_the_same_version_twice_says_so(admin_client: Client, repository: Repository) -> None:
    assert "Version 2 twice" in page(admin_client, repository, "?from=2&to=2")


def test_versions_with_the_same_files_say_so(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {"other": b"123", "gone": b"12", "new": None})
    assert "Versions 1 and 3 have the same files" in page(admin_client, repository, "?from=1&to=3")


def test_a_version_that_is_not_there_is_not_found_and_others_can_be_chosen(
    admin_client: Client, repository: Repository
) -> None:
    for query in ("?from=9&to=2", "?from=1&to=ten", "?to=99999999999999999999"):
        text = page(admin_client, repository, query, 404)
        assert "it was deleted, or never was" in text
        assert '<option value="1"' in text


def test_with_one_version_there_is_nothing_to_compare(admin_client: Client, db: None) -> None:
    assert "Nothing to compare yet" in page(admin_client, factories.repository())


def test_pages_go_by_path(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {f"{number:03}": b"1" for number in range(150)})
    text = page(admin_client, repository, "?from=2&to=3")
    assert (">099<" in text, ">100<" in text) == (True, False)
    assert "after=099" in text
    assert ">100<" in page(admin_client, repository, "?from=2&to=3&after=099")


def test_programs_get_it_too(admin_client: Client, repository: Repository) -> None:
    address = f"/repositories/{repository.pk}/compare/?from=1&to=2"
    response = admin_client.get(f"{address}&format=json")
    told = json.loads(response.getvalue())
    assert [one["path"] for one in told["files"]] == ["gone", "new", "other"]
    assert response["Content-Disposition"] == f'attachment; filename="compare-{repository.pk}-1-2.json"'
    lines = admin_client.get(f"{address}&format=tsv&kind=added").getvalue()
    assert lines.decode().startswith("+\tnew\t\t\t")


def test_more_files_take_no_more_queries(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {f"{number}": b"1" for number in range(10)})
    factories.version(repository, {f"{number}.txt": b"1" for number in range(20)})
    counts = []
    for query in ("?from=2&to=3", "?from=3&to=4"):
        page(admin_client, repository, query)
        with CaptureQueriesContext(connection) as asked:
            page(admin_client, repository, query)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# ---- dry runs ----


@pytest.fixture
def dry(repository: Repository) -> Job:
    return scenes.a_dry_run(repository)


def test_a_dry_run_is_asked_for_and_joined(admin_client: Client, repository: Repository, bell: list[int]) -> None:
    response = admin_client.post(f"/repositories/{repository.pk}/dry-run/")
    job = Job.objects.get(dry_run=True)
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert admin_client.post(f"/repositories/{repository.pk}/dry-run/")["Location"] == f"/jobs/{job.pk}/"


def test_one_that_cannot_be_says_why(admin_client: Client, repository: Repository) -> None:
    Repository.objects.update(remote=None)
    response = admin_client.post(f"/repositories/{repository.pk}/dry-run/")
    assert response.status_code == 409
    assert "has no remote to sync from" in response.content.decode()


def test_its_page_shows_what_a_sync_would_do(admin_client: Client, dry: Job) -> None:
    text = admin_client.get(f"/jobs/{dry.pk}/dry-run/").content.decode()
    assert "pool/main/b/package-0000/package_0.deb" in text
    assert "in the pool already" in text
    assert "Run it for real" in text
    narrowed = admin_client.get(f"/jobs/{dry.pk}/dry-run/?kind=removed&q=package-0003").content.decode()
    assert (narrowed.count("mark removed"), narrowed.count("mark added")) == (1, 0)


def test_one_whose_files_are_gone_still_has_its_totals(admin_client: Client, repository: Repository, dry: Job) -> None:
    scenes.a_dry_run(repository)
    (dry_files,) = [one for one in conf.data().glob("dry_runs/*") if one.stem == str(dry.pk)]
    dry_files.unlink()
    text = admin_client.get(f"/jobs/{dry.pk}/dry-run/").content.decode()
    assert "Its files are not kept any more" in text
    assert "To fetch" in text


def test_one_that_was_overtaken_says_so(admin_client: Client, repository: Repository, dry: Job) -> None:
    factories.version(repository, {"later": b"1"})
    assert "version 3 is there by now" in admin_client.get(f"/jobs/{dry.pk}/dry-run/").content.decode()


def test_one_that_is_not_over_is_watched(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_running_job(repository, SYNC_ONLY, dry_run=True)
    assert admin_client.get(f"/jobs/{job.pk}/dry-run/")["Location"] == f"/jobs/{job.pk}/"


def test_a_job_that_is_none_has_no_such_page(admin_client: Client, repository: Repository) -> None:
    assert admin_client.get(f"/jobs/{scenes.an_unchanged_job(repository).pk}/dry-run/").status_code == 404
