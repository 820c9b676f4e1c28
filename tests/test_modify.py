"""The job's part of a change by hand: against whatever is there when it runs."""

from pathlib import Path

import pytest

from repos import by_hand, chain, jobs
from repos.actions import Actions, Change, Details
from repos.errors.refusals import PathInTheWay, PathTaken, Refused
from repos.errors.stops import Canceled
from repos.models import Job, Repository, RepositoryVersion
from repos.modify import modify
from repos.progress import Progress
from tests import factories
from tests.running import files, served

pytestmark = pytest.mark.django_db(transaction=True)
ONLY = Actions(False, False, False, modify=True)


@pytest.fixture
def repository(transactional_db: None, bell: list[int]) -> Repository:
    made = factories.repository()
    factories.serve(made, {"a": b"1", "b/c": b"2", "d": b"3"})
    return made


def put(path: str, data: bytes) -> Change:
    return path, factories.artifact(data)


def ask(
    repository: Repository,
    *changes: Change,
    actions: Actions = ONLY,
    may_replace: bool = False,
    of_version: int | None = None,
) -> Job:
    details = Details(may_replace=may_replace, of_version=of_version)
    wanted = changes if of_version is None else None
    return jobs.request(repository, actions=actions, details=details, changes=wanted).job


def run(job: Job, folder: Path, progress: Progress | None = None) -> RepositoryVersion | None:
    assert job.repository
    return modify(job.repository, folder, progress=progress or Progress(), job=job)


def test_it_works(repository: Repository, tmp_path: Path) -> None:
    job = ask(repository, put("new", b"4"), put("a", b"other"), ("b/c", None), may_replace=True)
    version = run(job, tmp_path)
    assert version
    assert (version.number, version.added, version.removed, version.changed) == (2, 1, 1, 1)
    assert (version.files, version.size) == (3, len(b"4" + b"other" + b"3"))
    assert files(version) == {"new": b"4", "a": b"other", "d": b"3"}


def test_what_is_so_already_makes_no_version(repository: Repository, tmp_path: Path) -> None:
    assert run(ask(repository, put("a", b"1"), ("gone", None)), tmp_path) is None
    assert repository.latest_version().number == 1


def test_a_job_that_changes_nothing_says_so_and_goes_on(repository: Repository) -> None:
    job = ask(repository, put("a", b"1"), actions=Actions(False, True, True, modify=True))
    chain.run(job.pk, "test")
    reports = list(job.reports.all())
    assert (reports[0].code, reports[0].state) == ("modify.was_skipped", "skipped")
    assert reports[0].message == "All is as asked already: unchanged since version 1"
    assert [one.action for one in reports] == ["modify", "publish", "distribute"]


def test_other_bytes_need_leave(repository: Repository, tmp_path: Path) -> None:
    job = ask(repository, put("a", b"x"), put("d", b"y"), put("new", b"z"))
    with pytest.raises(PathTaken) as caught:
        run(job, tmp_path)
    assert (caught.value.count, caught.value.some) == (2, ["a", "d"])
    assert repository.versions.count() == 2


def test_a_file_where_a_folder_is_is_refused(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(PathInTheWay):
        run(ask(repository, put("b", b"x")), tmp_path)
    assert files(repository.latest_version()) == {"a": b"1", "b/c": b"2", "d": b"3"}
    assert not repository.versions.filter(complete=False).exists()


def test_a_file_may_take_the_place_of_a_folder_that_goes_with_it(repository: Repository, tmp_path: Path) -> None:
    version = run(ask(repository, ("b/c", None), put("b", b"x")), tmp_path)
    assert version
    assert files(version) == {"a": b"1", "b": b"x", "d": b"3"}


def test_files_that_would_lie_in_each_other_are_refused(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(PathInTheWay, match="“x” cannot be both a file and the folder of “x/y”"):
        run(ask(repository, put("x/y", b"1"), put("x-z", b"1"), put("x", b"1")), tmp_path)


def test_paths_of_any_script_are_changed(repository: Repository, tmp_path: Path) -> None:
    names = ["Ж", "a b", "é", "e\N{COMBINING ACUTE ACCENT}", "Z", "z", "🦦", "\N{LINE SEPARATOR}", "%41", "'; --"]
    version = run(ask(repository, *(put(name, name.encode()) for name in names)), tmp_path)
    assert version
    assert {name: name.encode() for name in names}.items() <= files(version).items()


def test_a_repository_that_became_a_mirror_is_left_alone(repository: Repository, tmp_path: Path) -> None:
    job = ask(repository, put("new", b"4"))
    assert job.repository
    job.repository.mirror = True
    with pytest.raises(Refused, match="is a mirror by now"):
        run(job, tmp_path)


def test_an_old_version_comes_back_whatever_stands_in_its_way(repository: Repository, tmp_path: Path) -> None:
    factories.version(repository, {"a": None, "b/c": None, "d": b"other"})
    factories.version(repository, {"a/below": b"x", "b": b"y"})
    version = run(ask(repository, of_version=1), tmp_path)
    assert version
    assert version.number == 4
    assert files(version) == {"a": b"1", "b/c": b"2", "d": b"3"}


def test_version_0_is_not_restored(repository: Repository) -> None:
    with pytest.raises(Refused, match="Version 0 is the empty one"):
        by_hand.restore(repository, 0)


def test_a_version_that_was_deleted_meanwhile_is_not_restored(repository: Repository, tmp_path: Path) -> None:
    factories.version(repository, {"a": None})
    job = ask(repository, of_version=1)
    repository.versions.filter(number=1).update(complete=False)
    with pytest.raises(Refused, match="Version 1 was deleted"):
        run(job, tmp_path)


def test_a_job_that_is_canceled_in_the_middle_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    class Impatient(Progress):
        """Is canceled when the new files are being recorded."""

        left = 6

        def check(self) -> None:
            self.left -= 1
            if not self.left:
                raise Canceled

    many = [put(f"many/{number}", b"same") for number in range(3000)]
    job = ask(repository, ("a", None), *many)
    with pytest.raises(Canceled):
        run(job, tmp_path, Impatient())
    assert repository.versions.count() == 2
    assert files(repository.latest_version()) == {"a": b"1", "b/c": b"2", "d": b"3"}
    assert repository.content.count() == 3


def test_a_canceled_job_leaves_nothing_but_its_record(repository: Repository) -> None:
    job = ask(repository, put("new", b"4"))
    assert jobs.cancel(job)
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert (job.state, repository.latest_version().number) == ("canceled", 1)


def test_what_failed_can_be_asked_for_again(repository: Repository) -> None:
    job = ask(repository, put("new", b"4"), ("a", None), actions=Actions(False, True, True, modify=True))
    jobs.cancel(job)
    chain.run(jobs.again(job).job.pk, "test")
    assert served("files") == {"b/c": b"2", "d": b"3", "new": b"4"}
