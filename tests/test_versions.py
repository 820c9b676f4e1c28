"""Making versions: complete, or not at all."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from django.db import IntegrityError, transaction

from repos.chunks import ROWS
from repos.compare import Kind, compare
from repos.errors.refusals import PathInTheWay
from repos.errors.stops import Canceled, Lost
from repos.manifest import Entry
from repos.models import Artifact, Content, Repository, RepositoryVersion
from repos.progress import Progress, Report
from repos.versions import Draft, discard_unfinished
from repos.worklist import Totals
from tests import factories

pytestmark = pytest.mark.django_db

Files = Mapping[str, bytes]
# Each row as it is stored: path, sha256, added, removed.
Row = tuple[str, str, int, int]


class Fault(Exception):
    """Something that nobody thought of."""


class Asked(Progress):
    """Counts what is asked of it, and from a certain time on raises an error."""

    def __init__(self, error: Exception | None = None, *, checks: int = 10**9, confirms: int = 10**9) -> None:
        self.checks = self.confirms = 0
        self._error = error
        self._limits = checks, confirms

    def check(self) -> None:
        self.checks += 1
        self._raise()

    def confirm(self, **made: object) -> None:
        assert not transaction.get_autocommit()
        self.confirms += 1
        self._raise()

    def _raise(self) -> None:
        if self._error and (self.checks > self._limits[0] or self.confirms > self._limits[1]):
            raise self._error


class Cancels(Progress):
    """A job that is canceled after so many checks; it still is ours."""

    def __init__(self, checks: int) -> None:
        self._left = checks

    def check(self) -> None:
        if not self._left:
            raise Canceled
        self._left -= 1


@pytest.fixture
def files() -> Repository:
    """A repository whose version 1 has two files."""
    files = factories.repository()
    factories.version(files, {"a": b"1", "b": b"2"})
    return files


def report() -> Report:
    return Report("sync", "associating.content", "Recording")


def listed(files: Files) -> list[Entry]:
    """The files in path order, their bytes in the pool."""
    artifacts = [(path, factories.artifact(data)) for path, data in sorted(files.items())]
    return [(path, artifact.sha256, artifact.size) for path, artifact in artifacts]


def many(number: int) -> list[Entry]:
    """So many paths, all with the same byte."""
    sha256 = factories.artifact(b"1").sha256
    return [(f"{index:05}", sha256, 1) for index in range(number)]


def contents(version: RepositoryVersion) -> list[Entry]:
    return list(Content.objects.of(version).in_path_order())


def make(repository: Repository, files: Files, progress: Progress | None = None) -> RepositoryVersion:
    """The next version, which has exactly these files."""
    changes = list(compare(contents(repository.latest_version()), listed(files)))
    count = Counter(change.kind for change in changes)
    growth = sum(change.size - change.old_size for change in changes)
    totals = Totals(count[Kind.ADDED], count[Kind.REMOVED], count[Kind.CHANGED], growth)
    with Draft(repository, progress or Progress()) as draft:
        draft.remove((change.path for change in changes if change.kind != Kind.ADDED), report())
        arriving = ((change.path, change.sha256, change.size) for change in changes if change.kind != Kind.REMOVED)
        draft.add(arriving, report())
        with transaction.atomic():
            return draft.complete(totals)


def rows(repository: Repository) -> set[Row]:
    return set(repository.content.values_list("path", "artifact__sha256", "added", "removed"))


def versions(repository: Repository) -> list[tuple[int, bool]]:
    return list(repository.versions.order_by("number").values_list("number", "complete"))


def half_made(repository: Repository, progress: Progress | None = None) -> Draft:
    """A draft that took out `a` and put in other bytes for it and a new file, and has not been left."""
    draft = Draft(repository, progress or Progress())
    draft.remove(["a"], report())
    draft.add(listed({"a": b"other", "c": b"3"}), report())
    return draft


def test_it_works(files: Repository) -> None:
    version = make(files, {"b": b"other", "c": b"333"})
    assert (version.number, version.complete) == (2, True)
    assert (version.files, version.size) == (2, 8)
    assert (version.added, version.removed, version.changed) == (1, 1, 1)
    assert contents(version) == listed({"b": b"other", "c": b"333"})
    assert files.latest_version() == version


def test_a_version_before_stays_as_it_was(files: Repository) -> None:
    before = files.latest_version()
    make(files, {"b": b"other", "c": b"3"})
    assert contents(before) == listed({"a": b"1", "b": b"2"})
    assert contents(files.versions.get(number=0)) == []


def test_a_version_costs_rows_for_its_differences_only(files: Repository) -> None:
    make(files, {"a": b"1", "b": b"other", "c": b"3"})
    assert files.content.count() == 4


def test_a_changed_path_has_its_old_bytes_in_the_version_before(files: Repository) -> None:
    before = files.latest_version()
    after = make(files, {"a": b"other", "b": b"2"})
    assert contents(before)[0] == listed({"a": b"1"})[0]
    assert contents(after)[0] == listed({"a": b"other"})[0]
    assert (after.added, after.removed, after.changed) == (0, 0, 1)


def test_a_path_may_go_and_come_back(files: Repository) -> None:
    gone = make(files, {"b": b"2"})
    back = make(files, {"a": b"1", "b": b"2"})
    assert contents(gone) == listed({"b": b"2"})
    assert contents(back) == listed({"a": b"1", "b": b"2"})


def test_all_files_may_go(files: Repository) -> None:
    version = make(files, {})
    assert (version.files, version.size, contents(version)) == (0, 0, [])


def test_every_version_is_what_it_was_whatever_came_later() -> None:
    chance = random.Random(1)
    made = factories.repository()
    names = ["a", "b/c", "a b", "é", "\uffff", "😀", "Z", "0"]
    history: list[dict[str, bytes]] = [{}]
    for _ in range(12):
        files = {name: chance.choice([b"1", b"22", b"333"]) for name in chance.sample(names, chance.randrange(8))}
        version = make(made, files)
        history.append(files)
        assert (version.files, version.size) == (len(files), sum(map(len, files.values())))
    for number, files in enumerate(history):
        assert contents(made.versions.get(number=number)) == listed(files)


def test_a_large_version_is_written_a_few_hundred_rows_at_a_time(files: Repository) -> None:
    progress = Asked()
    number = 2 * ROWS + 1
    removing, adding = report(), report()
    with Draft(files, progress) as draft:
        asked = progress.confirms
        draft.add(many(number), adding)
        assert progress.checks == progress.confirms - asked == 3
        draft.complete(Totals(number, 0, 0, number))
    with Draft(files, progress) as draft:
        progress.checks = progress.confirms = 0
        draft.remove((path for path, _, _ in many(number)), removing)
        assert progress.checks == progress.confirms == 3
        draft.complete(Totals(0, number, 0, -number))
    assert (adding.done, removing.done) == (number, number)
    assert contents(files.latest_version()) == listed({"a": b"1", "b": b"2"})


def test_a_path_that_is_not_there_is_not_counted_as_removed(files: Repository) -> None:
    removing = report()
    with Draft(files, Progress()) as draft:
        draft.remove(["a", "never"], removing)
    assert removing.done == 1


def test_a_draft_of_one_repository_leaves_another_alone(files: Repository) -> None:
    other = factories.repository("other", "other")
    factories.version(other, {"a": b"of the other", "b": b"2"})
    factories.version(other, {"a": b"new", "b": None})
    factories.version(other, {"a": b"newer", "c": b"3"})
    before = rows(other)
    make(files, {})
    half_made(files)
    discard_unfinished(files, Progress())
    assert rows(other) == before


# ---- nothing half done -----------------------------------------------------------------------------------


def test_a_draft_is_not_seen(files: Repository) -> None:
    before = files.latest_version()
    half_made(files)
    assert files.latest_version() == before
    assert contents(before) == listed({"a": b"1", "b": b"2"})
    assert contents(files.versions.get(number=0)) == []


def fail(files: Repository, error: BaseException) -> None:
    """Begins a version, and meets an error."""
    with half_made(files):
        raise error


def fail_in_the_last_transaction(files: Repository, error: Exception) -> None:
    """Meets it when all is written, in the transaction that makes the version complete."""
    with half_made(files) as draft, transaction.atomic():
        draft.complete(Totals(1, 0, 1, 5))
        raise error


def leave(files: Repository) -> None:
    """Leaves a draft that was never completed, without an error."""
    with half_made(files):
        pass


@pytest.mark.parametrize("error", [Fault(), Canceled(), KeyboardInterrupt()], ids=repr)
def test_an_error_leaves_no_trace(files: Repository, error: BaseException) -> None:
    before = rows(files)
    with pytest.raises(type(error)):
        fail(files, error)
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_an_error_in_the_last_transaction_leaves_no_trace(files: Repository) -> None:
    before = rows(files)
    with pytest.raises(Fault):
        fail_in_the_last_transaction(files, Fault())
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_a_draft_that_is_left_incomplete_leaves_no_trace(files: Repository) -> None:
    before = rows(files)
    leave(files)
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_an_error_after_the_completion_takes_nothing_back(files: Repository) -> None:
    def complete_and_fail() -> None:
        with half_made(files) as draft:
            with transaction.atomic():
                draft.complete(Totals(1, 0, 1, 5))
            raise Fault

    with pytest.raises(Fault):
        complete_and_fail()
    assert versions(files) == [(0, True), (1, True), (2, True)]
    assert contents(files.latest_version()) == listed({"a": b"other", "b": b"2", "c": b"3"})


@pytest.mark.parametrize("checks", [0, 1, 2])
def test_a_cancel_between_two_chunks_leaves_no_trace(files: Repository, checks: int) -> None:
    before = rows(files)

    def write() -> None:
        with Draft(files, Cancels(checks)) as draft:
            draft.remove(["a", "b"], report())
            draft.add(many(ROWS + 1), report())

    with pytest.raises(Canceled):
        write()
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_an_interrupted_draft_is_discarded_by_the_next_one(files: Repository) -> None:
    half_made(files)
    assert versions(files) == [(0, True), (1, True), (2, False)]
    version = make(files, {"a": b"1", "d": b"4"})
    assert (version.number, version.files) == (2, 2)
    assert contents(version) == listed({"a": b"1", "d": b"4"})
    assert contents(files.versions.get(number=1)) == listed({"a": b"1", "b": b"2"})


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_discard_that_was_interrupted_is_carried_on(files: Repository, pieces: int) -> None:
    before = rows(files)
    half_made(files)
    with pytest.raises(Fault):
        discard_unfinished(files, Asked(Fault(), confirms=pieces - 1))
    discard_unfinished(files, Progress())
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_a_discard_takes_a_few_hundred_rows_at_a_time(files: Repository) -> None:
    before = rows(files)
    Draft(files, Progress()).add(many(2 * ROWS + 1), report())
    progress = Asked()
    discard_unfinished(files, progress)
    assert progress.confirms == 3 + 1
    assert rows(files) == before


def test_discarding_does_not_touch_complete_versions(files: Repository) -> None:
    before = rows(files)
    discard_unfinished(files, Progress())
    assert rows(files) == before
    assert versions(files) == [(0, True), (1, True)]


def test_the_bytes_of_a_discarded_version_are_kept(files: Repository) -> None:
    half_made(files)
    discard_unfinished(files, Progress())
    assert Artifact.objects.count() == 4


def test_who_lost_the_job_discards_nothing(files: Repository) -> None:
    with pytest.raises(Lost):
        fail(files, Lost())
    assert versions(files) == [(0, True), (1, True), (2, False)]
    assert ("c", 2) in {(path, added) for path, _, added, _ in rows(files)}


def test_who_lost_the_job_makes_no_version(files: Repository) -> None:
    with pytest.raises(Lost):
        Draft(files, Asked(Lost(), confirms=0))
    assert versions(files) == [(0, True), (1, True)]


@pytest.mark.parametrize("confirms", [1, 2])
def test_who_lost_the_job_writes_nothing_more(files: Repository, confirms: int) -> None:
    with pytest.raises(Lost):
        make(files, {"a": b"other"}, Asked(Lost(), confirms=confirms))
    ended = {path for path, _, _, removed in rows(files) if removed == 2}
    assert ended == (set() if confirms == 1 else {"a", "b"})
    assert {added for _, _, added, _ in rows(files)} == {1}
    assert versions(files) == [(0, True), (1, True), (2, False)]


def test_two_drafts_of_one_repository_cannot_be(files: Repository) -> None:
    first = half_made(files)
    second = Draft(files, Progress())
    assert versions(files) == [(0, True), (1, True), (2, False)]
    assert not RepositoryVersion.objects.filter(pk=first.version.pk).exists()
    assert second.version.number == 2


def test_an_unknown_artifact_leaves_no_trace(files: Repository) -> None:
    before = rows(files)

    def add_unknown() -> None:
        with half_made(files) as draft:
            draft.add([("d", "0" * 64, 1)], report())

    with pytest.raises(IntegrityError):
        add_unknown()
    assert rows(files) == before


def test_entries_are_read_as_they_are_written(files: Repository) -> None:
    progress = Asked()

    def entries() -> Iterator[Entry]:
        for index, entry in enumerate(many(2 * ROWS)):
            assert progress.checks == index // ROWS
            yield entry

    with Draft(files, progress) as draft:
        draft.add(entries(), report())


# ---- a path is a file or a folder, never both -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "added", "said"),
    [
        ("x", "x/y", ["“x”", "“x/y”"]),
        ("x", "x/y/z", ["“x”", "“x/y/z”"]),
        ("x/y", "x", ["“x”", "“x/y”"]),
        ("x/y/z", "x", ["“x”", "“x/y/z”"]),
        ("x/ÿ😀", "x", ["“x”", "“x/ÿ😀”"]),
    ],
)
def test_a_file_where_a_folder_is_makes_no_version(present: str, added: str, said: list[str]) -> None:
    repository = factories.repository()
    factories.version(repository, {present: b"1"})
    with pytest.raises(PathInTheWay) as raised:
        make(repository, {present: b"1", added: b"2"})
    assert all(words in str(raised.value) for words in said)
    assert versions(repository) == [(0, True), (1, True)]
    assert contents(repository.latest_version()) == listed({present: b"1"})


@pytest.mark.parametrize(("one", "other"), [("x", "x.y"), ("x/y", "x/z"), ("x", "xx/y"), ("x", "X/y"), ("x_", "xa/y")])
def test_names_that_only_look_alike_are_no_folders(one: str, other: str) -> None:
    repository = factories.repository()
    factories.version(repository, {one: b"1"})
    assert make(repository, {one: b"1", other: b"2"}).files == 2


def test_a_file_may_become_a_folder() -> None:
    repository = factories.repository()
    factories.version(repository, {"x": b"1"})
    assert make(repository, {"x/y": b"1"}).files == 1
    assert make(repository, {"x": b"1"}).files == 1


def test_another_repository_is_in_nobodys_way(files: Repository) -> None:
    other = factories.repository("other", "other")
    factories.version(other, {"c": b"1"})
    assert make(files, {"c/d": b"1"}).files == 1
