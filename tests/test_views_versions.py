"""The versions of a repository: their list, one of them, and what can be done with it."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos.models import Job, PublishSettings, Repository, RepositoryVersion
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    """With three versions; the third is served at “files”."""
    made = factories.repository()
    factories.version(made, {"a": b"1", "b": b"2"})
    factories.version(made, {"a": b"22"})
    factories.serve(made, {"b": b"333"}, days_ago=30)
    return made


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def address(repository: Repository, number: int, deed: str = "") -> str:
    return f"/repositories/{repository.pk}/versions/{number}/{deed}"


def test_it_works(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, address(repository, 3))
    for shown in ("<h2>Version 3</h2>", "the newest", f'href="{address(repository, 3, "files/")}"'):
        assert shown in text


@pytest.mark.any_database
@pytest.mark.parametrize("deed", ["", "delete/"])
def test_all_of_it_needs_a_login(client: Client, repository: Repository, deed: str) -> None:
    assert client.get(address(repository, 1, deed)).status_code == 302
    assert client.get(f"/repositories/{repository.pk}/files/").status_code == 302


@pytest.mark.parametrize("number", [4, 9, 10**30])
def test_what_is_not_there_or_not_ready_is_not_found(admin_client: Client, repository: Repository, number: int) -> None:
    repository.versions.create(number=4, complete=False)
    for deed in ("", "files/", "delete/"):
        assert admin_client.get(address(repository, number, deed)).status_code == 404
    for deed in ("publish/", "restore/"):
        assert admin_client.post(address(repository, number, deed)).status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize("deed", ["publish/", "restore/"])
def test_a_deed_is_a_post(admin_client: Client, repository: Repository, deed: str) -> None:
    assert admin_client.get(address(repository, 1, deed)).status_code == 405


def test_an_older_one_says_which_is_the_newest(admin_client: Client, repository: Repository) -> None:
    assert "newest is 3" in page(admin_client, address(repository, 1))


def test_it_leads_to_what_changed_since_the_one_before(admin_client: Client, repository: Repository) -> None:
    repository.versions.get(number=2).delete()
    compare = f"/repositories/{repository.pk}/compare/"
    text = page(admin_client, address(repository, 3))
    assert f'href="{compare}?from=1&amp;to=3">Compare with version 1</a>' in text


# ---- the list ----------------------------------------------------------------------------------------------


def test_the_list_has_them_newest_first(admin_client: Client, repository: Repository) -> None:
    repository.versions.create(number=4, complete=False)
    job = scenes.an_ended_job(repository, "completed", version=repository.versions.get(number=3))
    text = page(admin_client, f"/repositories/{repository.pk}/versions/")
    assert re.findall(r'<tr id="version-(\d)"', text) == ["3", "2", "1"]
    assert f'<a href="/jobs/{job.pk}/">job {job.pk}</a>' in text


def test_the_newest_two_are_chosen_to_be_compared(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, f"/repositories/{repository.pk}/versions/")
    chosen = re.findall(r'name="(from|to)" value="(\d)" aria-label="[^"]*" checked', text)
    assert sorted(chosen) == [("from", "2"), ("to", "3")]


def test_the_list_has_pages_by_key(admin_client: Client, repository: Repository) -> None:
    for _ in range(60):
        scenes.a_version(repository)
    there = f"/repositories/{repository.pk}/versions/"
    shown = admin_client.get(there).context["list"]
    assert [one.number for one in shown][:2] == [63, 62]
    beyond = admin_client.get(shown.next).context["list"]
    assert [one.number for one in beyond] == [*range(13, 0, -1)]


def test_many_versions_or_few_take_the_same_number_of_queries(admin_client: Client, repository: Repository) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            scenes.a_completed_job(repository)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, f"/repositories/{repository.pk}/versions/")
        return len(queries)

    assert with_five_more() == with_five_more()


# ---- its page ----------------------------------------------------------------------------------------------


def test_many_publications_or_few_take_the_same_number_of_queries(admin_client: Client, repository: Repository) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            settings = PublishSettings.objects.matching(manifest=f"M{PublishSettings.objects.count()}")
            made = repository.versions.get(number=3).publications.create(settings=settings)
            repository.distributions.create(base_path=f"b{made.pk}", publication=made)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, address(repository, 3))
        return len(queries)

    assert with_five_more() == with_five_more()


# ---- publishing and restoring ------------------------------------------------------------------------------


def test_any_version_is_published_with_the_settings_of_the_repository(
    admin_client: Client, repository: Repository
) -> None:
    response = admin_client.post(address(repository, 1, "publish/"), {"publish_settings": ""})
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.actions, job.of_version, job.publish_settings) == (["publish"], 1, None)


def test_any_version_is_published_with_others(admin_client: Client, repository: Repository) -> None:
    others = PublishSettings.objects.matching(checksums="SHA256SUMS")
    assert f'<option value="{others.pk}">' in page(admin_client, address(repository, 1))
    admin_client.post(address(repository, 1, "publish/"), {"publish_settings": others.pk})
    assert Job.objects.get().publish_settings == others


def test_any_version_is_published_with_values_that_are_not_there_yet(
    admin_client: Client, repository: Repository
) -> None:
    there = address(repository, 1, "publish/")
    values = {"publish_settings": "other", "manifest": "LIST", "checksums": ""}
    for _ in range(2):
        assert admin_client.post(there, values).status_code == 302
    made = Job.objects.get().publish_settings
    assert made
    assert (made.manifest, made.checksums) == ("LIST", "")
    refused = admin_client.post(there, values | {"manifest": "a/b"})
    assert refused.status_code == 422
    assert "without a folder" in refused.content.decode()


def test_values_of_the_repository_are_its_own_settings(admin_client: Client, repository: Repository) -> None:
    own = repository.publish_settings
    values = {"publish_settings": "other", "manifest": own.manifest, "checksums": own.checksums}
    admin_client.post(address(repository, 1, "publish/"), values)
    assert Job.objects.get().publish_settings is None


def test_a_refused_publishing_makes_no_settings(admin_client: Client, repository: Repository) -> None:
    values = {"publish_settings": "other", "manifest": "LIST"}
    assert admin_client.post(address(repository, 0, "publish/"), values).status_code == 409
    assert not PublishSettings.objects.filter(manifest="LIST").exists()


def test_the_same_request_is_joined(admin_client: Client, repository: Repository) -> None:
    for _ in range(2):
        admin_client.post(address(repository, 1, "publish/"))
    assert Job.objects.count() == 1


def test_settings_that_are_not_there_are_refused(admin_client: Client, repository: Repository) -> None:
    response = admin_client.post(address(repository, 1, "publish/"), {"publish_settings": "99999"})
    assert (response.status_code, Job.objects.exists()) == (422, False)
    assert "is not offered" in response.content.decode()


def test_version_0_has_no_deeds_and_is_not_published(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, address(repository, 0))
    deeds = re.findall(r'"[^"]*/versions/0/([a-z]+)/"', text)
    assert deeds == []
    assert admin_client.post(address(repository, 0, "publish/")).status_code == 409


def test_an_old_version_is_restored_as_a_new_one(admin_client: Client, repository: Repository) -> None:
    admin_client.post(address(repository, 1, "restore/"))
    job = Job.objects.get()
    assert (job.actions, job.of_version) == (["modify", "publish", "distribute"], 1)


@pytest.mark.parametrize(
    ("publishes", "distributes", "after"),
    [(True, True, ", publishes and serves it."), (True, False, ", and publishes it."), (False, False, ".")],
)
def test_the_page_says_what_a_restore_does(
    admin_client: Client, repository: Repository, publishes: bool, distributes: bool, after: str
) -> None:
    Repository.objects.update(auto_publish=publishes, auto_distribute=distributes)
    text = page(admin_client, address(repository, 1))
    assert f"Restore makes the next version of these files{after}</p>" in text
    assert "Restore makes" not in page(admin_client, address(repository, 3))


def test_the_newest_is_not_restored(admin_client: Client, repository: Repository) -> None:
    response = admin_client.post(address(repository, 3, "restore/"))
    assert (response.status_code, Job.objects.exists()) == (409, False)
    assert "is the newest already" in response.content.decode()


def test_a_mirror_is_not_restored_and_the_page_says_why(admin_client: Client, repository: Repository) -> None:
    Repository.objects.update(mirror=True)
    text = page(admin_client, address(repository, 1))
    assert "It cannot be restored. “files” is a mirror" in text
    assert 'aria-describedby="about-restore" disabled' in text
    response = admin_client.post(address(repository, 1, "restore/"))
    assert (response.status_code, Job.objects.exists()) == (409, False)


# ---- deleting ----------------------------------------------------------------------------------------------


def test_an_old_version_is_deleted(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, address(repository, 1, "delete/"))
    assert "1\N{NO-BREAK SPACE}B of files are then needed by nothing else" in text
    response = admin_client.post(address(repository, 1, "delete/"))
    assert response["Location"] == f"/repositories/{repository.pk}/versions/"
    assert list(RepositoryVersion.objects.values_list("number", flat=True)) == [0, 2, 3]


def test_what_is_served_leads_to_where(admin_client: Client, repository: Repository) -> None:
    distribution = repository.distributions.first()
    assert distribution
    distribution.publication = factories.publication(repository.versions.get(number=1))
    distribution.save()
    text = page(admin_client, address(repository, 1, "delete/"))
    assert f'href="/distributions/{distribution.pk}/">Go to {distribution.base_path}</a>' in text


@pytest.mark.parametrize(("number", "why"), [(0, "Version 0 is the empty one"), (3, "Version 3 is the newest")])
def test_one_that_has_to_stay_says_why(admin_client: Client, repository: Repository, number: int, why: str) -> None:
    assert why in page(admin_client, address(repository, number, "delete/"))
    response = admin_client.post(address(repository, number, "delete/"))
    assert (response.status_code, why in response.content.decode()) == (409, True)
    assert repository.versions.count() == 4


def test_it_says_which_job_made_it(admin_client: Client, repository: Repository) -> None:
    job = scenes.an_ended_job(repository, "completed", version=repository.versions.get(number=3))
    assert f'by <a href="/jobs/{job.pk}/">job {job.pk}</a>' in page(admin_client, address(repository, 3))
