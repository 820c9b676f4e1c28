"""What is stored: rows follow their bytes, and are not believed blindly."""

import errno
import hashlib
import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from repos import by_hand, pool, stock
from repos.arrivals import Arrivals
from repos.errors.stops import Canceled
from repos.errors.storage import NotStored
from repos.errors.values import InvalidValue
from repos.manifest import Entry
from repos.models import Artifact, Damage, Repository
from repos.progress import Progress
from repos.sync import sync
from tests import factories
from tests.running import at_once, files, run, served, until
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_disk")]

LONG_AGO = timezone.now() - timedelta(days=30)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def kept(data: bytes, folder: Path) -> str:
    """Bytes in the pool that no row names yet; returns their digest."""
    (file := folder / "kept").write_bytes(data)
    return pool.put(file)[0]


def entry(data: bytes) -> Entry:
    return data.decode(), digest(data), len(data)


def missing(*wanted: bytes) -> list[bytes]:
    """Those of these that have to be fetched."""
    found = stock.missing([entry(one) for one in wanted], wrong_size=_no_wrong_size, check=lambda: None)
    return [path.encode() for path, _, _ in found]


def _no_wrong_size(entry: Entry, size: int) -> None:
    raise AssertionError(entry)


# ---- what has to be fetched ----


def test_it_works(tmp_path: Path) -> None:
    assert missing(b"1", b"2") == [b"1", b"2"]
    stock.record({kept(b"1", tmp_path): 1})
    assert missing(b"1", b"2") == [b"2"]


def test_right_bytes_that_no_row_names_are_made_known(tmp_path: Path) -> None:
    kept(b"1", tmp_path)
    assert missing(b"1") == []
    assert Artifact.objects.get().size == 1


@pytest.mark.parametrize("lost", [b"\0\0\0", b"", b"1234"])
def test_bytes_that_are_not_right_are_not_believed_by_their_name(lost: bytes, tmp_path: Path) -> None:
    pool.path(kept(b"123", tmp_path)).write_bytes(lost)
    assert missing(b"123") == [b"123"]
    assert not Artifact.objects.exists()


def test_damaged_bytes_are_fetched_anew_and_then_are_damaged_no_more(tmp_path: Path) -> None:
    Damage.objects.create(artifact=factories.artifact(b"1"), cause="digest", why="it is wrong")
    assert missing(b"1") == [b"1"]
    stock.record({kept(b"1", tmp_path): 1})
    assert not Damage.objects.exists()
    assert missing(b"1") == []


@pytest.mark.parametrize(("left", "cause"), [(None, "missing"), (b"12", "size")])
def test_a_row_is_not_believed_without_its_bytes(left: bytes | None, cause: str) -> None:
    artifact = factories.artifact(b"1")
    pool.path(artifact.sha256).unlink()
    if left:
        pool.path(artifact.sha256).write_bytes(left)
    assert missing(b"1") == [b"1"]
    assert Damage.objects.get().cause == cause
    assert missing(b"1") == [b"1"], "and told again, with the same note"


def test_a_size_that_the_bytes_do_not_have_is_told() -> None:
    factories.artifact(b"123")
    told = []
    stock.missing([("a", digest(b"123"), 4)], wrong_size=lambda *what: told.append(what), check=lambda: None)
    assert told == [(("a", digest(b"123"), 4), 3)]


def test_who_has_to_stop_does_not_read_what_is_there(tmp_path: Path) -> None:
    def stop() -> None:
        raise Canceled

    kept(b"1", tmp_path)
    with pytest.raises(Canceled):
        stock.missing([entry(b"1")], wrong_size=_no_wrong_size, check=stop)


# ---- what a clean-up has marked ----


def doomed(data: bytes) -> Artifact:
    artifact = factories.artifact(data)
    Artifact.objects.filter(pk=artifact.pk).update(doomed=True, wanted_at=LONG_AGO)
    return artifact


def is_spared(artifact: Artifact) -> bool:
    artifact.refresh_from_db()
    return not artifact.doomed and timezone.now() - artifact.wanted_at < timedelta(minutes=1)


def test_what_is_wanted_loses_its_mark() -> None:
    artifact = doomed(b"1")
    assert missing(b"1") == []
    assert is_spared(artifact)


def test_what_is_gone_by_then_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = doomed(b"1")

    def too_late(digests: object) -> dict[str, Artifact]:
        Artifact.objects.all().delete()
        pool.path(artifact.sha256).unlink()
        return {}

    monkeypatch.setattr(stock, "wanted", too_late)
    assert missing(b"1") == [b"1"]


def test_bytes_that_are_left_of_what_is_gone_by_then_are_made_known_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = doomed(b"1")
    monkeypatch.setattr(stock, "wanted", lambda digests: Artifact.objects.all().delete() and {})
    assert missing(b"1") == []
    assert not Artifact.objects.get(sha256=artifact.sha256).doomed


def test_bytes_that_come_again_lose_their_mark(tmp_path: Path) -> None:
    artifact = doomed(b"1")
    stock.record({kept(b"1", tmp_path): 1})
    assert is_spared(artifact)


# ---- making known ----


def test_bytes_are_settled_before_a_row_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    monkeypatch.setattr(pool, "settle", lambda digests, check: order.append(Artifact.objects.count()))
    stock.record({kept(b"1", tmp_path): 1})
    assert (order, Artifact.objects.count()) == ([0], 1)


def test_what_the_disk_did_not_take_is_neither_known_nor_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who read it again would get the right bytes from memory, and believe that the disk has them."""

    def failing(digests: object, check: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(pool, "settle", failing)
    known = factories.artifact(b"known")
    with pytest.raises(NotStored, match="Input/output error"):
        stock.record({kept(b"1", tmp_path): 1, known.sha256: 5})
    assert Artifact.objects.get() == known
    assert not pool.path(digest(b"1")).exists()
    assert pool.path(known.sha256).exists(), "what rows name stays"


def test_nothing_is_no_work() -> None:
    stock.record({})
    assert stock.wanted([]) == {}


@pytest.mark.django_db(transaction=True)
def test_many_may_record_the_same_bytes_at_once(tmp_path: Path) -> None:
    sizes = {kept(str(number).encode(), tmp_path): len(str(number)) for number in range(60)}
    backwards = dict(reversed(sizes.items()))
    for name in list(sizes)[:20]:
        Artifact.objects.create(sha256=name, size=sizes[name], doomed=True)
    orders = [sizes, backwards] * 3
    assert at_once(*(lambda some=some: stock.record(some) for some in orders)) == [None] * 6
    assert dict(Artifact.objects.values_list("sha256", "size")) == sizes
    assert not Artifact.objects.filter(doomed=True).exists()


def test_what_comes_fast_is_recorded_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "ADDED", 2)
    entries = [entry(one) for one in (b"1", b"2", b"3", b"4", b"5")]
    for one in (b"1", b"2", b"3", b"4", b"5"):
        kept(one, tmp_path)
    batches = list(stock.recorded(entries, lambda: None))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert Artifact.objects.count() == 5


def test_what_comes_slowly_is_not_left_unknown_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(stock, "monotonic", lambda: clock[0])
    known = []

    def slowly() -> Iterator[Entry]:
        for one in (b"1", b"2", b"3"):
            known.append(Artifact.objects.count())
            clock[0] += stock.PATIENCE * 0.6
            kept(one, tmp_path)
            yield entry(one)

    list(stock.recorded(slowly(), lambda: None))
    assert known == [0, 0, 2]


# ---- who else names bytes ----


def test_uploaded_bytes_heal_what_was_damaged_and_are_spared(tmp_path: Path) -> None:
    artifact = doomed(b"1")
    Damage.objects.create(artifact=artifact, cause="missing", why="it is not in the pool")
    (upload := tmp_path / "upload").write_bytes(b"1")
    with Arrivals() as arrivals, upload.open("rb") as source:
        assert arrivals.keep([arrivals.copy(source)]) == [artifact]
    assert not Damage.objects.exists()
    assert is_spared(artifact)


@pytest.mark.django_db(transaction=True)
def test_bytes_named_by_their_digest_are_spared_until_the_job_runs(repository: Repository) -> None:
    artifact = doomed(b"1")
    by_hand.add_by_digest(repository, {"a": artifact.sha256})
    assert is_spared(artifact)


@pytest.mark.django_db(transaction=True)
def test_damaged_bytes_cannot_be_named(repository: Repository) -> None:
    artifact = factories.artifact(b"1")
    Damage.objects.create(artifact=artifact, cause="digest", why="it is wrong")
    with pytest.raises(InvalidValue, match=f"The stored file with the sha256 {artifact.sha256} is damaged"):
        by_hand.add_by_digest(repository, {"a": artifact.sha256})


def test_a_damaged_file_heals_with_the_next_sync_that_needs_it(repository: Repository, upstream: Upstream) -> None:
    Damage.objects.create(artifact=factories.artifact(b"1"), cause="digest", why="it is wrong")
    upstream.write("a", b"1")
    run(repository)
    assert served("files") == {"a": b"1"}
    assert upstream.count("a") == 1
    assert not Damage.objects.exists()


# ---- after a power failure ----


class PowerFailure(BaseException):
    pass


def in_pool(data: Path) -> set[str]:
    return {file.name for file in (data / "pool").glob("??/*")}


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The digests of what would outlast the power failure, which comes when the disk is waited for the third time."""
    found: set[str] = set()
    settle = pool.settle
    times = itertools.count(1)

    def failing(digests: Iterable[str], check: stock.Check) -> None:
        if next(times) == 3:
            raise PowerFailure
        settle(list(digests), check)
        found.update(digests)

    monkeypatch.setattr(pool, "settle", failing)
    return found


def test_only_what_a_power_failure_took_is_fetched_again(
    repository: Repository,
    upstream: Upstream,
    data: Path,
    tmp_path: Path,
    settled: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stock, "ADDED", 8)
    for number in range(60):
        upstream.write(f"{number}", f"{number}".encode() * 9)
    (folder := tmp_path / "first").mkdir()
    with pytest.raises(PowerFailure):
        sync(repository, folder, progress=Progress())
    until(lambda: not any(thread.name.startswith("download-") for thread in threading.enumerate()))
    there = in_pool(data)
    assert set(Artifact.objects.values_list("sha256", flat=True)) <= settled <= there
    lost = {name for number, name in enumerate(sorted(there - settled)) if _is_lost(pool.path(name), number)}
    assert settled and lost

    upstream.reset_log()
    (folder := tmp_path / "again").mkdir()
    version = sync(repository, folder, progress=Progress())
    assert version is not None
    assert files(version) == upstream.files
    fetched = {digest(content) for path, content in upstream.files.items() if upstream.count(path)}
    assert fetched & there == lost
    assert fetched == set(upstream.digests.values()) - there | lost


def _is_lost(file: Path, number: int) -> bool:
    """What becomes of a file that was renamed, but not written out: one of all that may happen."""
    size = file.stat().st_size
    match number % 4:
        case 0:
            file.write_bytes(b"\0" * size)
        case 1:
            os.truncate(file, size // 2)
        case 2:
            file.unlink()
        case _:
            return False
    return True
