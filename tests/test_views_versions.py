"""A version: its files, its publications, and what can be done with it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from repos import browse
from repos.models import Artifact, Content, Damage, Job, PublishSettings, Repository, RepositoryVersion
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
    for shown in ('<a href="/content/files/a">a</a>', "version 2", Artifact.objects.get(size=2).sha256, "the newest"):
        assert shown in text


def test_damaged_files_are_marked(admin_client: Client, repository: Repository) -> None:
    marked = 'class="tag tag-bad"'
    assert marked not in page(admin_client, address(repository, 3))
    Damage.objects.create(artifact=Artifact.objects.get(size=2), cause="missing", why="it is not in the pool")
    assert page(admin_client, address(repository, 3)).count(marked) == 1
    assert marked not in page(admin_client, address(repository, 1))


@pytest.mark.parametrize("deed", ["", "delete/"])
def test_all_of_it_needs_a_login(client: Client, repository: Repository, deed: str) -> None:
    assert client.get(address(repository, 1, deed)).status_code == 302
    assert client.get(f"/repositories/{repository.pk}/files/").status_code == 302


@pytest.mark.parametrize("number", [4, 9, 10**30])
def test_what_is_not_there_or_not_ready_is_not_found(admin_client: Client, repository: Repository, number: int) -> None:
    repository.versions.create(number=4, complete=False)
    for deed in ("", "delete/"):
        assert admin_client.get(address(repository, number, deed)).status_code == 404
    for deed in ("publish/", "restore/"):
        assert admin_client.post(address(repository, number, deed)).status_code == 404


@pytest.mark.parametrize("deed", ["publish/", "restore/"])
def test_a_deed_is_a_post(admin_client: Client, repository: Repository, deed: str) -> None:
    assert admin_client.get(address(repository, 1, deed)).status_code == 405


def test_the_files_of_a_repository_are_those_of_its_newest_version(
    admin_client: Client, repository: Repository
) -> None:
    repository.versions.create(number=4, complete=False)
    response = admin_client.get(f"/repositories/{repository.pk}/files/")
    assert response["Location"] == address(repository, 3)


# ---- files -------------------------------------------------------------------------------------------------


def test_files_that_are_not_served_are_no_links(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, address(repository, 1))
    assert "/content/files/a" not in text
    assert "newest is 3" in text


def test_addresses_of_files_are_quoted_and_names_shown_as_they_are(admin_client: Client) -> None:
    name = "a b/100%?#<script>.txt"
    made = factories.repository()
    factories.serve(made, {name: b"1"})
    text = page(admin_client, address(made, 1))
    assert f'href="/content/files/a%20b/100%25%3F%23%3Cscript%3E.txt">{escape(name)}</a>' in text


def test_files_are_searched(admin_client: Client, repository: Repository) -> None:
    for q, found in (("A", ["a"]), ("/b", ["b"]), ("zzz", []), ("/zzz", []), ("\0", ["a", "b"])):
        response = admin_client.get(address(repository, 3), {"q": q})
        assert [one.path for one in response.context["found"].files] == found
        assert response.status_code == 200


def test_pages_lead_on_with_the_search(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "FILES", 1)
    text = page(admin_client, address(repository, 3) + "?q=")
    assert f'href="{address(repository, 3)}?q=&amp;after=a#files"' in text
    text = page(admin_client, address(repository, 3) + "?after=a")
    assert (">b</a>" in text, "Next" in text, "First" in text) == (True, False, True)


def test_a_search_that_is_not_over_says_how_far_it_came(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "MOST", 1)
    text = page(admin_client, address(repository, 3) + "?q=b")
    assert "Nothing among the files that were looked at so far" in text
    assert "Go on searching" in text
    assert 'Looked as far as <span class="mono break">a</span>' in text


def test_many_files_or_few_take_the_same_number_of_queries(admin_client: Client, repository: Repository) -> None:
    def with_fifty_more() -> int:
        same = factories.artifact(b"same")
        count = Content.objects.count()
        rows = [Content(repository=repository, path=f"{count + i}", artifact=same, added=3) for i in range(50)]
        Content.objects.bulk_create(rows)
        settings = PublishSettings.objects.matching(manifest=f"M{count}")
        made = repository.versions.get(number=3).publications.create(settings=settings)
        repository.distributions.create(base_path=f"b{count}", publication=made)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, address(repository, 3))
        return len(queries)

    assert with_fifty_more() == with_fifty_more()


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
    assert "Select a valid choice" in response.content.decode()


def test_version_0_has_no_deeds_and_is_not_published(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, address(repository, 0))
    assert "<button" not in text.partition("<main")[2].replace('<button class="button">', "", 1)
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
    assert response["Location"] == f"/repositories/{repository.pk}/"
    assert list(RepositoryVersion.objects.values_list("number", flat=True)) == [0, 2, 3]


@pytest.mark.parametrize(("number", "why"), [(0, "Version 0 is the empty one"), (3, "Version 3 is the newest")])
def test_one_that_has_to_stay_says_why(admin_client: Client, repository: Repository, number: int, why: str) -> None:
    assert why in page(admin_client, address(repository, number, "delete/"))
    response = admin_client.post(address(repository, number, "delete/"))
    assert (response.status_code, why in response.content.decode()) == (409, True)
    assert repository.versions.count() == 4


def test_a_page_of_a_version_with_gaps_before_it_is_whole(admin_client: Client, repository: Repository) -> None:
    repository.versions.get(number=2).delete()
    scenes.an_ended_job(repository, "completed", version=repository.versions.get(number=3))
    text = page(admin_client, address(repository, 3))
    assert 'class="half nowrap">version 2</td>' in text
    assert "by <a href=" in text
