"""The clean-up: it takes what nothing needs, exactly what was foreseen, and never what somebody is about to need."""

import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from repos import (
    arrivals,
    by_hand,
    chain,
    clock,
    deletion,
    jobs,
    orphans,
    pool,
    stock,
    trash,
    unneeded,
)
from repos.actions import CLEAN
from repos.clean_plan import plan
from repos.create import make_repository
from repos.errors.refusals import NothingToDo, Refused
from repos.models import Artifact, Content, Damage, Job, Repository, RepositoryVersion, RequestedChange
from repos.models.job import State
from tests import factories, running, scenes
from tests.running import PATIENCE, until
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bell")]

LONG_AGO = timedelta(days=3)


def clean() -> Job:
    """Asks for a clean-up and runs it here; returns it as it ended."""
    job = jobs.request(None, actions=CLEAN).job
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


def age_all(data: Path) -> None:
    """As if all that is stored had been so for days."""
    then = timezone.now() - LONG_AGO
    Artifact.objects.update(created_at=then, wanted_at=then)
    for folder, names, files in os.walk(data):
        for name in (*names, *files):
            os.utime(Path(folder, name), (then.timestamp(), then.timestamp()))


def in_pool(data: Path) -> dict[str, int]:
    """The files of the pool by name, with their sizes."""
    return {file.name: file.stat().st_size for file in (data / "pool").glob("*/*")}


def sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def stray(data: Path, text: bytes) -> Path:
    file = pool.path(sha256(text))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text)
    return file


@pytest.fixture
def repository(db: None) -> Repository:
    """Versions 1 to 3, of which 3 is served since long ago; of 1 nothing is left in the others but “stays”."""
    made = factories.repository()
    factories.version(made, {"stays": b"stays", "one": b"1", "changes": b"22"})
    factories.version(made, {"one": None, "changes": b"4444"})
    factories.serve(made, {"changes": b"88888888"}, days_ago=30)
    return made


def test_it_works(repository: Repository, data: Path) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    age_all(data)
    before = running.files(repository.latest_version())
    foreseen = plan()
    assert (foreseen.freed.files, foreseen.freed.size) == (2, 3)
    job = clean()
    assert (job.state, job.error) == ("completed", "")
    assert (job.freed_files, job.freed_bytes) == (2, 3)
    assert job.outcome == "2 files (3 B) freed."
    assert running.files(repository.latest_version()) == before
    assert set(in_pool(data)) == set(Artifact.objects.values_list("sha256", flat=True))


def test_where_everything_is_needed_it_takes_nothing(repository: Repository, data: Path) -> None:
    age_all(data)
    before = in_pool(data)
    job = clean()
    assert (job.freed_files, job.freed_bytes, job.outcome) == (0, 0, "No file was unneeded.")
    assert in_pool(data) == before


def test_an_empty_installation_is_clean(db: None) -> None:
    assert plan().freed.files == 0
    assert clean().state == "completed"


def test_what_is_young_is_spared_and_it_says_so(repository: Repository, data: Path, settings: Settings) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    foreseen = plan()
    assert (foreseen.freed.files, foreseen.young.files, foreseen.young.size) == (0, 2, 3)
    assert foreseen.free_after
    assert timedelta(hours=23) < foreseen.free_after - timezone.now() <= timedelta(hours=24)
    assert clean().outcome == "No file was unneeded. Spared for now: 2 files (3 B) younger than 24 hours."
    age_all(data)
    Artifact.objects.filter(size=1).update(wanted_at=timezone.now())
    os.utime(pool.path(sha256(b"22")))
    assert (plan().freed.files, plan().young.files) == (0, 2)
    assert clean().freed_files == 0
    assert not Artifact.objects.filter(doomed=True).exists()


def test_however_short_the_protection_is_some_minutes_are_left(repository: Repository, settings: Settings) -> None:
    settings.MILLRACE_PROTECTION_HOURS = 0
    deletion.delete_version(repository.versions.get(number=1))
    assert clean().freed_files == 0
    assert orphans.protection() == orphans.LEAST


def test_it_lets_versions_go_first(repository: Repository, data: Path) -> None:
    Repository.objects.update(keep_versions=1)
    age_all(data)
    foreseen = plan()
    assert [fate.version.number for fate in foreseen.going] == [2, 1]
    assert (foreseen.orphans.files, foreseen.orphans.size) == (3, 7)
    job = clean()
    assert job.outcome == "2 versions let go, 3 files (7 B) freed."
    assert set(repository.versions.values_list("number", flat=True)) == {0, 3}
    codes = list(job.reports.values_list("code", flat=True))
    assert codes == ["clean.versions", "clean.leftovers", "clean.marking", "clean.files", "clean.strays"]


def test_bytes_that_others_need_stay(repository: Repository, data: Path) -> None:
    other = factories.repository("other", "other")
    factories.version(other, {"x": b"1"})
    scenes.an_ended_job(other, "canceled", ago=60).changes.create(path="y", artifact=factories.artifact(b"22"))
    deletion.delete_version(repository.versions.get(number=1))
    age_all(data)
    assert plan().freed.files == 0
    assert clean().freed_files == 0


def test_metadata_is_needed_as_files_are(repository: Repository, data: Path) -> None:
    old = factories.publication(repository.versions.get(number=2))
    age_all(data)
    assert clean().freed_files == 0
    size = old.metadata.get().artifact.size
    deletion.delete_publication(old)
    assert clean().freed_bytes == size


def test_damaged_rows_go_with_the_rest_and_free_nothing(repository: Repository, data: Path) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    age_all(data)
    Damage.objects.create(artifact=Artifact.objects.get(size=1), cause="missing", why="it is not there")
    pool.path(sha256(b"1")).unlink()
    pool.path(sha256(b"22")).write_bytes(b"22 and more")
    age_all(data)
    assert (plan().freed.files, plan().freed.size) == (1, 11)
    job = clean()
    assert (job.freed_files, job.freed_bytes) == (1, 11)
    assert not Damage.objects.exists()
    assert set(in_pool(data)) == set(Artifact.objects.values_list("sha256", flat=True))


def test_while_the_clock_is_in_doubt_it_does_nothing(
    repository: Repository, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository.objects.update(keep_versions=1)
    age_all(data)
    monkeypatch.setattr(clock, "_AT_START", clock._AT_START - 3600)
    assert plan().doubt == clock.doubt() != ""
    job = clean()
    assert (job.state, job.outcome) == ("completed", clock.doubt())
    assert repository.versions.count() == 4


# ---- strays and leftovers ----------------------------------------------------------------------------------


def test_files_that_no_row_names_go_when_they_are_old(repository: Repository, data: Path) -> None:
    stray(data, b"stray")
    (data / "pool" / "xx").mkdir()
    (data / "pool" / "xx" / "not a digest").write_bytes(b"what is it?")
    # In the wrong folder nobody finds it.
    wrong = data / "pool" / "xx" / sha256(b"stays")
    wrong.write_bytes(b"stays")
    age_all(data)
    young = stray(data, b"young")
    foreseen = plan()
    assert (foreseen.strays.files, foreseen.strays.size) == (3, 5 + 11 + 5)
    assert (foreseen.young.files, foreseen.young.size) == (1, 5)
    job = clean()
    assert (job.freed_files, job.freed_bytes) == (3, 21)
    assert young.exists()
    assert not wrong.exists()
    assert pool.has(sha256(b"stays"), 5)


def test_links_go_and_not_what_they_point_to(repository: Repository, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    link = stray(data, b"stray")
    link.unlink()
    link.symlink_to(outside)
    os.utime(link, (0, 0), follow_symlinks=False)
    clean()
    assert not link.is_symlink()
    assert outside.read_bytes() == b"mine"


def test_a_dry_run_that_has_no_time_says_that_it_has_not_seen_all(repository: Repository) -> None:
    assert plan().whole
    assert not plan(seconds=0).whole


def test_a_deletion_that_was_cut_short_is_finished(
    repository: Repository, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(unneeded, "delete_content", lambda *which: None)
        for number in (1, 2):
            deletion.delete_version(repository.versions.get(number=number))
    age_all(data)
    assert plan().freed.size == 7
    assert clean().freed_bytes == 7
    assert set(repository.content.values_list("path", flat=True)) == {"stays", "changes"}
    assert running.files(repository.latest_version()) == {"stays": b"stays", "changes": b"88888888"}


def test_a_repository_that_is_half_deleted_goes(
    repository: Repository, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.distributions.all().delete()
    with monkeypatch.context() as patch:
        patch.setattr(deletion, "finish_deleting", lambda repository: None)
        deletion.delete_repository(repository)
    age_all(data)
    foreseen = plan()
    assert clean().freed_bytes == foreseen.freed.size > 20
    assert not Repository.objects.exists()
    assert in_pool(data) == {}


def test_a_version_in_the_making_that_nobody_makes_goes(repository: Repository, data: Path) -> None:
    draft = repository.versions.create(number=4)
    repository.content.filter(path="stays").update(removed=4)
    Content.objects.create(repository=repository, path="new", artifact=factories.artifact(b"new"), added=4)
    age_all(data)
    assert plan().freed.size == 3
    assert clean().freed_bytes == 3
    assert not repository.versions.filter(pk=draft.pk).exists()
    assert repository.content.get(path="stays").removed == Content.FOREVER


def test_a_version_that_somebody_makes_stays(repository: Repository, data: Path) -> None:
    repository.versions.create(number=4)
    Content.objects.create(repository=repository, path="new", artifact=factories.artifact(b"new"), added=4)
    age_all(data)
    making = scenes.a_running_job(repository)
    assert [job.pk for job in plan().awaited] == [making.pk]
    with running.running(jobs.request(None, actions=CLEAN).job):
        report = Job.objects.latest("pk").reports
        until(lambda: report.filter(code="clean.waiting").exists())
        until(
            lambda: report.get(code="clean.waiting").message == f"Waits for job {making.pk}, which may need some of it"
        )
        Job.objects.filter(pk=making.pk).update(attempt=2)
    assert Job.objects.latest("pk").state == "completed"
    assert repository.versions.filter(number=4).exists()
    assert pool.has(sha256(b"new"), 3)


def test_it_leaves_no_reservation_behind(repository: Repository) -> None:
    repository.versions.create(number=4)
    job = clean()
    assert list(job.reservations.values_list("resource", "held")) == [("upkeep:clean", False)]


def test_what_an_old_job_was_to_change_goes_and_it_cannot_be_run_again(repository: Repository, data: Path) -> None:
    by_hand.remove(repository, ["stays"])
    changing = Job.objects.latest("pk")
    changing.changes.create(path="new", artifact=factories.artifact(b"new"))
    jobs.cancel(changing)
    age_all(data)
    assert clean().freed_bytes == 0
    assert jobs.again(changing).job.changes.count() == 2
    jobs.cancel(Job.objects.latest("pk"))
    Job.objects.update(finished_at=timezone.now() - LONG_AGO)
    age_all(data)
    assert plan().freed.size == 3
    assert clean().freed_bytes == 3
    assert not RequestedChange.objects.exists()
    with pytest.raises(Refused, match="is not known any more"):
        jobs.again(changing)


def test_folders_of_nobody_go(repository: Repository, data: Path) -> None:
    at_work = scenes.a_running_job(repository)
    for name in (f"work/job-{at_work.pk}-1", "work/job-9-1", "arrivals/tmp9", "spool", "trash"):
        (data / name).mkdir(parents=True, exist_ok=True)
        (data / name / "part").write_bytes(b"12345")
    age_all(data)
    (data / "work" / "job-10-1").mkdir()
    assert plan().leftovers == 4 * 5
    cleaning = jobs.request(None, actions=CLEAN).job
    with running.running(cleaning):
        until(lambda: cleaning.reports.filter(code="clean.waiting").exists())
        Job.objects.filter(pk=at_work.pk).update(state=State.CANCELED, finished_at=timezone.now())
    assert "20 B of leftovers removed" in Job.objects.get(pk=cleaning.pk).outcome
    assert sorted(path.name for path in (data / "work").iterdir()) == ["job-10-1", f"job-{at_work.pk}-1"]


def test_an_upload_that_is_still_on_its_way_is_let_alone(data: Path) -> None:
    with arrivals.Arrivals() as upload:
        arrived = upload.copy(BytesIO(b"slow"))
        age_all(data)
        clean()
        assert arrived.file.exists()


# ---- what happens meanwhile --------------------------------------------------------------------------------


@pytest.fixture
def unneeded_file(repository: Repository, data: Path) -> str:
    """The digest of bytes that nothing needs."""
    deletion.delete_version(repository.versions.get(number=1))
    age_all(data)
    return sha256(b"22")


@contextmanager
def cleaning_up_to(wait_for: Job) -> Iterator[Job]:
    """A clean-up that has marked all and waits for that job; it goes on when the block is left."""
    job = jobs.request(None, actions=CLEAN).job
    with running.running(job):
        until(lambda: job.reports.filter(code="clean.waiting").exists())
        yield job
        Job.objects.filter(pk=wait_for.pk).update(state=State.CANCELED, finished_at=timezone.now())


def test_what_somebody_comes_to_need_after_it_was_marked_stays(
    repository: Repository, unneeded_file: str, data: Path
) -> None:
    at_work = scenes.a_running_job(factories.repository("other", "other"))
    with cleaning_up_to(at_work):
        assert Artifact.objects.get(sha256=unneeded_file).doomed
        wanted = stock.missing([("new", unneeded_file, 2)], wrong_size=lambda entry, size: None, check=lambda: None)
        assert wanted == []
    assert pool.has(unneeded_file, 2)
    assert not Artifact.objects.get(sha256=unneeded_file).doomed
    # The other one that was marked is gone.
    assert not pool.has(sha256(b"1"), 1)


def test_what_a_job_that_ran_already_named_meanwhile_stays(repository: Repository, unneeded_file: str) -> None:
    at_work = scenes.a_running_job(factories.repository("other", "other"))
    with cleaning_up_to(at_work):
        artifact = Artifact.objects.get(sha256=unneeded_file)
        Content.objects.create(repository=repository, path="new", artifact=artifact, added=3)
    assert pool.has(unneeded_file, 2)
    assert not Artifact.objects.get(sha256=unneeded_file).doomed


def test_a_job_that_began_after_the_marking_is_not_waited_for(repository: Repository, unneeded_file: str) -> None:
    other, third = factories.repository("other", "other"), factories.repository("third", "third")
    with cleaning_up_to(scenes.a_running_job(other)):
        later = scenes.a_running_job(third)
    assert Job.objects.get(pk=later.pk).is_active
    assert not pool.has(unneeded_file, 2)


def test_a_cancel_is_heeded_while_it_waits(repository: Repository, unneeded_file: str) -> None:
    at_work = scenes.a_running_job(factories.repository("other", "other"))
    job = jobs.request(None, actions=CLEAN).job
    with running.running(job):
        until(lambda: job.reports.filter(code="clean.waiting").exists())
        jobs.cancel(Job.objects.get(pk=job.pk))
    assert Job.objects.get(pk=job.pk).state == "canceled"
    assert pool.has(unneeded_file, 2)
    Job.objects.filter(pk=at_work.pk).delete()
    assert clean().freed_files == 2


def test_bytes_that_come_again_between_the_row_and_the_file_stay(
    repository: Repository, unneeded_file: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = trash._decide

    def meanwhile(aside: Path, home: Path, spared: object) -> int | None:
        if home.name == unneeded_file:
            file = data / "fresh"
            file.write_bytes(b"22")
            pool.keep(file, unneeded_file)
        return taking(aside, home, spared)  # type: ignore[arg-type]

    monkeypatch.setattr(trash, "_decide", meanwhile)
    clean()
    assert pool.path(unneeded_file).read_bytes() == b"22"


def test_a_row_that_came_back_has_its_bytes_put_back(
    repository: Repository, unneeded_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = trash._decide

    def meanwhile(aside: Path, home: Path, spared: object) -> int | None:
        Artifact.objects.get_or_create(sha256=home.name, defaults={"size": aside.stat().st_size})
        return taking(aside, home, spared)  # type: ignore[arg-type]

    monkeypatch.setattr(trash, "_decide", meanwhile)
    assert clean().freed_files == 0
    assert pool.path(unneeded_file).read_bytes() == b"22"


def test_what_a_clean_up_that_died_had_set_aside_is_decided_by_the_next(repository: Repository, data: Path) -> None:
    age_all(data)
    (data / "trash").mkdir()
    needed = pool.path(sha256(b"stays"))
    needed.rename(data / "trash" / f"{needed.name}.1-0")
    stray(data, b"gone").rename(data / "trash" / f"{sha256(b'gone')}.1-1")
    os.utime(data / "trash" / f"{sha256(b'gone')}.1-1", (0, 0))
    clean()
    assert needed.read_bytes() == b"stays"
    assert list((data / "trash").iterdir()) == []
    assert not pool.has(sha256(b"gone"), 4)


# ---- histories by chance -----------------------------------------------------------------------------------


def _history(rng: random.Random, repositories: list[Repository]) -> None:
    """Some things that may happen, of files of which many are the same."""
    for _ in range(rng.randint(4, 9)):
        repository = rng.choice(repositories)
        texts = [bytes([65 + rng.randint(0, 25)]) * rng.randint(1, 4) for _ in range(4)]
        changes: dict[str, bytes | None] = {rng.choice("abcdef"): text for text in texts}
        present = set(running.files(repository.latest_version()))
        changes |= {path: None for path in present - changes.keys() if rng.random() < 0.4}
        match rng.randint(0, 3):
            case 0:
                factories.serve(repository, changes, days_ago=rng.choice([0.5, 30]))
            case 1:
                factories.publication(factories.version(repository, changes))
            case _:
                factories.version(repository, changes)


@pytest.mark.parametrize("seed", range(12))
def test_the_real_run_frees_exactly_what_the_dry_run_said(seed: int, data: Path) -> None:
    rng = random.Random(seed)
    repositories = [factories.repository(name, name) for name in ("one", "two", "three")]
    _history(rng, repositories)
    for repository in repositories:
        keep = {"keep_versions": rng.choice([None, 1, 2]), "keep_days": rng.choice([None, 1])}
        Repository.objects.filter(pk=repository.pk).update(**keep)
    for number in range(rng.randint(0, 3)):
        stray(data, b"stray %d" % number)
    RepositoryVersion.objects.filter(repository=repositories[0]).update(created_at=timezone.now() - LONG_AGO)
    age_all(data)
    for one in rng.sample(list(Artifact.objects.all()), k=2):
        os.utime(pool.path(one.sha256))
    before, foreseen = in_pool(data), plan()
    contents = {one.pk: running.files(one.latest_version()) for one in repositories}
    job = clean()
    after = in_pool(data)
    assert job.state == "completed"
    assert (job.freed_files, job.freed_bytes) == (foreseen.freed.files, foreseen.freed.size)
    assert len(before) - len(after) == foreseen.freed.files
    assert sum(before.values()) - sum(after.values()) == foreseen.freed.size
    assert {one.pk: running.files(one.latest_version()) for one in repositories} == contents
    assert Artifact.objects.exclude(sha256__in=after).count() == 0
    again = plan()
    assert (again.freed.files, again.going) == (0, [])
    assert again.young.files == foreseen.young.files


# ---- all at once -------------------------------------------------------------------------------------------


def test_whatever_goes_on_beside_it_no_row_is_without_its_bytes(
    data: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Syncs, uploads, deletions and clean-ups of the same few bytes, with hardly any protection."""
    monkeypatch.setattr(orphans, "LEAST", timedelta(seconds=0.3))
    monkeypatch.setattr("repos.clean.LOOK", 0.01)
    settings.MILLRACE_PROTECTION_HOURS = settings.MILLRACE_GRACE_DAYS = 0
    texts = [b"text %d" % number for number in range(8)]
    repositories = [
        make_repository(url=upstream.manifest_url, name=f"r{number}", base_path=f"r{number}") for number in range(2)
    ]
    Repository.objects.update(mirror=True, brake=100, keep_versions=1)
    by_people = factories.repository("people", "people")
    Repository.objects.filter(pk=by_people.pk).update(keep_versions=1)
    end, enough = time.monotonic() + PATIENCE, threading.Event()
    failures: list[str] = []
    freed: list[int] = []

    def ended(job: Job) -> None:
        # The upstream changes under the hands of those who read it; that is no failure of ours.
        if job.state == "failed" and job.error_code != "files":
            failures.append(job.error)

    def syncing(repository: Repository) -> None:
        ended(running.run(repository))

    def changing_the_upstream() -> None:
        rng = random.Random()
        for path in "abcd":
            upstream.write(path, rng.choice(texts))
        time.sleep(0.02)

    def uploading() -> None:
        rng = random.Random()
        with arrivals.Arrivals() as upload:
            arrived = [upload.copy(BytesIO(rng.choice(texts))) for _ in "ab"]
            kept = dict(zip("ab", upload.keep(arrived), strict=True))
        time.sleep(rng.random() / 10)
        with suppress(NothingToDo):
            requested = by_hand.add(by_people, kept, replace=True)
            chain.run(requested.job.pk, "test")
            ended(Job.objects.get(pk=requested.job.pk))

    def cleaning() -> None:
        freed.append(clean().freed_files or 0)
        if sum(freed) > 5:
            enough.set()

    def again_and_again(task: object) -> None:
        try:
            while not enough.is_set() and time.monotonic() < end:
                task()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            failures.append(repr(error))
        finally:
            connection.close()

    tasks = [changing_the_upstream, uploading, cleaning, *(lambda one=one: syncing(one) for one in repositories)]
    threads = [threading.Thread(target=again_and_again, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    assert failures == []
    assert sum(freed) > 0
    for artifact in Artifact.objects.all():
        assert pool.has(artifact.sha256, artifact.size), f"{artifact} has no bytes"
    for repository in Repository.objects.all():
        running.files(repository.latest_version())
