"""The jobs that are waiting or running, as lists show them."""

import pytest

from dashboard.running import runs, watched
from repos.actions import Actions
from repos.models import Job
from tests import scenes

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    job = scenes.a_job_that_fetches(scenes.a_repository())
    (run,) = runs(Job.objects.for_panel())
    assert (run.job, run.waits_for) == (job, None)
    assert [step.state for step in run.steps] == ["running", "waiting", "waiting"]


def test_each_waits_for_the_nearest_that_needs_the_same() -> None:
    tools, docs = scenes.a_repository("tools"), scenes.a_repository("docs")
    first, other = scenes.a_running_job(tools), scenes.a_running_job(docs)
    second, third = (
        scenes.a_job(tools, Actions(distribute=False)),
        scenes.a_job(tools, Actions(publish=False, distribute=False)),
    )
    waits = {run.job: run.waits_for for run in runs(Job.objects.for_panel())}
    assert waits == {first: None, other: None, second: first, third: second}


def test_the_domain_says_the_same() -> None:
    scenes.a_busy_house()
    for run in runs(Job.objects.for_panel()):
        assert run.waits_for == Job.objects.in_the_way_of(run.job).last()


def test_watched_names_the_jobs() -> None:
    jobs = [scenes.a_running_job(scenes.a_repository(name)) for name in ("tools", "docs")]
    assert watched(runs(Job.objects.for_panel())) == f"{jobs[0].pk},{jobs[1].pk}"
