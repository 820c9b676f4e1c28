"""The files of a version: by folder, by page, and what is found of them."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from repos import browse, folders
from repos.models import Artifact, Content, Damage, Repository
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    """With three versions; the third is served at “files”."""
    made = factories.repository()
    factories.version(made, {"a": b"1", "deep/b": b"2", "deep/er/c": b"3"})
    factories.version(made, {"a": b"22"})
    factories.serve(made, {"deep/b": b"333"}, days_ago=30)
    return made


def page(client: Client, path: str, **query: str) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def newest(repository: Repository) -> str:
    return f"/repositories/{repository.pk}/files/"


def of(repository: Repository, number: int) -> str:
    return f"/repositories/{repository.pk}/versions/{number}/files/"


def test_it_works(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, newest(repository))
    for shown in (
        '<a href="/content/files/a">a</a>',
        "version 2",
        Artifact.objects.get(size=2).sha256,
        "?folder=deep/",
    ):
        assert shown in text
    assert ">deep/</a>" in text
    assert ">deep/er" not in text


def test_the_files_of_a_repository_are_those_of_its_newest_version(
    admin_client: Client, repository: Repository
) -> None:
    repository.versions.create(number=4, complete=False)
    assert admin_client.get(newest(repository)).context["version"].number == 3


def test_a_folder_shows_its_own_and_the_way_back(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, of(repository, 1), folder="deep/er/")
    assert ">c</th>" in text
    assert f'<a href="{of(repository, 1)}?folder=deep/">deep</a>' in text
    assert '<span class="strong">er</span>' in text
    assert ">a</th>" not in text


def test_a_folder_may_be_named_without_its_slash(admin_client: Client, repository: Repository) -> None:
    assert ">c</th>" in page(admin_client, of(repository, 1), folder="deep/er")


@pytest.mark.parametrize("folder", ["nope/", "/", "a/", "..", "dee", "x" * 3000, "\0"])
def test_what_is_no_folder_says_so(admin_client: Client, repository: Repository, folder: str) -> None:
    text = page(admin_client, of(repository, 1), folder=folder)
    assert ("has no such folder" in text) is (folder != "\0")


def test_a_version_without_files_says_so(admin_client: Client, repository: Repository) -> None:
    assert "This version has no files." in page(admin_client, of(repository, 0))


def test_the_menu_of_versions_stays_in_the_folder(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, newest(repository), folder="deep/")
    assert f'href="{of(repository, 1)}?folder=deep/"' in text


def test_files_that_are_not_served_are_no_links(admin_client: Client, repository: Repository) -> None:
    assert "/content/files/a" not in page(admin_client, of(repository, 1))


def test_damaged_files_are_marked(admin_client: Client, repository: Repository) -> None:
    marked = 'class="tag tag-bad"'
    assert marked not in page(admin_client, newest(repository))
    Damage.objects.create(artifact=Artifact.objects.get(size=2), cause="missing", why="it is not in the pool")
    assert page(admin_client, newest(repository)).count(marked) == 1
    assert marked not in page(admin_client, of(repository, 1))


@pytest.mark.any_database
def test_addresses_of_files_are_quoted_and_names_shown_as_they_are(admin_client: Client) -> None:
    folder, name = "a b#/", "100%?#<script>.txt"
    made = factories.repository()
    factories.serve(made, {folder + name: b"1"})
    top = page(admin_client, newest(made))
    assert f'href="{newest(made)}?folder=a%20b%23/"' in top
    text = page(admin_client, newest(made), folder=folder)
    assert f'href="/content/files/a%20b%23/100%25%3F%23%3Cscript%3E.txt">{escape(name)}</a>' in text


def test_only_the_newest_of_what_is_no_mirror_can_be_changed(admin_client: Client, repository: Repository) -> None:
    offered = 'form="removal" name="path" value="a"'
    assert offered in page(admin_client, newest(repository))
    assert offered not in page(admin_client, of(repository, 2))
    Repository.objects.update(mirror=True)
    text = page(admin_client, newest(repository))
    assert offered not in text
    assert f"/repositories/{repository.pk}/upload/" not in text


# ---- pages -------------------------------------------------------------------------------------------------


def test_a_folder_has_pages_by_name(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "ENTRIES", 1)
    text = page(admin_client, newest(repository))
    assert f'rel="next" href="{newest(repository)}?after=a"' in text
    text = page(admin_client, newest(repository), after="a")
    assert (">deep/</a>" in text, "Next" in text, "First" in text) == (True, False, True)


def test_what_is_found_has_pages_too(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "FILES", 1)
    text = page(admin_client, newest(repository), q="deep")
    assert 'href="' + newest(repository) + '?q=deep&amp;after=deep/b"' in text
    text = page(admin_client, newest(repository), q="deep", after="deep/b")
    assert (">deep/er/c</a>" in text, "Next" in text, "First" in text) == (True, False, True)


def test_a_search_finds_whole_paths_of_all_folders(admin_client: Client, repository: Repository) -> None:
    for q, found in (("EEP", ["deep/b", "deep/er/c"]), ("/deep/e", ["deep/er/c"]), ("zzz", []), ("/zzz", [])):
        response = admin_client.get(newest(repository), {"q": q})
        assert [one.path for one in response.context["found"].files] == found
        assert response.status_code == 200


def test_a_search_that_is_not_over_says_how_far_it_came(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "MOST", 1)
    text = page(admin_client, newest(repository), q="er/c")
    assert "Nothing among the files that were looked at so far" in text
    assert "Go on searching" in text
    assert 'Looked as far as <span class="mono break">a</span>' in text


@pytest.mark.parametrize("query", [{}, {"folder": "f/"}, {"q": "f"}], ids=str)
def test_many_files_or_few_take_the_same_number_of_queries(
    admin_client: Client, repository: Repository, query: dict[str, str]
) -> None:
    def with_fifty_more() -> int:
        same, count = factories.artifact(b"same"), Content.objects.count()
        paths = [f"{way}{count + i}{rest}" for i in range(25) for way, rest in (("f/", ""), ("d", "/x"))]
        Content.objects.bulk_create(Content(repository=repository, path=path, artifact=same, added=3) for path in paths)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, newest(repository), **query)
        return len(queries)

    assert with_fifty_more() == with_fifty_more()


def test_a_file_says_since_when_it_is_there_though_that_version_is_gone(
    admin_client: Client, repository: Repository
) -> None:
    repository.versions.get(number=2).delete()
    assert re.search(r'class="half nowrap">version 2</td>', page(admin_client, newest(repository)))
