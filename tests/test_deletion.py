"""Deleting: what it takes along, frees and breaks; what it refuses; and that all else stays as it is."""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from repos import deletion, unneeded
from repos.actions import Actions
from repos.distribute import distribute, follow, pin
from repos.errors import MillraceError
from repos.errors.refusals import InUse, Refused
from repos.errors.values import InvalidValue
from repos.jobs import request as request_job
from repos.models import (
    Artifact,
    Content,
    Distribution,
    Job,
    Publication,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
    Switch,
    SyncState,
)
from repos.progress import Progress
from repos.published import File, Missing, find
from tests import factories, running, scenes
from tests.running import PATIENCE, at_once

pytestmark = pytest.mark.django_db

Files = dict[str, bytes | None]


@pytest.fixture
def repository(db: None) -> Repository:
    """Versions 1, 2 and 3; 3 is published, and served at “files” since long ago."""
    made = factories.repository()
    factories.version(made, {"a": b"1", "b": b"2", "c": b"stays"})
    factories.version(made, {"a": b"22", "b": None, "d": b"333"})
    factories.serve(made, {"a": b"4", "d": None}, days_ago=30)
    return made


def version(repository: Repository, number: int) -> RepositoryVersion:
    return repository.versions.get(number=number)


def contents(repository: Repository) -> dict[int, dict[str, bytes]]:
    """The files of all versions, by number."""
    return {one.number: running.files(one) for one in repository.versions.all()}


def end(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())


def refusal(delete: Callable[[], object]) -> str:
    """Why it was not deleted; that it was is a failure."""
    with pytest.raises(MillraceError) as error:
        delete()
    return str(error.value)


# ---- versions ----------------------------------------------------------------------------------------------


def test_a_version_goes_and_the_others_stay_as_they_are(repository: Repository) -> None:
    before = contents(repository)
    deletion.delete_version(version(repository, 2))
    assert contents(repository) == {number: files for number, files in before.items() if number != 2}


def test_what_only_it_had_goes_with_it(repository: Repository) -> None:
    deletion.delete_version(version(repository, 2))
    left = set(repository.content.values_list("path", "added", "removed"))
    assert left == {("a", 1, 2), ("b", 1, 2), ("c", 1, Content.FOREVER), ("a", 3, Content.FOREVER)}
    deletion.delete_version(version(repository, 1))
    assert {path for path, *_ in repository.content.values_list("path", "added")} == {"a", "c"}


def test_it_frees_what_nothing_else_needs_to_the_byte(repository: Repository) -> None:
    # “22” and “333” are of version 2 alone, but another repository has the first of them, too.
    assert deletion.of_version(version(repository, 2)).frees == 5
    factories.version(factories.repository("other", "other"), {"x": b"22"})
    assert deletion.of_version(version(repository, 2)).frees == 3


def test_its_publications_go_with_it_and_are_named_and_their_bytes_counted(repository: Repository) -> None:
    publication = factories.publication(version(repository, 2))
    manifest = publication.metadata.get().artifact.size
    consequences = deletion.of_version(version(repository, 2))
    assert consequences.takes == ("Its publications: with “PULP_MANIFEST”.",)
    assert consequences.frees == 5 + manifest
    deletion.delete_version(version(repository, 2))
    assert not Publication.objects.filter(pk=publication.pk).exists()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_deleted_in_whatever_order_the_others_stay_whole(seed: int) -> None:
    dice = random.Random(seed)
    repository = factories.repository()
    for _ in range(7):
        paths = dice.sample("abcdef", dice.randint(1, 4))
        factories.version(repository, {path: dice.choice([b"x", b"yy", b"zzz", None]) for path in paths})
    expected = contents(repository)
    for number in dice.sample(range(1, 7), 6):
        one = version(repository, number)
        freed = deletion.of_version(one).frees
        needed = set(Content.objects.filter(~unneeded.content_of(one)).values_list("artifact", flat=True))
        had = set(Content.objects.values_list("artifact", flat=True))
        assert freed == sum(Artifact.objects.get(pk=pk).size for pk in had - needed)
        deletion.delete_version(one)
        del expected[number]
        assert contents(repository) == expected
        # Nothing is left that no version has.
        rows = repository.content.values_list("added", "removed")
        assert all(any(added <= kept < removed for kept in expected) for added, removed in rows)


def test_a_version_in_the_making_is_not_touched(repository: Repository) -> None:
    repository.versions.create(number=4)
    repository.content.filter(path="c").update(removed=4)
    same = Artifact.objects.all()[0]
    Content.objects.create(repository=repository, path="new", artifact=same, added=4)
    deletion.delete_version(version(repository, 2))
    assert repository.content.filter(added=4).count() == repository.content.filter(removed=4).count() == 1


def test_cut_short_it_leaves_the_others_whole_and_a_neighbour_takes_the_rest(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(repository)
    with monkeypatch.context() as patch:
        patch.setattr(unneeded, "delete_content", lambda *which: None)
        deletion.delete_version(version(repository, 1))
    assert contents(repository) == {0: {}, 2: before[2], 3: before[3]}
    deletion.delete_version(version(repository, 2))
    assert repository.content.count() == 2


@pytest.mark.parametrize(
    ("number", "why"), [(0, "Version 0 is the empty one"), (3, "Version 3 is the newest")], ids=["first", "newest"]
)
def test_the_first_and_the_newest_stay(repository: Repository, number: int, why: str) -> None:
    assert why in refusal(lambda: deletion.delete_version(version(repository, number)))
    assert why in deletion.of_version(version(repository, number)).refusal


def test_one_in_the_making_stays(repository: Repository) -> None:
    assert "still in the making" in refusal(
        lambda: deletion.delete_version(repository.versions.create(number=4, complete=False))
    )


def test_one_that_is_served_stays_and_it_is_said_where(repository: Repository) -> None:
    factories.version(repository, {"e": b"5"})
    for name in ("x", "y", "z"):
        repository.distributions.create(base_path=name, publication=Publication.objects.get())
    why = refusal(lambda: deletion.delete_version(version(repository, 3)))
    assert why == "It is served at “files”, “x”, “y” and 1 more. Serve another publication there first."
    assert deletion.of_version(version(repository, 3)).refusal == why


def test_one_within_its_grace_stays_and_it_is_said_until_when(repository: Repository, settings: Settings) -> None:
    factories.serve(repository, {"e": b"5"})
    until = timezone.now() + timedelta(days=3)
    why = refusal(lambda: deletion.delete_version(version(repository, 3)))
    assert "It was served at “files” not long ago" in why
    assert f"{until:%Y-%m-%d}" in why
    settings.MILLRACE_GRACE_DAYS = 0
    deletion.delete_version(version(repository, 3))


def test_a_switch_to_what_was_served_anyway_gives_no_grace(repository: Repository) -> None:
    """Such as a pin where it stands, or a change of the base path."""
    distribution = repository.distributions.get()
    third = distribution.publication
    assert third
    pin(distribution, third)
    factories.switch(distribution, factories.publication(factories.version(repository, {"e": b"5"})))
    Switch.objects.filter(earlier=third).exclude(later=third).update(at=timezone.now() - timedelta(days=30))
    deletion.delete_version(version(repository, 3))


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_while_a_job_of_the_repository_is_active_no_version_goes(repository: Repository, state: str) -> None:
    job = scenes.a_job(repository) if state == "waiting" else scenes.a_running_job(repository)
    why = refusal(lambda: deletion.delete_version(version(repository, 2)))
    assert why == f"Job {job.pk} is {state}, and may need it. Wait for its end, or cancel it."
    end(job)
    deletion.delete_version(version(repository, 2))


def test_a_job_of_another_repository_is_not_in_the_way(repository: Repository) -> None:
    scenes.a_running_job(factories.repository("other", "other"))
    deletion.delete_version(version(repository, 2))
    assert not repository.versions.filter(number=2).exists()


def test_deleting_a_version_twice_is_the_same_as_once(repository: Repository) -> None:
    second = version(repository, 2)
    deletion.delete_version(second)
    left = list(repository.content.order_by("pk").values_list("pk", flat=True))
    deletion.delete_version(second)
    assert list(repository.content.order_by("pk").values_list("pk", flat=True)) == left
    assert not repository.versions.filter(number=2).exists()


def test_jobs_keep_their_record_without_it(repository: Repository) -> None:
    job = scenes.an_ended_job(repository, "completed", version=version(repository, 2))
    deletion.delete_version(version(repository, 2))
    job.refresh_from_db()
    assert job.version is None


def test_what_is_known_of_a_list_goes_with_its_version(repository: Repository) -> None:
    second = version(repository, 2)
    SyncState.objects.create(repository=repository, version=second, url="http://x/", mirror=False, sha256="0" * 64)
    deletion.delete_version(second)
    assert not SyncState.objects.exists()


def test_a_file_whose_first_version_is_gone_has_the_date_of_what_is_served(repository: Repository) -> None:
    third = version(repository, 3)
    deletion.delete_version(version(repository, 1))
    file = find("files/c")
    assert isinstance(file, File)
    assert (file.modified, file.is_metadata) == (third.created_at, False)


def test_the_next_version_is_made_as_ever(repository: Repository) -> None:
    deletion.delete_version(version(repository, 2))
    expected = contents(repository)[3] | {"e": b"5"}
    assert running.files(factories.version(repository, {"e": b"5"})) == expected


# ---- publications ------------------------------------------------------------------------------------------


def test_a_publication_goes_with_its_metadata_and_its_version_stays(repository: Repository) -> None:
    publication = factories.publication(version(repository, 2))
    size = publication.metadata.get().artifact.size
    consequences = deletion.of_publication(publication)
    assert (consequences.takes, consequences.frees) == (("Its metadata: “PULP_MANIFEST”.",), size)
    deletion.delete_publication(publication)
    assert not Publication.objects.filter(pk=publication.pk).exists()
    assert version(repository, 2).complete


def test_metadata_that_another_publication_has_too_is_not_freed(repository: Repository) -> None:
    second = version(repository, 2)
    publication = factories.publication(second)
    other = second.publications.create(settings=PublishSettings.objects.matching(checksums="SUMS"))
    other.metadata.create(path="PULP_MANIFEST", artifact=publication.metadata.get().artifact)
    assert deletion.of_publication(publication).frees == 0


def test_one_that_is_served_or_in_its_grace_stays_and_says_why(repository: Repository) -> None:
    third = Publication.objects.get()
    assert "It is served at “files”" in refusal(lambda: deletion.delete_publication(third))
    factories.serve(repository, {"e": b"5"})
    assert "It was served at “files” not long ago" in refusal(lambda: deletion.delete_publication(third))
    assert "It was served at “files” not long ago" in deletion.of_publication(third).refusal


def test_one_that_a_job_may_be_about_to_serve_stays(repository: Repository) -> None:
    publication = factories.publication(version(repository, 2))
    scenes.a_running_job(repository)
    assert "is running, and may need it" in refusal(lambda: deletion.delete_publication(publication))


def test_the_history_stays_without_the_publication(repository: Repository) -> None:
    third = Publication.objects.get()
    factories.serve(repository, {"e": b"5"}, days_ago=20)
    deletion.delete_publication(third)
    assert list(Switch.objects.order_by("pk").values_list("later__version__number", flat=True)) == [None, 4]


# ---- distributions -----------------------------------------------------------------------------------------


def test_a_distribution_that_serves_something_has_to_be_confirmed_by_its_base_path(repository: Repository) -> None:
    distribution = repository.distributions.get()
    for confirmed in ("", "file", "Files"):
        with pytest.raises(InvalidValue) as error:
            deletion.delete_distribution(distribution, confirmed=confirmed)
        assert error.value.field == "confirmed"
    assert isinstance(find("files/a"), File)
    deletion.delete_distribution(distribution, confirmed=" files/ ")
    assert isinstance(find("files/a"), Missing)


def test_it_says_what_breaks(repository: Repository) -> None:
    consequences = deletion.of_distribution(repository.distributions.get())
    assert consequences.takes == ("Its history: 1 entry.",)
    assert "“files”, where files version 3" in consequences.breaks[0]


def test_one_that_serves_nothing_needs_no_confirmation(db: None) -> None:
    distribution = factories.repository().distributions.get()
    assert deletion.of_distribution(distribution).breaks == ()
    deletion.delete_distribution(distribution)
    deletion.delete_distribution(distribution)
    assert not Distribution.objects.exists()


def test_what_began_to_serve_meanwhile_has_to_be_confirmed_after_all(db: None) -> None:
    repository = factories.repository()
    asked = repository.distributions.get()
    factories.serve(repository, {"a": b"1"})
    with pytest.raises(InvalidValue):
        deletion.delete_distribution(asked)


def test_while_a_job_that_may_move_it_is_running_it_stays(repository: Repository) -> None:
    job = scenes.a_running_job(repository)
    distribution = repository.distributions.get()
    why = refusal(lambda: deletion.delete_distribution(distribution, confirmed="files"))
    assert why == f"Job {job.pk} is running, and may move “files”. Wait for its end, or cancel it."
    assert deletion.of_distribution(distribution).refusal == why
    end(job)
    deletion.delete_distribution(distribution, confirmed="files")


# ---- repositories ------------------------------------------------------------------------------------------


def test_a_repository_that_is_served_stays_and_it_is_said_where(repository: Repository) -> None:
    why = refusal(lambda: deletion.delete_repository(repository))
    assert why == "It is served at “files”. Delete what serves it first."
    assert deletion.of_repository(repository).refusal == why


def test_a_repository_with_an_active_job_stays(db: None) -> None:
    repository = factories.repository()
    scenes.a_job(repository)
    assert "is waiting, and may need it" in refusal(lambda: deletion.delete_repository(repository))


@pytest.fixture
def unserved(repository: Repository) -> Repository:
    """The same, served nowhere, with a distribution that serves nothing yet, and two jobs."""
    factories.switch(repository.distributions.get(), None)
    scenes.the_list_was_read(scenes.an_ended_job(repository, "completed"))
    job = scenes.an_ended_job(repository, "canceled")
    job.changes.create(path="x", artifact=factories.artifact(b"uploaded"))
    return repository


def test_a_repository_goes_with_all_that_is_its_own(unserved: Repository) -> None:
    other = factories.repository("other", "other")
    factories.serve(other, {"a": b"22"})
    before = contents(other)
    deletion.delete_repository(unserved)
    assert [one.name for one in Repository.objects.all()] == ["other"]
    assert {one.repository for one in RepositoryVersion.objects.all()} == {other}
    assert {one.repository for one in Content.objects.all()} == {other}
    assert not Job.objects.exists()
    assert [one.base_path for one in Distribution.objects.all()] == ["other"]
    assert contents(other) == before


def test_it_says_how_much_that_is_and_what_it_frees(unserved: Repository) -> None:
    factories.version(factories.repository("other", "other"), {"x": b"22", "y": b"stays"})
    consequences = deletion.of_repository(unserved)
    assert consequences.takes == (
        "3 versions, 1 publication, 2 jobs.",
        "What is to serve it, but serves nothing yet: “files”.",
    )
    manifest = Publication.objects.get(version__repository=unserved).metadata.get().artifact.size
    assert consequences.frees == sum(map(len, (b"1", b"2", b"333", b"4", b"uploaded"))) + manifest


def test_its_remote_stays_unless_it_is_asked_for(unserved: Repository) -> None:
    deletion.delete_repository(unserved)
    assert Remote.objects.filter(name="files").exists()


def test_its_remote_goes_if_it_is_asked_for(unserved: Repository) -> None:
    deletion.delete_repository(unserved, with_remote=True)
    assert not Remote.objects.exists()


def test_a_remote_that_another_repository_uses_is_not_deleted(unserved: Repository) -> None:
    Repository.objects.filter(pk=factories.repository("other", "other").pk).update(remote=unserved.remote)
    why = refusal(lambda: deletion.delete_repository(unserved, with_remote=True))
    assert why == "Its remote is used by “other” too. Delete it without."
    assert Repository.objects.count() == 2


def test_without_a_remote_there_is_none_to_delete(unserved: Repository) -> None:
    Repository.objects.update(remote=None)
    factories.repository("other", "other")
    Repository.objects.filter(name="other").update(remote=None)
    deletion.delete_repository(Repository.objects.get(name="files"), with_remote=True)
    assert Repository.objects.count() == 1


def test_cut_short_it_is_no_repository_any_more_and_can_be_deleted_again(
    unserved: Repository, monkeypatch: pytest.MonkeyPatch, bell: list[int]
) -> None:
    def die(*which: object) -> None:
        raise OSError("the machine stops here")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="stops here"):
        patch.setattr(unneeded, "delete_content", die)
        deletion.delete_repository(unserved)
    left = Repository.objects.get()
    assert left.name == f"files (being deleted, {left.pk})"
    assert not left.versions.exists()
    for actions in (Actions(), Actions(sync=False), Actions(sync=False, modify=True)):
        with pytest.raises(Refused):
            request_job(left, actions=actions)
    deletion.delete_repository(left)
    assert not Repository.objects.exists()
    assert not Content.objects.exists()


# ---- at once -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_pinning_and_deleting_a_publication_at_once_one_is_refused(repository: Repository) -> None:
    distribution = repository.distributions.get()
    for number in range(5):
        publication = factories.publication(factories.version(repository, {"e": b"%d" % number}))
        errors = at_once(partial(pin, distribution, publication), partial(deletion.delete_publication, publication))
        assert sorted(isinstance(error, (Refused, InUse)) for error in errors) == [False, True]
        is_there = Publication.objects.filter(pk=publication.pk).exists()
        assert is_there == (Distribution.objects.get().publication_id == publication.pk)


def begun_meanwhile(threads: ThreadPoolExecutor, work: Callable[[], object]) -> "Future[object]":
    """Does `work` while the caller is in a transaction that it has to wait for."""

    def connected() -> object:
        try:
            return work()
        finally:
            connection.close()

    begun = threads.submit(connected)
    # It cannot end before the transaction does; if it could, this would be time enough.
    assert not wait([begun], timeout=0.2).done
    return begun


@pytest.mark.django_db(transaction=True)
def test_a_repository_that_comes_to_be_served_meanwhile_stays(repository: Repository) -> None:
    distribution = repository.distributions.get()
    third = distribution.publication
    assert third
    factories.switch(distribution, None)
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        distribute(repository, third, progress=Progress())
        ended = begun_meanwhile(threads, lambda: deletion.delete_repository(repository))
    assert isinstance(ended.exception(PATIENCE), InUse)


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_it_is_to_be_followed_is_refused(repository: Repository) -> None:
    distribution = repository.distributions.get()
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        deletion.delete_distribution(distribution, confirmed="files")
        ended = begun_meanwhile(threads, lambda: follow(distribution))
    assert isinstance(ended.exception(PATIENCE), Refused)


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_keeps_what_is_served(repository: Repository) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM repos_publishedmetadata")
        cursor.execute("UPDATE repos_switch SET earlier_id = NULL, later_id = NULL")
        cursor.execute("DELETE FROM repos_publication")


# ---- many --------------------------------------------------------------------------------------------------


def test_much_is_deleted_in_pieces(repository: Repository) -> None:
    same = factories.artifact(b"same")
    rows = [Content(repository=repository, path=f"many/{i}", artifact=same, added=2, removed=3) for i in range(1200)]
    Content.objects.bulk_create(rows)
    with CaptureQueriesContext(connection) as queries:
        deletion.delete_version(version(repository, 2))
    deletions = [one["sql"] for one in queries if one["sql"].startswith('DELETE FROM "repos_content"')]
    assert [sql.count(",") + 1 for sql in deletions] == [500, 500, 202]
