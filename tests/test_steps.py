"""How an action's state follows from the job's and from its reports."""

import json

import pytest

from dashboard.steps import steps_of
from repos.actions import Actions
from repos.models import Job, Repository
from tests import scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(db: None) -> Repository:
    return scenes.a_repository()


def states(job: Job) -> list[str]:
    return [step.state for step in steps_of(job)]


def test_it_works(repository: Repository) -> None:
    assert states(scenes.a_completed_job(repository)) == ["completed", "completed", "completed"]


def test_only_what_was_asked_for_is_a_step(repository: Repository) -> None:
    job = scenes.a_job(repository, Actions(distribute=False))
    assert [step.name for step in steps_of(job)] == ["Sync", "Publish"]


def test_a_waiting_job_has_waiting_steps(repository: Repository) -> None:
    assert states(scenes.a_job(repository)) == ["waiting", "waiting", "waiting"]


def test_a_running_step_runs_and_the_later_ones_wait(repository: Repository) -> None:
    assert states(scenes.a_job_that_fetches(repository)) == ["running", "waiting", "waiting"]


def test_between_two_lines_a_step_still_runs(repository: Repository) -> None:
    job = scenes.a_running_job(repository)
    scenes.the_list_was_read(job)
    assert states(job) == ["running", "waiting", "waiting"]


def test_a_step_is_completed_once_the_next_has_begun(repository: Repository) -> None:
    assert states(scenes.a_job_that_publishes(repository)) == ["completed", "running", "waiting"]


def test_what_had_nothing_to_do_is_skipped(repository: Repository) -> None:
    assert states(scenes.an_unchanged_job(repository)) == ["skipped", "skipped", "skipped"]


def test_a_failed_step_leaves_the_later_ones_not_run(repository: Repository) -> None:
    assert states(scenes.a_failed_job(repository)) == ["failed", "not run", "not run"]


def test_a_job_that_failed_between_two_reports_failed_at_the_next_step(repository: Repository) -> None:
    job = scenes.an_ended_job(repository, "failed", error="The disk is full.")
    scenes.the_list_was_read(job)
    assert states(job) == ["failed", "not run", "not run"]


def test_a_job_that_failed_after_its_version_was_made_failed_at_publish(repository: Repository) -> None:
    job = scenes.an_ended_job(repository, "failed", error="The disk is full.", version=scenes.a_version(repository))
    scenes.the_list_was_read(job)
    assert states(job) == ["completed", "failed", "not run"]


def test_a_canceled_step_leaves_the_later_ones_not_run(repository: Repository) -> None:
    assert states(scenes.a_canceled_job(repository)) == ["canceled", "not run", "not run"]


def test_a_job_that_was_canceled_while_it_waited_ran_nothing(repository: Repository) -> None:
    assert states(scenes.an_ended_job(repository, "canceled")) == ["not run", "not run", "not run"]


def test_a_job_that_was_given_back_waits_again(repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    job.state, job.worker = "waiting", ""
    assert states(job) == ["waiting", "waiting", "waiting"]


def test_publishing_without_metadata_reports_nothing_and_is_completed(repository: Repository) -> None:
    assert states(scenes.an_ended_job(repository, "completed", Actions(sync=False, distribute=False))) == ["completed"]


def test_the_report_at_work_speaks_for_its_step(repository: Repository) -> None:
    step = steps_of(scenes.a_job_that_fetches(repository))[0]
    assert step.current and step.current.code == "sync.downloading.artifacts"


def test_a_steps_duration_spans_its_reports(repository: Repository) -> None:
    step = steps_of(scenes.a_failed_job(repository))[0]
    assert step.duration and step.duration.total_seconds() == pytest.approx(29.2)


def test_a_step_that_has_not_begun_has_no_duration(repository: Repository) -> None:
    assert steps_of(scenes.a_job(repository))[0].duration is None


def test_where_not_a_byte_came_no_speed_is_drawn(repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    for size, drawn in ((0, False), (1000, True)):
        job.reports.update(samples=json.dumps([[0.0, 0, 0], [1.0, 0, size], [2.0, 0, size]]))
        assert [bool(step.speeds) for step in steps_of(job)] == [drawn, False, False]
