"""Making a repository with all that it needs, or nothing."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import combinations
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from repos.base_paths import clashing
from repos.create import MOMENT, Made, make_and_run, make_repository
from repos.distributions import make_distribution
from repos.errors import MillraceError
from repos.errors.refusals import Refused
from repos.errors.values import BasePathTaken, InvalidName, InvalidPath, InvalidUrl, InvalidValue, NameTaken
from repos.models import Distribution, Job, PublishSettings, Remote, Repository, RepositoryVersion
from repos.names import MAX_LENGTH
from repos.paths import clash

URL = "http://127.0.0.1/PULP_MANIFEST"


def make(name: str = "files", base_path: str = "a/b", url: str = URL) -> Repository:
    return make_repository(url=url, name=name, base_path=base_path)


def made() -> list[int]:
    """How many there are of all that a repository needs."""
    return [model._default_manager.count() for model in (Remote, Repository, RepositoryVersion, Distribution)]


@pytest.mark.django_db
def test_it_works() -> None:
    repository = make_repository(url=URL, name="files", base_path="a/b", mirror=True)
    assert (repository.name, repository.mirror) == ("files", True)
    assert repository.remote
    assert (repository.remote.name, repository.remote.url) == ("files", URL)
    assert (repository.remote.kind, repository.remote.policy) == ("manifest", "immediate")
    distribution = repository.distributions.get()
    assert (distribution.base_path, distribution.pinned, distribution.publication) == ("a/b", False, None)


@pytest.mark.django_db
def test_it_begins_with_an_empty_version_0() -> None:
    version = make().latest_version()
    assert (version.number, version.complete, version.files, version.size) == (0, True, 0, 0)


@pytest.mark.django_db
def test_it_is_additive_and_does_the_whole_chain_unless_told_otherwise() -> None:
    repository = make()
    assert (repository.mirror, repository.auto_publish, repository.auto_distribute) == (False, True, True)


@pytest.mark.django_db
def test_repositories_share_the_default_publish_settings() -> None:
    make("one", "one")
    make("other", "other")
    assert PublishSettings.objects.count() == 1


@pytest.mark.django_db
def test_what_surrounds_the_words_is_dropped() -> None:
    repository = make(" files\n", " /a/b/ ", f" {URL}\n")
    assert repository.remote
    assert (repository.name, repository.remote.url) == ("files", URL)
    assert repository.distributions.get().base_path == "a/b"


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["HTTP://127.0.0.1/PULP_MANIFEST", "https://bücher.example/ü/", "http://[::1]:8000/"])
def test_any_address_that_can_be_asked_is_taken(url: str) -> None:
    remote = make(url=url).remote
    assert remote
    assert remote.url.lower() == url.lower()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "values"),
    [
        (InvalidUrl, {"url": ""}),
        (InvalidUrl, {"url": "ftp://127.0.0.1/"}),
        (InvalidUrl, {"url": "http://me:secret@127.0.0.1/"}),
        (InvalidUrl, {"url": "http://127.0.0.1/" + "x" * 2000}),
        (InvalidName, {"name": ""}),
        (InvalidName, {"name": " \n "}),
        (InvalidName, {"name": "a\nb"}),
        (InvalidName, {"name": "a\0b"}),
        (InvalidName, {"name": "\ud800"}),
        (InvalidName, {"name": "x" * (MAX_LENGTH + 1)}),
        (NameTaken, {"name": "taken"}),
        (NameTaken, {"name": " taken "}),
        (InvalidPath, {"base_path": ""}),
        (InvalidPath, {"base_path": " / "}),
        (InvalidPath, {"base_path": "a b"}),
        (InvalidPath, {"base_path": "../a"}),
        (InvalidPath, {"base_path": "a?b"}),
        (InvalidPath, {"base_path": "x" * 300}),
        (BasePathTaken, {"base_path": "some/where"}),
        (BasePathTaken, {"base_path": "some"}),
        (BasePathTaken, {"base_path": "some/where/else"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:40],
)
def test_an_error_leaves_nothing(error: type[MillraceError], values: dict[str, str]) -> None:
    make("taken", "some/where")
    before = made()
    with pytest.raises(error):
        make(**values)
    assert made() == before


@pytest.mark.django_db
def test_a_name_may_have_markup_and_any_language() -> None:
    name = "<b>Bücher & 本</b>"
    assert make(name).name == name


@pytest.mark.django_db
def test_a_name_may_have_200_characters() -> None:
    assert make("é" * MAX_LENGTH).name == "é" * MAX_LENGTH


@pytest.mark.django_db
def test_names_that_differ_by_case_are_two() -> None:
    make("files", "a")
    make("Files", "b")
    assert Repository.objects.count() == 2


@pytest.mark.django_db
def test_a_taken_name_is_named() -> None:
    make()
    with pytest.raises(NameTaken, match="There is already a repository called “files”") as caught:
        make(base_path="other")
    assert caught.value.name == "files"


@pytest.mark.django_db
def test_the_name_of_a_repository_without_a_remote_is_taken_too() -> None:
    Repository.objects.create(name="by hand", publish_settings=PublishSettings.objects.matching())
    with pytest.raises(NameTaken):
        make("by hand")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("base_path", "how"),
    [("some/where", "is already used by"), ("some", "overlaps with"), ("some/where/else/", "overlaps with")],
)
def test_a_clash_names_the_other_distribution(base_path: str, how: str) -> None:
    make("taken", "some/where")
    with pytest.raises(BasePathTaken, match=f"{how} the distribution at “some/where”") as caught:
        make(base_path=base_path)
    assert caught.value.other == "some/where"
    assert caught.value.base_path == base_path.strip("/")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "base_path", ["some/wher", "some/where2", "somewhere", "some/other", "Some", "Some/where/x", "some_"]
)
def test_base_paths_that_only_look_alike_do_not_clash(base_path: str) -> None:
    make("taken", "some/where")
    make(base_path=base_path)
    assert Distribution.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "second"), [("a_b", "axb/c"), ("a_b/c", "axb"), ("a*b/c", "axb"), ("é/a", "É")])
def test_signs_that_stand_for_others_in_a_query_stand_for_themselves(first: str, second: str) -> None:
    make("first", first)
    assert clashing(second) is None
    make("second", second)
    assert Distribution.objects.count() == 2


@pytest.mark.django_db
def test_a_clash_is_found_however_deep() -> None:
    make("taken", "/".join("a" * 100))
    found = clashing("/".join("a" * 120))
    assert found
    assert clashing("a") == found
    assert clashing("/".join("a" * 99 + "b")) is None


@pytest.mark.django_db
def test_several_distributions_may_follow_one_repository() -> None:
    repository = make()
    make_distribution(repository, "another/")
    assert [one.base_path for one in Distribution.objects.following(repository)] == ["a/b", "another"]


@pytest.mark.django_db
def test_another_distribution_of_the_same_repository_may_not_overlap_either() -> None:
    with pytest.raises(BasePathTaken):
        make_distribution(make(), "a")
    assert Distribution.objects.count() == 1


@pytest.mark.django_db
def test_a_repository_may_be_for_uploads_only_and_served_nowhere() -> None:
    repository = make_repository(name="by hand")
    assert (repository.remote, repository.distributions.count()) == (None, 0)
    assert repository.latest_version().number == 0


@pytest.mark.django_db
def test_repositories_may_share_a_remote() -> None:
    remote = make("files").remote
    assert make_repository(name="other", remote=remote, base_path="other").remote == remote
    assert Remote.objects.count() == 1


@pytest.mark.django_db
def test_every_setting_can_be_chosen() -> None:
    values: dict[str, Any] = {"mirror": True, "auto_publish": True, "auto_distribute": False, "brake": 7}
    repository = make_repository(url=URL, name="files", publish_with={"checksums": "SHA256SUMS"}, **values)
    assert {field: getattr(repository, field) for field in values} == values
    assert repository.publish_settings.checksums == "SHA256SUMS"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("mirror", {"mirror": True, "url": None}),
        ("auto_distribute", {"auto_publish": False}),
        ("brake", {"brake": 101}),
        ("brake", {"brake": -1}),
        ("checksums", {"publish_with": {"checksums": "PULP_MANIFEST"}}),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused_by_name(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        make_repository(**({"url": URL, "name": "files", "base_path": "files"} | values))
    assert caught.value.field == field
    assert made() == [0] * 4
    assert not PublishSettings.objects.exists()


@pytest.mark.django_db
def test_a_remote_of_the_same_name_is_named() -> None:
    Remote.objects.create(name="files", url=URL)
    with pytest.raises(NameTaken, match="There is already a remote called “files”"):
        make()


# ---- with its first job ----

ALL: dict[str, Any] = {"url": URL, "name": "files", "base_path": "a/b"}


@pytest.mark.django_db
def test_the_first_job_comes_with_it(bell: list[int]) -> None:
    first = make_and_run(**ALL)
    assert first.job
    assert (first.job.repository, first.joined) == (first.repository, False)


@pytest.mark.django_db
def test_it_may_be_made_without_a_job(bell: list[int]) -> None:
    assert make_and_run(**ALL, run=False).job is None
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_when_its_job_is_refused_nothing_is_made(bell: list[int]) -> None:
    with pytest.raises(Refused, match="No distribution follows"):
        make_and_run(url=URL, name="files")
    assert made() == [0] * 4


@pytest.mark.django_db
@pytest.mark.parametrize("values", [ALL, ALL | {"mirror": True, "brake": 7}, {"name": "files", "run": False}], ids=str)
def test_the_same_values_sent_again_lead_to_what_they_made(bell: list[int], values: dict[str, Any]) -> None:
    first, second = make_and_run(**values), make_and_run(**values)
    assert (second.repository, second.job, second.joined) == (first.repository, first.job, True)
    assert Repository.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    [
        {"url": URL + "?"},
        {"url": None},
        {"base_path": "other"},
        {"base_path": None, "run": False},
        {"mirror": True},
        {"publish_with": {"checksums": "SHA256SUMS"}},
    ],
    ids=str,
)
def test_other_values_with_the_same_name_are_refused(bell: list[int], other: dict[str, Any]) -> None:
    make_and_run(**ALL)
    with pytest.raises(NameTaken):
        make_and_run(**(ALL | other))


@pytest.mark.django_db
def test_after_a_while_the_same_values_are_refused(bell: list[int]) -> None:
    make_and_run(**ALL)
    Repository.objects.update(created_at=timezone.now() - MOMENT)
    with pytest.raises(NameTaken):
        make_and_run(**ALL)


# ---- at the same time ------------------------------------------------------------------------------------


def connected(task: Callable[[], object], ready: Callable[[], object]) -> None:
    """Does a task in a thread, with a connection of its own that is open before `ready` is called."""
    try:
        connection.ensure_connection()
        ready()
        task()
    finally:
        connection.close()


def at_once(*tasks: Callable[[], object]) -> list[BaseException | None]:
    """Does the tasks in as many threads, begun together; returns how each ended."""
    # Were they not there, the first to make them would have the others wait.
    PublishSettings.objects.matching()
    barrier = threading.Barrier(len(tasks), timeout=10)
    with ThreadPoolExecutor(len(tasks)) as threads:
        return [one.exception() for one in [threads.submit(connected, task, barrier.wait) for task in tasks]]


@pytest.mark.django_db(transaction=True)
def test_a_base_path_waits_for_another_that_is_being_made() -> None:
    repository = make()
    begun = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            make_distribution(repository, "some")
            other = threads.submit(connected, lambda: make_distribution(repository, "some/where"), begun.set)
            assert begun.wait(10)
            # It cannot end before the transaction does; if it could, this would be time enough.
            assert not wait([other], timeout=0.2).done
        assert isinstance(other.exception(10), BasePathTaken)
    assert [one.base_path for one in Distribution.objects.all()] == ["a/b", "some"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("base_paths", [["a/b", "a/b"], ["a/b", "a"], ["a/b", "a/b/c"], ["a", "a/b", "a/b/c", "a/d"]])
def test_of_clashing_base_paths_requested_at_once_one_wins(base_paths: list[str]) -> None:
    tasks = [lambda number=number, path=path: make(f"{number}", path) for number, path in enumerate(base_paths)]
    errors = [error for error in at_once(*tasks) if error]
    won = [one.base_path for one in Distribution.objects.all()]
    assert not [pair for pair in combinations(won, 2) if clash(*pair)]
    # Those who lost are told so, and nothing of theirs is left.
    assert {type(error) for error in errors} == {BasePathTaken}
    assert made() == [len(base_paths) - len(errors)] * 4


@pytest.mark.django_db(transaction=True)
def test_of_equal_names_requested_at_once_one_wins() -> None:
    tasks = [lambda path=path: make("files", path) for path in ("a", "b", "c")]
    errors = [error for error in at_once(*tasks) if error]
    assert [type(error) for error in errors] == [NameTaken] * 2
    assert made() == [1] * 4


@pytest.mark.django_db(transaction=True)
def test_base_paths_that_do_not_clash_may_be_made_at_once() -> None:
    tasks = [lambda path=path: make(path, path) for path in ("a", "b", "ab", "abc")]
    assert at_once(*tasks) == [None] * 4
    assert made() == [4] * 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("values", [ALL, {"name": "files", "run": False}], ids=str)
def test_the_same_values_sent_twice_at_once_make_one(bell: list[int], values: dict[str, Any]) -> None:
    results: list[Made] = []
    assert at_once(*[lambda: results.append(make_and_run(**values))] * 3) == [None] * 3
    assert sorted(one.joined for one in results) == [False, True, True]
    assert len({one.repository for one in results}) == Repository.objects.count() == 1
    assert {one.job for one in results} == {Job.objects.first()}
