"""The verify as a job: what it reads, what it finds, where it goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard import part
from repos import chain, conf, jobs, pool, published, quarantine, tracking, verifying
from repos.actions import VERIFY, Details
from repos.errors.stops import Canceled
from repos.errors.storage import StillDamaged
from repos.models import Artifact, Damage, Job, Repository
from repos.progress import Progress
from tests import decay, factories
from tests.running import running, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bell")]
A, B, C = b"one", b"the second", b"and a third one"
MANIFEST = "PULP_MANIFEST"


@pytest.fixture
def files(transactional_db: None) -> Repository:
    """Version 1 has a, b and c, version 2 no c any more. The first is published."""
    made = factories.repository()
    factories.serve(made, {"a": A, "b": B, "c": C})
    factories.version(made, {"c": None})
    return made


def verify(repository: Repository | None = None, **details: object) -> Job:
    job = jobs.request(repository, actions=VERIFY, details=replace(Details(), **details)).job  # type: ignore[arg-type]
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


def causes() -> dict[str, str]:
    """What is known to be damaged, by its sha256."""
    return {one.artifact.sha256: one.cause for one in Damage.objects.select_related("artifact")}


def digest(data: bytes) -> str:
    return decay.artifact(data).sha256


def test_it_works(files: Repository) -> None:
    job = verify()
    # Three files and a manifest.
    assert (job.state, job.error) == ("completed", "")
    assert job.outcome.startswith("4 files, ")
    assert job.outcome.endswith(" read, all whole.")
    assert [(one.code, one.state) for one in job.reports.all()] == [
        ("verify.reading", "completed"),
        ("verify.strays", "completed"),
    ]
    report = job.reports.get(code="verify.reading")
    size = sum(Artifact.objects.values_list("size", flat=True))
    assert (report.done, report.total, report.bytes_done, report.bytes_total) == (4, 4, size, size)


def test_each_kind_of_damage_is_found_noted_and_listed(files: Repository) -> None:
    decay.flip(A)
    decay.truncate(B)
    decay.delete(C)
    job = verify()
    assert causes() == {digest(A): "digest", digest(B): "size", digest(C): "missing"}
    assert (job.state, job.error_code, job.failed) == ("failed", "damaged", 3)
    assert "3 files are damaged here" in job.error
    assert "3 damaged" in job.outcome
    listed = {one.path: (one.cause, one.expected_sha256, one.expected_size) for one in job.failed_files.all()}
    assert listed == {
        "a": ("digest", digest(A), len(A)),
        "b": ("size", digest(B), len(B)),
        "c": ("missing", digest(C), len(C)),
    }
    assert all("Verify with repair" in one.advice for one in job.failed_files.all())


def test_wrong_bytes_are_moved_out_of_the_pool_and_kept(files: Repository) -> None:
    decay.flip(A)
    wrong = decay.place(A).read_bytes()
    job = verify()
    assert not decay.place(A).exists()
    (kept,) = quarantine.folder().iterdir()
    assert kept.name.startswith(f"{digest(A)}.job-{job.pk}.")
    assert quarantine.is_taken(kept.stat().st_mode)
    kept.chmod(0o600)
    assert kept.read_bytes() == wrong
    assert Damage.objects.get().quarantined


def test_nothing_in_quarantine_is_ever_overwritten(files: Repository) -> None:
    for _ in range(3):
        decay.place(A).write_bytes(b"bad")
        verify()
    assert len(list(quarantine.folder().iterdir())) == 3


def test_what_was_taken_away_as_wrong_is_not_called_missing_afterwards(files: Repository) -> None:
    decay.flip(A)
    verify()
    verify()
    found = Damage.objects.get()
    assert (found.cause, found.quarantined) == ("digest", True)


def test_bytes_that_were_brought_back_are_found_whole_again(files: Repository) -> None:
    decay.delete(A)
    verify()
    decay.place(A).write_bytes(A)
    assert verify().state == "completed"
    assert causes() == {}


def test_a_folder_or_a_link_in_the_place_of_bytes_goes(files: Repository, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(A)
    decay.delete(A)
    decay.place(A).symlink_to(secret)
    decay.delete(B)
    decay.place(B).mkdir()
    verify()
    assert causes() == {digest(A): "unreadable", digest(B): "unreadable"}
    assert not decay.place(A).is_symlink()
    assert not decay.place(B).exists()
    assert secret.read_bytes() == A
    assert secret.stat().st_mode & 0o777 != 0


def test_what_only_cannot_be_read_stays_where_it_is(files: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sha256: str) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pool, "opened", refuse)
    verify(files, of_version=2)
    assert set(causes().values()) == {"unreadable"}
    assert decay.is_whole(A)
    monkeypatch.undo()
    assert verify(files, of_version=2).state == "completed"
    assert causes() == {}


# ---- what it is for ----


def test_a_repositorys_verify_reads_its_files_and_metadata_and_nothing_else(files: Repository) -> None:
    factories.serve(factories.repository("other", "other"), {"x": b"of another"})
    decay.flip(b"of another")
    job = verify(files)
    assert (job.state, job.reports.get(code="verify.reading").total) == ("completed", 4)
    assert not job.reports.filter(code="verify.strays").exists()


def test_a_versions_verify_reads_what_is_in_it(files: Repository) -> None:
    decay.flip(C)
    assert verify(files, of_version=2).state == "completed"
    assert verify(files, of_version=1).failed == 1


def test_published_metadata_counts(files: Repository) -> None:
    manifest = factories.the_metadata(files)
    pool.path(manifest.sha256).write_bytes(b"nonsense")
    job = verify(files, of_version=1)
    assert [one.path for one in job.failed_files.all()] == [MANIFEST]


def test_an_empty_house_is_whole() -> None:
    assert verify().outcome == "0 files, 0 B read, all whole."


def test_strays_are_counted_and_stay(files: Repository) -> None:
    file, young = decay.stray(b"nobody's"), decay.stray(b"just came", days_ago=0)
    job = verify()
    assert job.state == "completed"
    assert "1 stray (8 B)" in job.outcome
    assert file.exists()
    assert young.exists()


# ---- going on, stopping, and what happens meanwhile ----


def test_it_goes_on_from_where_it_was(files: Repository) -> None:
    """What an earlier attempt read is not read again: that it is wrong by now is for the next verify."""
    decay.flip(A)
    job = jobs.request(None, actions=VERIFY).job
    Job.objects.filter(pk=job.pk).update(position=decay.artifact(A).pk)
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "completed"
    assert job.outcome.startswith("4 files, ")
    assert job.position == Artifact.objects.latest("pk").pk


def test_how_far_it_is_is_noted(files: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "NOTED", 0)
    job = Job(pk=1)
    noted: list[int] = []

    class Noting(Progress):
        def confirm(self, **made: object) -> None:
            noted.extend(value for name, value in made.items() if name == "position" and isinstance(value, int))

    verifying.verify(job, Path(), progress=Noting())
    numbers = list(Artifact.objects.order_by("pk").values_list("pk", flat=True))
    assert noted == [*numbers, numbers[-1]]


def test_a_job_that_was_given_back_ends_where_it_would_have(files: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "NOTED", 0)
    big = factories.artifact(b"\0" * 3_000_000)
    job = jobs.request(None, actions=VERIFY, details=Details(rate=1_000_000)).job
    with running(job):
        until(lambda: Job.objects.get(pk=job.pk).position == big.pk - 1, "the small ones are read")
        tracking.closing.set()
    tracking.closing.clear()
    job.refresh_from_db()
    assert (job.state, job.position) == ("waiting", big.pk - 1)
    decay.flip(A)
    Job.objects.filter(pk=job.pk).update(rate=0)
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("completed", 2)
    assert job.outcome.startswith("5 files, 3.0 MB read")


def test_a_cancel_stops_it_within_a_file(files: Repository) -> None:
    factories.artifact(b"\0" * 5_000_000)
    job = jobs.request(None, actions=VERIFY, details=Details(rate=1_000)).job
    with running(job):
        until(lambda: Job.objects.get(pk=job.pk).reports.filter(bytes_done__gt=0), "it reads")
        begun = timezone.now()
        jobs.cancel(job)
    job.refresh_from_db()
    assert job.state == "canceled"
    assert job.finished_at and (job.finished_at - begun).total_seconds() < 2


def test_it_reads_no_faster_than_it_may(files: Repository) -> None:
    factories.artifact(b"\0" * 200_000)
    job = verify(rate=500_000)
    assert job.duration and 0.3 < job.duration.total_seconds() < 3


def test_the_configured_rate_holds_where_no_other_is_given(settings: Settings) -> None:
    settings.MILLRACE_VERIFY_RATE = 123
    assert verifying._rate(Job()) == 123
    assert verifying._rate(Job(rate=0)) == 0


def test_bytes_that_came_while_they_were_read_are_not_taken_away(
    files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync puts right ones in the place of the wrong ones just as these were found to be wrong."""
    decay.flip(A)
    take = quarantine.take

    def late(*arguments: object) -> bool:
        fresh = conf.data() / "fresh"
        fresh.write_bytes(A)
        pool.keep(fresh, digest(A))
        return take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(quarantine, "take", late)
    assert verify().state == "completed"
    assert decay.is_whole(A)
    assert causes() == {}


def test_what_a_clean_up_took_meanwhile_is_no_damage(files: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = factories.artifact(b"unneeded")
    opened = pool.opened

    def after_it_was_taken(sha256: str) -> int:
        if sha256 == gone.sha256:
            Artifact.objects.filter(pk=gone.pk).delete()
            pool.path(sha256).unlink(missing_ok=True)
        return opened(sha256)

    monkeypatch.setattr(pool, "opened", after_it_was_taken)
    assert verify().state == "completed"


def test_a_pool_that_cannot_be_written_keeps_no_damage_from_being_told(
    files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> bool:
        raise OSError(30, "Read-only file system")

    decay.flip(A)
    monkeypatch.setattr(quarantine, "take", refuse)
    job = verify()
    assert (job.state, job.failed) == ("failed", 1)
    found = Damage.objects.get()
    assert not found.quarantined
    assert "could not be moved out of the pool: Read-only file system" in found.why
    served = published.find("files/a")
    assert isinstance(served, published.File) and served.is_damaged
    with pytest.raises(part.Damaged, match="was found to be damaged"):
        part.read(served, range(1))
    with pytest.raises(part.Damaged, match="was found to be damaged"):
        part.Part(served, range(1))


def test_identical_requests_are_joined_and_others_wait() -> None:
    first = jobs.request(None, actions=VERIFY)
    assert jobs.request(None, actions=VERIFY).joined
    other = jobs.request(None, actions=VERIFY, details=Details(may_repair=True))
    assert not other.joined
    assert list(Job.objects.in_the_way_of(other.job)) == [first.job]


def test_it_can_be_asked_for_again_and_begins_anew(files: Repository) -> None:
    job = verify(files, of_version=1, may_repair=True, rate=0)
    again = jobs.again(job).job
    assert (again.of_version, again.may_repair, again.rate, again.position) == (1, True, 0, 0)


def test_a_stop_is_no_damage(files: Repository) -> None:
    class Stopping(Progress):
        def check(self) -> None:
            raise Canceled

    with pytest.raises(Canceled):
        verifying.verify(Job(pk=1), Path(), progress=Stopping())
    assert causes() == {}


def test_the_sentence_says_what_to_do() -> None:
    assert "Verify again with repair" in str(StillDamaged(2, tried=False))
    assert "from a backup" in str(StillDamaged(1, tried=True))
