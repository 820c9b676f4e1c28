"""Jobs whose worker died are taken up again; how that is noticed, whatever the clocks say."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from repos import chain, conf, jobs
from repos.models import Artifact, Content, Job, Repository, RepositoryVersion
from repos.pulses import Pulses
from repos.recover import recover, sweep
from tests.running import PATIENCE, files, run, running
from tests.upstream import Upstream


@pytest.fixture
def filled(repository: Repository, upstream: Upstream) -> Repository:
    for number in range(20):
        upstream.write(f"folder/{number}", b"%d" % number * 50)
    return repository


class Clock:
    """A monotonic clock that the test turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Onlooker:
    """A worker that looks every second."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._pulses = Pulses(self._clock)

    def look(self, seconds: float = 1.0) -> int:
        """Looks as often as it would in that time; returns how many jobs it took up."""
        found = 0
        for _ in range(round(seconds)):
            self._clock.now += 1
            found += recover(by="onlooker", pulses=self._pulses)
        return found


@pytest.fixture
def onlooker() -> Onlooker:
    return Onlooker()


def ended(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def claimed(repository: Repository, worker: str = "dead") -> Job:
    job = chain.claim(jobs.request(repository).job.pk, worker)
    assert job
    return job


def silence() -> float:
    return conf.silence().total_seconds()


def test_it_works(filled: Repository, bell: list[int], onlooker: Onlooker) -> None:
    job = claimed(filled)
    assert onlooker.look(silence()) == 0
    bell.clear()
    assert onlooker.look(2) == 1
    assert (ended(job).state, ended(job).deaths, ended(job).worker) == ("waiting", 1, "")
    assert bell == [job.pk]
    chain.run(job.pk, "test")
    assert ended(job).state == "completed"


@pytest.mark.parametrize("hours", [-30, -1, 0, 1, 30])
def test_a_heart_that_beats_is_alive_whatever_its_clock_says(
    filled: Repository, onlooker: Onlooker, hours: int
) -> None:
    job = claimed(filled, "another machine")
    for second in range(40):
        there = timezone.now() + timedelta(hours=hours, seconds=second)
        Job.objects.filter(pk=job.pk).update(heartbeat_at=there)
        assert onlooker.look() == 0


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_a_heart_that_stands_still_is_dead_whatever_its_clock_said(
    filled: Repository, onlooker: Onlooker, hours: int
) -> None:
    job = claimed(filled, "another machine")
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() + timedelta(hours=hours))
    assert onlooker.look(silence()) == 0
    assert onlooker.look(2) == 1
    assert ended(job).state == "waiting"


def test_a_clock_that_is_set_back_again_and_again_takes_no_job_from_anybody(
    filled: Repository, onlooker: Onlooker
) -> None:
    job = claimed(filled, "another machine")
    for second in range(40):
        there = timezone.now() - timedelta(hours=second % 7, seconds=second)
        Job.objects.filter(pk=job.pk).update(heartbeat_at=there)
        assert onlooker.look() == 0


def test_each_attempt_is_looked_at_anew(filled: Repository, onlooker: Onlooker) -> None:
    claimed(filled)
    assert onlooker.look(silence()) == 0
    recover(dead="dead", by="test")
    job = claimed(filled)
    # The very same time, as the clock may stand still or be set back.
    assert onlooker.look(silence()) == 0
    assert ended(job).state == "running"
    assert onlooker.look(2) == 1


def test_a_worker_known_to_be_dead_is_not_waited_for(filled: Repository) -> None:
    job = claimed(filled)
    assert recover(dead="other", by="test") == 0
    assert recover(dead="dead", by="test") == 1
    assert ended(job).state == "waiting"


def test_a_waiting_job_is_never_taken_from_anybody(filled: Repository, onlooker: Onlooker) -> None:
    job = jobs.request(filled).job
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(days=1))
    assert onlooker.look(2 * silence()) == 0
    assert recover(dead="dead", by="test") == 0


def test_after_three_deaths_it_has_failed(filled: Repository) -> None:
    for _ in range(3):
        job = claimed(filled)
        recover(dead="dead", by="test")
    assert (ended(job).state, ended(job).error_code) == ("failed", "died")
    assert "died 3 times" in ended(job).error
    assert not job.reservations.filter(held=True).exists()


def test_its_time_goes_on_from_its_first_start(filled: Repository) -> None:
    first = claimed(filled)
    began = timezone.now() - timedelta(hours=1)
    Job.objects.filter(pk=first.pk).update(started_at=began)
    recover(dead="dead", by="test")
    second = claimed(filled)
    assert (second.started_at, second.starts) == (began, 2)
    assert second.duration and second.duration >= timedelta(hours=1)


def test_what_a_dead_worker_left_of_a_version_is_taken_away(filled: Repository) -> None:
    run(filled)
    claimed(filled)
    filled.versions.create(number=2)
    artifact = Artifact.objects.latest("pk")
    Content.objects.filter(path="folder/3").update(removed=2)
    for path in ("folder/3", "new"):
        Content.objects.create(repository=filled, path=path, artifact=artifact, added=2)
    recover(dead="dead", by="test")
    assert RepositoryVersion.objects.filter(complete=False).count() == 0
    assert len(files(filled.latest_version())) == 20
    assert Content.objects.filter(removed=Content.FOREVER).count() == 20


def test_a_worker_that_was_presumed_dead_cannot_finish(filled: Repository, upstream: Upstream) -> None:
    gate = upstream.hold("folder/7")
    job = jobs.request(filled).job
    with running(job):
        assert gate.reached.wait(PATIENCE)
        # From here on it belongs to somebody else. By its worker's name, for it still signs its heartbeat.
        assert recover(dead="test", by="other") == 1
        assert chain.claim(job.pk, "second")
        gate.release()
    job = ended(job)
    assert (job.state, job.worker) == ("running", "second")
    assert RepositoryVersion.objects.count() == 1
    assert not job.reports.exists()


def test_working_directories_of_runs_that_are_over_are_swept(filled: Repository, data: Path) -> None:
    over, live = run(filled), claimed(filled)
    work = data / "work"
    for name in (f"job-{over.pk}-1", f"job-{live.pk}-1", f"job-{live.pk}-0", "job-4711-1"):
        (work / name).mkdir(parents=True)
    assert sweep() == 3
    assert [folder.name for folder in work.iterdir()] == [f"job-{live.pk}-1"]


@pytest.mark.django_db
def test_there_may_be_nothing_to_sweep(data: Path) -> None:
    assert sweep() == 0
