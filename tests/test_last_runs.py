"""The last runs of several repositories, read at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from repos.actions import CLEAN, VERIFY, Actions
from repos.freshness import ending
from repos.last_runs import last_runs
from repos.models import Job
from tests import scenes

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    tools, docs = scenes.a_repository("tools"), scenes.a_repository("docs")
    first, second = scenes.a_completed_job(tools), scenes.a_failed_job(tools)
    found = last_runs([tools.pk, docs.pk], 20)
    assert [(run.pk, ending(run)) for run in found[tools.pk]] == [(first.pk, "ok"), (second.pk, "failed")]
    assert found[docs.pk] == []


def test_of_each_repository_only_the_newest_are_read() -> None:
    tools, docs = scenes.a_repository("tools"), scenes.a_repository("docs")
    seldom = scenes.an_ended_job(docs, "completed")
    often = [scenes.an_ended_job(tools, "completed") for _ in range(7)]
    found = last_runs([tools.pk, docs.pk], 3)
    assert [run.pk for run in found[tools.pk]] == [job.pk for job in often[-3:]]
    assert [run.pk for run in found[docs.pk]] == [seldom.pk]


def test_upkeep_and_dry_runs_are_none() -> None:
    tools = scenes.a_repository("tools")
    run = scenes.an_ended_job(tools, "completed")
    scenes.an_ended_job(tools, "completed", VERIFY)
    scenes.an_ended_job(None, "completed", CLEAN)
    scenes.an_ended_job(tools, "completed", Actions(publish=False, distribute=False), dry_run=True)
    assert [found.pk for found in last_runs([tools.pk], 1)[tools.pk]] == [run.pk]


def test_one_that_is_at_work_is_the_last() -> None:
    tools = scenes.a_repository("tools")
    scenes.an_ended_job(tools, "completed")
    running = scenes.a_running_job(tools)
    (last,) = last_runs([tools.pk], 1)[tools.pk]
    assert (last.pk, ending(last), last.finished_at) == (running.pk, "running", None)


def test_a_run_that_only_switched_did_something() -> None:
    tools = scenes.a_repository("tools")
    served = scenes.a_completed_job(tools)
    assert served.publication
    again = scenes.an_ended_job(tools, "completed")
    scenes.it_was_distributed(again, served.publication)
    assert [ending(run) for run in last_runs([tools.pk], 9)[tools.pk]] == ["ok", "ok"]


def test_it_takes_two_queries() -> None:
    numbers = [scenes.a_repository(f"r{number}").pk for number in range(30)]
    Job.objects.bulk_create(
        Job(repository_id=pk, request="sync", with_sync=True, with_publish=False, with_distribute=False,
            state="completed", finished_at=timezone.now())
        for _ in range(30) for pk in numbers
    )  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        found = last_runs(numbers, 20)
    assert {len(runs) for runs in found.values()} == {20}
    assert len(asked) == 2
