"""Cost follows change: what is asked of the database grows with what is new, never with what is there."""

import hashlib
import io
import threading
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from repos import manifest
from repos.chunks import ADDED, ROWS, chunks
from repos.compare import compare
from repos.manifest import Entry
from repos.models import Content, Repository, RepositoryVersion
from repos.progress import Progress
from repos.sync import sync
from repos.versions import make_version, refuse_what_is_in_the_way
from repos.worklist import Worklist
from tests import factories
from tests.upstream import Upstream

# The bytes of all files, so that rows count here and not downloads.
OLD, NEW = b"old", b"new"
# How many files are read with one query.
READ = 2000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def listed(files: int, changed: int = 0) -> list[Entry]:
    """So many files, of which the first few were changed."""
    bodies = [digest(NEW)] * changed + [digest(OLD)] * (files - changed)
    return [(f"folder-{number // 100:03}/{number:06}.bin", sha256, 3) for number, sha256 in enumerate(bodies)]


def offer(upstream: Upstream, entries: list[Entry], comment: bytes = b"") -> None:
    for body in (OLD, NEW):
        for path, _, _ in [entry for entry in entries if entry[1] == digest(body)][:1]:
            upstream.write(path, body)
    upstream.manifest = b"".join(manifest.write(entries)) + comment


def queries(what: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        what()
    return len(captured)


def fresh(folder: Path) -> Path:
    """A working directory below `folder` that is empty."""
    made = folder / f"work-{sum(1 for _ in folder.iterdir())}"
    made.mkdir()
    return made


def sync_once(repository: Repository, folder: Path) -> RepositoryVersion | None:
    return sync(repository, fresh(folder), progress=Progress())


def changes(repository: Repository, folder: Path, entries: Iterable[Entry]) -> Worklist:
    """What leads from the newest version to exactly these files."""
    work = Worklist(fresh(folder))
    for chunk in chunks(compare(Content.objects.of(repository.latest_version()).in_path_order(), entries)):
        work.add_changes(chunk)
    return work


def next_version(
    repository: Repository, folder: Path, entries: Iterable[Entry], progress: Progress | None = None
) -> RepositoryVersion:
    with changes(repository, folder, entries) as work:
        return make_version(repository, work, action="sync", progress=progress or Progress())


@pytest.fixture
def files(transactional_db: None) -> Repository:
    """A repository that has no files yet, all of whose bytes are there."""
    factories.artifact(OLD)
    factories.artifact(NEW)
    return factories.repository()


# ---- a sync ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("validators", [True, False], ids=["not sent again", "sent again unasked"])
def test_a_sync_of_the_same_list_asks_as_much_however_many_files_there_are(
    repository: Repository, upstream: Upstream, tmp_path: Path, validators: bool
) -> None:
    upstream.validators = validators
    asked = set()
    for number in (10, 2 * READ):
        offer(upstream, listed(number))
        sync_once(repository, tmp_path)
        asked.add(queries(lambda: sync_once(repository, tmp_path)))
    assert len(asked) == 1


def test_another_list_of_the_same_files_costs_the_reading_of_those_files(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    asked = []
    for number in (10, 3 * READ):
        offer(upstream, listed(number))
        sync_once(repository, tmp_path)
        offer(upstream, listed(number), b"# a comment\n")
        asked.append(queries(lambda: sync_once(repository, tmp_path)))
    assert asked[1] - asked[0] == 2


def test_a_few_changes_among_many_files_cost_as_much_as_among_few(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    asked = []
    for number in (20, 3 * READ):
        offer(upstream, listed(number))
        sync_once(repository, tmp_path)
        offer(upstream, listed(number, 10))
        asked.append(queries(lambda: sync_once(repository, tmp_path)))
    assert asked[1] - asked[0] <= 2, "the reading of what is there"


# ---- a version -------------------------------------------------------------------------------------------------


def test_a_version_costs_a_few_queries_for_some_hundred_changes(files: Repository, tmp_path: Path) -> None:
    next_version(files, tmp_path, listed(1))
    asked = []
    for number in (ROWS, 5 * ROWS):
        with changes(files, tmp_path, listed(1 + number)) as work:
            asked.append(queries(lambda: make_version(files, work, action="sync", progress=Progress())))
        next_version(files, tmp_path, listed(1))
    assert asked[1] - asked[0] <= 4 * 8


def test_replacing_costs_less_than_adding_for_nothing_can_be_in_the_way(files: Repository, tmp_path: Path) -> None:
    next_version(files, tmp_path, listed(1))
    with changes(files, tmp_path, listed(3 * ROWS)) as work:
        added = queries(lambda: make_version(files, work, action="sync", progress=Progress()))
    with changes(files, tmp_path, listed(3 * ROWS, 3 * ROWS)) as work:
        changed = queries(lambda: make_version(files, work, action="sync", progress=Progress()))
    assert changed < added + 3 * 3


def test_a_version_costs_rows_for_its_changes_only(files: Repository, tmp_path: Path) -> None:
    next_version(files, tmp_path, listed(1000))
    next_version(files, tmp_path, listed(1000, 10))
    assert Content.objects.count() == 1010


class Interrupted(Progress):
    """Lets another thread write whenever it is asked, as others do who are at work meanwhile."""

    def __init__(self, repository: Repository) -> None:
        self.turns = 0
        self._repository = repository

    def check(self) -> None:
        writer = threading.Thread(target=self._write)
        writer.start()
        # Had we the lock of all writers, it would wait for us, and we for it.
        writer.join(10)
        assert not writer.is_alive()

    def _write(self) -> None:
        try:
            self.turns += Repository.objects.filter(pk=self._repository.pk).update(stale_days=self.turns + 1)
        finally:
            connection.close()


def test_others_write_while_a_large_version_is_written(files: Repository, tmp_path: Path) -> None:
    others = Interrupted(files)
    next_version(files, tmp_path, listed(4 * ROWS), others)
    assert others.turns == 4 * ROWS / ADDED
    next_version(files, tmp_path, listed(4 * ROWS, 4 * ROWS), others)
    assert others.turns == 4 * ROWS / ADDED + 2 * 4


# ---- what is asked on the way ----------------------------------------------------------------------------------


def test_whether_a_path_is_in_the_way_is_asked_of_the_index(files: Repository, tmp_path: Path) -> None:
    version = next_version(files, tmp_path, listed(10))
    with CaptureQueriesContext(connection) as captured:
        refuse_what_is_in_the_way(version, ["folder-000/new.bin", "folder-001/new.bin"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        for query in captured:
            explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
            cursor.execute(explain + query["sql"])
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
            assert "path" in plan and "SCAN c" not in plan and "Join Filter" not in plan, plan
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")


def peak(what: Callable[[], object]) -> int:
    """The most memory, in bytes, that was taken at once."""
    tracemalloc.start()
    try:
        what()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Long(io.RawIOBase):
    """A list of so many files, made while it is read."""

    def __init__(self, files: int) -> None:
        self._lines = (f"folder/{number:07}.bin,{digest(OLD)},3\n".encode() for number in range(files))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        line = self._rest or next(self._lines, b"")
        view[: len(line)], self._rest = line[: len(view)], line[len(view) :]
        return min(len(line), len(view))


def test_reading_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def read(files: int) -> None:
        with Worklist(fresh(tmp_path)) as work:
            for chunk in chunks(manifest.read(io.BufferedReader(Long(files)), "a list")):
                work.add_entries(chunk)
            assert work.listed_files() == files

    read(10)
    assert peak(lambda: read(30_000)) < 2 * peak(lambda: read(3_000))


def test_comparing_and_writing_many_files_takes_no_more_memory_than_few(files: Repository, tmp_path: Path) -> None:
    taken = []
    for number in (2 * READ, 6 * READ):
        next_version(files, tmp_path, listed(number))
        entries = listed(number, number)
        taken.append(peak(lambda: next_version(files, tmp_path, entries)))  # noqa: B023
    assert taken[1] < 1.5 * taken[0]
