"""The first verb, against a real upstream."""

from pathlib import Path

import pytest

from repos import jobs
from repos.errors.refusals import PathInTheWay
from repos.errors.upstreams import BadList, FetchFailed, FilesFailed
from repos.models import Artifact, Content, Repository, RepositoryVersion
from repos.progress import Progress, Report
from repos.sync import sync
from tests.misbehaviour import Corrupt, NotModified, Status
from tests.running import files, running, until
from tests.upstream import EVERY_FILE, MANIFEST, Upstream


class Listening(Progress):
    """Keeps the reports."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def add(self, report: Report) -> None:
        self.reports.append(report)


def synced(repository: Repository, folder: Path) -> RepositoryVersion | None:
    (work := folder / f"work-{len(list(folder.iterdir()))}").mkdir()
    repository.refresh_from_db()
    return sync(repository, work, progress=Progress())


def test_it_works(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("one.txt", b"one")
    upstream.write("below/two, and.txt", b"two" * 1000)
    upstream.write("ünïcödé/ # ?%20.txt", b"")
    version = synced(repository, tmp_path)
    assert version is not None
    assert version.number == 1
    assert files(version) == upstream.files
    assert (version.files, version.size, version.added) == (3, 3003, 3)


def test_an_unchanged_list_makes_no_version(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("one", b"1")
    synced(repository, tmp_path)
    upstream.reset_log()
    assert synced(repository, tmp_path) is None
    assert repository.latest_version().number == 1
    assert [request.path for request in upstream.requests] == [MANIFEST]


def test_an_unchanged_list_is_not_even_read_without_validators(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.validators = False
    upstream.write("one", b"1")
    synced(repository, tmp_path)
    progress = Listening()
    (work := tmp_path / "again").mkdir()
    assert sync(repository, work, progress=progress) is None
    assert [report.code for report in progress.reports] == ["sync.downloading.metadata", "sync.was_skipped"]


def test_a_list_in_another_order_makes_no_version(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("a", b"1")
    upstream.write("b", b"2")
    synced(repository, tmp_path)
    upstream.manifest = b"".join(reversed(upstream.manifest.splitlines(keepends=True)))
    assert synced(repository, tmp_path) is None


def test_only_what_is_new_is_fetched(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("same", b"same")
    upstream.write("other", b"before")
    synced(repository, tmp_path)
    upstream.reset_log()
    upstream.write("other", b"after")
    upstream.write("copy", b"same")
    version = synced(repository, tmp_path)
    assert version is not None
    assert files(version) == {"same": b"same", "other": b"after", "copy": b"same"}
    assert [request.path for request in upstream.requests] == [MANIFEST, "other"]
    assert (version.added, version.changed, version.removed) == (1, 1, 0)


def test_the_same_bytes_at_many_paths_are_fetched_once(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    for name in "abcdef":
        upstream.write(name, b"the same")
    synced(repository, tmp_path)
    assert len(upstream.requests) == 2
    assert Artifact.objects.count() == 1


def test_additive_keeps_what_vanished(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("gone", b"1")
    upstream.write("stays", b"2")
    synced(repository, tmp_path)
    upstream.remove("gone")
    assert synced(repository, tmp_path) is None
    assert files(repository.latest_version()) == {"gone": b"1", "stays": b"2"}


def test_a_mirror_is_exactly_the_upstream(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    Repository.objects.update(mirror=True)
    upstream.write("gone", b"1")
    upstream.write("stays", b"2")
    synced(repository, tmp_path)
    upstream.remove("gone")
    version = synced(repository, tmp_path)
    assert version is not None
    assert files(version) == {"stays": b"2"}
    assert (version.removed, version.files, version.size) == (1, 1, 1)


def test_another_mode_reads_the_same_list_again(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.write("gone", b"1")
    upstream.write("stays", b"2")
    synced(repository, tmp_path)
    upstream.remove("gone")
    synced(repository, tmp_path)
    Repository.objects.update(mirror=True)
    version = synced(repository, tmp_path)
    assert version is not None
    assert version.removed == 1


def test_an_old_version_is_never_changed(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    Repository.objects.update(mirror=True)
    upstream.write("a", b"1")
    upstream.write("b", b"2")
    first = synced(repository, tmp_path)
    before = upstream.files
    upstream.write("a", b"one")
    upstream.remove("b")
    upstream.write("c", b"3")
    second = synced(repository, tmp_path)
    upstream.write("b", b"2")
    third = synced(repository, tmp_path)
    assert first and second and third
    assert files(first) == before
    assert files(second) == {"a": b"one", "c": b"3"}
    assert files(third) == {"a": b"one", "b": b"2", "c": b"3"}
    assert files(repository.versions.get(number=0)) == {}


def test_a_version_costs_what_changed(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    for number in range(50):
        upstream.write(f"{number}", b"%d" % number)
    synced(repository, tmp_path)
    upstream.write("7", b"seven")
    synced(repository, tmp_path)
    assert Content.objects.count() == 51


def test_all_failed_files_are_collected(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    for name in "abcde":
        upstream.write(name, name.encode())
    upstream.fail("b", Status(404))
    upstream.fail("d", Corrupt(0))
    with pytest.raises(FilesFailed, match="2 files could not be fetched") as caught:
        synced(repository, tmp_path)
    assert caught.value.count == 2
    assert repository.latest_version().number == 0


def test_after_a_failure_only_the_rest_is_fetched(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    for name in "abc":
        upstream.write(name, name.encode())
    upstream.fail("b", Status(404))
    with pytest.raises(FilesFailed):
        synced(repository, tmp_path)
    upstream.heal()
    upstream.reset_log()
    version = synced(repository, tmp_path)
    assert version is not None
    assert files(version) == upstream.files
    assert sorted(request.path for request in upstream.requests) == [MANIFEST, "b"]


def test_bytes_in_the_pool_that_no_row_names_are_not_fetched(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.write("a", b"a")
    synced(repository, tmp_path)
    Content.objects.all().delete()
    repository.versions.filter(number=1).delete()
    Artifact.objects.all().delete()
    upstream.reset_log()
    version = synced(repository, tmp_path)
    assert version is not None
    assert files(version) == {"a": b"a"}
    assert upstream.count("a") == 0


def test_a_size_that_no_file_with_this_digest_has_is_a_failure(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.write("a", b"abc")
    synced(repository, tmp_path)
    upstream.manifest = upstream.manifest + upstream.manifest.replace(b"a,", b"b,").replace(b",3", b",4")
    with pytest.raises(FilesFailed, match=r"b \(http.*/b\): the list says 4 bytes"):
        synced(repository, tmp_path)


def test_a_path_named_twice_with_other_bytes_is_refused(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.manifest = b"a,%s,1\nb,%s,1\na,%s,1\n" % (b"0" * 64, b"0" * 64, b"1" * 64)
    with pytest.raises(BadList, match="names “a” twice"):
        synced(repository, tmp_path)


def test_a_missing_list_says_so(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.fail(MANIFEST, Status(404))
    with pytest.raises(FetchFailed, match="no such file"):
        synced(repository, tmp_path)


def test_a_bad_line_is_named(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.manifest = b"a,%s,1\nnonsense\n" % (b"0" * 64)
    with pytest.raises(BadList, match="Line 2 of http"):
        synced(repository, tmp_path)
    assert len(upstream.requests) == 1


def test_a_304_that_was_not_asked_for_is_an_error(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream.fail(MANIFEST, NotModified())
    with pytest.raises(FetchFailed, match="304"):
        synced(repository, tmp_path)


def test_an_upstream_without_files_is_an_unchanged_version_0(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    assert synced(repository, tmp_path) is None
    assert repository.latest_version().number == 0


def test_files_are_fetched_side_by_side(repository: Repository, upstream: Upstream) -> None:
    for number in range(8):
        upstream.write(f"{number}", b"%d" % number)
    gate = upstream.hold(EVERY_FILE)
    with running(jobs.request(repository).job):
        until(lambda: len(upstream.requests) == 9, "all eight files are asked for before the first has come")
        gate.release()
    assert files(repository.latest_version()) == upstream.files


@pytest.mark.parametrize(
    "paths", [["a/b", "a/b/c"], ["a/b/c", "a/b", "a/b!", "a/b-c/d"], ["a", "a.b", "a/b/c/d"], ["é", "é/é"]]
)
def test_a_list_with_a_file_inside_a_file_is_refused(
    repository: Repository, upstream: Upstream, tmp_path: Path, paths: list[str]
) -> None:
    upstream.manifest = "".join(f"{path},{'0' * 64},1\n" for path in paths).encode()
    with pytest.raises(BadList, match="as a file, and as a folder"):
        synced(repository, tmp_path)


def test_an_additive_repository_does_not_take_a_folder_where_it_keeps_a_file(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.write("kept", b"1")
    synced(repository, tmp_path)
    upstream.remove("kept")
    upstream.write("kept/now a folder", b"2")
    with pytest.raises(PathInTheWay, match="remove it by hand"):
        synced(repository, tmp_path)
    assert repository.latest_version().number == 1
    repository.mirror = True
    repository.brake = 100
    repository.save()
    version = synced(repository, tmp_path)
    assert version
    assert files(version) == upstream.files
