"""What needs attention: found as soon as it is so, gone as soon as it is not, each with the act that mends it."""

import json
import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.acts import button_of
from dashboard.views import overview
from repos import attention, chain, clock, jobs
from repos.actions import CLEAN, VERIFY, Actions, Details
from repos.damage import note
from repos.distribute import pin
from repos.faults import Fault
from repos.finding import Act, Finding, Kind, Verb
from repos.models import Artifact, Damage, Distribution, Job, Repository, Worker
from tests import decay, factories, scenes
from tests.misbehaviour import Status
from tests.running import run, served
from tests.upstream import Upstream

pytestmark = pytest.mark.usefixtures("bell")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is taken for dead, however slow the machine is, but one of more than four minutes ago."""
    monkeypatch.setattr(Worker, "SILENCE", 240)


def kinds() -> list[str]:
    return [str(one.kind) for one in attention.find()]


def only() -> Finding:
    """The one thing that needs attention."""
    (found,) = attention.find()
    return found


@pytest.fixture
def quiet(db: None) -> Repository:
    """All is well: one repository, published, served, synced just now, and a worker."""
    scenes.a_worker()
    made = factories.repository()
    factories.serve(made, {"a.txt": b"a"})
    Repository.objects.update(synced_at=timezone.now())
    return Repository.objects.get()


@pytest.fixture
def mirrored(repository: Repository, upstream: Upstream) -> Repository:
    """A real one, synced, published and served."""
    scenes.a_worker()
    for name in "abcd":
        upstream.write(name, name.encode())
    run(repository)
    return Repository.objects.get()


def press(found: Finding, client: Client) -> Job:
    """What the finding's button does: the job that it led to, as it ended."""
    assert found.act
    button = button_of(found.act)
    assert button
    answer = client.post(button.url, button.fields)
    assert answer.status_code == 302, answer.content.decode()
    job = Job.objects.latest("pk")
    assert answer["Location"] == f"/jobs/{job.pk}/"
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


def test_it_works(quiet: Repository) -> None:
    assert attention.find() == []


def test_an_empty_house_needs_none(db: None) -> None:
    assert attention.find() == []


# ---- runs ----


def test_a_failed_run_is_told_until_one_goes_well(
    mirrored: Repository, upstream: Upstream, admin_client: Client
) -> None:
    upstream.write("e", b"e")
    upstream.fail("PULP_MANIFEST", Status(404))
    failed = run(mirrored)
    found = only()
    assert (found.kind, found.job, found.repository) == (Kind.FAILED, failed, mirrored)
    assert "there is no such file (404)" in found.message
    assert found.act
    assert (found.act.verb, found.act.command) == (Verb.AGAIN, f"manage.py job again {failed.pk}")
    upstream.heal()
    assert press(found, admin_client).state == "completed"
    assert attention.find() == []


def test_a_canceled_run_is_none(quiet: Repository) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.", ago=7200)
    assert kinds() == ["failed"]
    scenes.a_canceled_job(quiet, ago=3600)
    assert kinds() == []


def test_one_that_was_canceled_before_it_began_says_nothing(quiet: Repository) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.", ago=7200)
    jobs.cancel(scenes.a_job(quiet))
    assert kinds() == ["failed"]


def test_a_verify_that_ended_well_does_not_hide_a_failed_run(quiet: Repository) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.", ago=7200)
    scenes.an_ended_job(quiet, "completed", VERIFY, ago=3600)
    assert kinds() == ["failed"]


def test_while_a_run_goes_on_the_act_is_to_watch_it(quiet: Repository) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.", ago=7200)
    job = scenes.a_running_job(quiet)
    found = only()
    assert found.act
    assert (found.act.verb, found.act.on, found.act.words) == (Verb.WATCH, job, f"Watch job {job.pk}")
    button = button_of(found.act)
    assert button
    assert (button.url, button.posts) == (f"/jobs/{job.pk}/", False)


def test_failed_files_are_fetched_again(mirrored: Repository, upstream: Upstream, admin_client: Client) -> None:
    upstream.write("e", b"e")
    upstream.fail("e", Status(404))
    job = run(mirrored)
    found = only()
    assert found.act
    assert (found.kind, found.act.verb, found.act.on) == (Kind.FAILED, Verb.RETRY, job)
    upstream.heal()
    press(found, admin_client)
    assert attention.find() == []
    assert served("files") == upstream.files


def test_a_pulled_brake_is_confirmed(mirrored: Repository, upstream: Upstream, admin_client: Client) -> None:
    Repository.objects.update(mirror=True, brake=20)
    for name in "abc":
        upstream.remove(name)
    run(mirrored)
    found = only()
    assert found.act
    assert (found.kind, found.act.words) == (Kind.BRAKE, "Let it remove 3 files")
    assert "would remove 3 of 4 files" in found.message
    press(found, admin_client)
    assert attention.find() == []
    assert served("files") == {"d": b"d"}


def test_a_run_that_went_on_without_files_is_partial(
    mirrored: Repository, upstream: Upstream, admin_client: Client
) -> None:
    Repository.objects.update(skip_failed_files=True)
    upstream.write("e", b"e")
    upstream.write("f", b"f")
    upstream.fail("e", Status(404))
    job = run(mirrored)
    found = only()
    assert (found.kind, found.job) == (Kind.PARTIAL, job)
    upstream.heal()
    press(found, admin_client)
    assert attention.find() == []


def test_a_version_that_goes_without_files_is_told_though_the_last_run_did_something_else(
    mirrored: Repository, upstream: Upstream, admin_client: Client
) -> None:
    Repository.objects.update(skip_failed_files=True)
    upstream.write("e", b"e")
    upstream.write("f", b"f")
    upstream.fail("e", Status(404))
    run(mirrored)
    run(mirrored, sync=False)
    found = only()
    assert (found.kind, found.job) == (Kind.PARTIAL, None)
    assert "version 2, without 1 file" in found.message
    upstream.heal()
    press(found, admin_client)
    assert attention.find() == []


def end(job: Job, state: str = "failed") -> Job:
    error = "The disk failed." if state == "failed" else ""
    Job.objects.filter(pk=job.pk).update(
        state=state, error=error, started_at=timezone.now(), finished_at=timezone.now()
    )
    return job


def test_a_failed_clean_up_is_told(quiet: Repository) -> None:
    job = end(jobs.request(None, actions=CLEAN).job)
    found = only()
    assert (found.kind, found.job, found.repository) == (Kind.FAILED, job, None)


def test_a_failed_verify_of_a_repository_is_told_until_another_goes_well(quiet: Repository) -> None:
    job = end(jobs.request(quiet, actions=VERIFY).job)
    found = only()
    assert (found.kind, found.job, found.repository) == (Kind.FAILED, job, quiet)
    end(jobs.request(None, actions=CLEAN).job, "completed")
    assert only().job == job
    end(jobs.request(None, actions=VERIFY).job, "completed")
    assert kinds() == []


def test_a_failed_sync_is_not_made_good_by_a_run_without_one(quiet: Repository) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.", ago=7200)
    end(jobs.request(quiet, actions=Actions(sync=False)).job, "completed")
    assert kinds() == ["failed"]


# ---- freshness ----


@pytest.mark.parametrize("synced", [True, False], ids=["once", "never"])
def test_a_repository_goes_stale(mirrored: Repository, admin_client: Client, synced: bool) -> None:
    Repository.objects.update(
        synced_at=timezone.now() - 8 * DAY if synced else None, created_at=timezone.now() - 9 * DAY
    )
    found = only()
    assert found.act
    assert (found.kind, found.repository, found.act.verb) == (Kind.STALE, mirrored, Verb.RUN)
    press(found, admin_client)
    assert attention.find() == []


@pytest.mark.parametrize(
    "so",
    [{"stale_days": None}, {"stale_days": 9}, {"remote": None}, {"synced_at": timezone.now()}],
    ids=["never", "later", "no upstream", "fresh"],
)
def test_one_that_cannot_be_or_is_not_yet_stale_is_not(quiet: Repository, so: dict[str, Any]) -> None:
    Repository.objects.update(**({"synced_at": timezone.now() - 8 * DAY, "created_at": timezone.now() - 9 * DAY} | so))
    assert kinds() == []


# ---- what is published and served ----


def test_files_of_which_nothing_is_published(mirrored: Repository, upstream: Upstream, admin_client: Client) -> None:
    for distribution in Distribution.objects.all():
        distribution.history.all().delete()
        Distribution.objects.update(publication=None)
    mirrored.latest_version().publications.all().delete()
    found = only()
    assert found.act
    assert (found.kind, found.act.verb) == (Kind.UNPUBLISHED, Verb.DISTRIBUTE)
    press(found, admin_client)
    assert attention.find() == []
    assert served("files") == upstream.files


def test_what_nobody_wants_published_is_none(quiet: Repository) -> None:
    other = factories.repository("other", "other")
    factories.version(other, {"a": b"a"})
    assert kinds() == ["unpublished"]
    Distribution.objects.filter(repository=other).delete()
    found = only()
    assert found.act
    assert found.act.verb == Verb.PUBLISH
    Repository.objects.filter(pk=other.pk).update(auto_publish=False, auto_distribute=False)
    assert kinds() == []


def test_a_distribution_that_serves_nothing(mirrored: Repository, admin_client: Client) -> None:
    Distribution.objects.create(base_path="more", repository=mirrored)
    found = only()
    assert (found.kind, found.distribution) == (Kind.UNSERVED, Distribution.objects.get(base_path="more"))
    press(found, admin_client)
    assert attention.find() == []


def test_one_that_serves_less_than_a_run_would_have_published(quiet: Repository) -> None:
    factories.version(quiet, {"b.txt": b"b"})
    found = only()
    assert (found.kind, found.distribution) == (Kind.BEHIND, quiet.distributions.get())
    assert "serves version 1 of “files”, though version 2 is there" in found.message


def test_where_nothing_is_published_by_itself_only_what_is_published_counts(quiet: Repository) -> None:
    Repository.objects.update(auto_publish=False, auto_distribute=False)
    version = factories.version(quiet, {"b.txt": b"b"})
    assert kinds() == []
    factories.publication(version)
    assert kinds() == ["behind"]


def test_a_pinned_one_is_where_somebody_wants_it(quiet: Repository) -> None:
    first = quiet.latest_version().publications.get()
    factories.serve(quiet, {"b.txt": b"b"})
    pin(quiet.distributions.get(), first)
    assert kinds() == []


def test_what_a_run_is_about_to_publish_is_not_missed(quiet: Repository) -> None:
    factories.version(quiet, {"b.txt": b"b"})
    scenes.a_running_job(quiet)
    assert kinds() == []


# ---- who works ----


def test_jobs_without_anybody_who_works(quiet: Repository) -> None:
    scenes.a_job(quiet)
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    found = only()
    assert found.act
    assert (found.kind, found.act.command, button_of(found.act)) == (Kind.WORKER, "manage.py serve", None)
    assert "so 1 job waits" in found.message


def test_a_worker_that_died_is_missed_though_no_job_waits(quiet: Repository) -> None:
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert kinds() == ["worker"]


def test_who_runs_jobs_from_a_terminal_needs_no_worker(quiet: Repository) -> None:
    Worker.objects.all().delete()
    job = scenes.an_ended_job(quiet, "completed", worker="host:terminal:4711")
    assert kinds() == []
    Job.objects.filter(pk=job.pk).update(worker="host:/srv/millrace")
    assert kinds() == ["worker"]


def test_a_job_that_waits_for_nothing_is_stuck(quiet: Repository) -> None:
    job = scenes.a_job(quiet, ago=600)
    found = only()
    assert found.act
    assert (found.kind, found.job, found.act.verb) == (Kind.STUCK, job, Verb.CANCEL)


def test_one_that_waits_for_another_or_for_a_free_thread_is_not(quiet: Repository) -> None:
    scenes.a_running_job(quiet)
    scenes.a_job(quiet, Actions(distribute=False), ago=600)
    assert kinds() == []
    other = factories.repository("other", "other")
    scenes.a_running_job(factories.repository("third", "third"))
    scenes.a_job(other, ago=600)
    assert kinds() == []


# ---- what is stored ----


def test_the_disk_is_low(quiet: Repository, settings: Settings) -> None:
    settings.MILLRACE_RESERVE_BYTES = 10**18
    found = only()
    assert found.act
    assert (found.kind, found.act.verb) == (Kind.DISK, Verb.CLEAN)
    assert "are to stay free" in found.message


def test_damaged_files_are_told_with_where_they_are(quiet: Repository) -> None:
    artifact = quiet.content.get().artifact
    Damage.objects.create(artifact=artifact, cause="missing", why="it is not there")
    found = only()
    assert found.act
    assert (found.kind, found.act.verb) == (Kind.DAMAGED, Verb.VERIFY)
    assert "1 stored file (1 B) is damaged or missing, such as “a.txt” of “files”." in found.message


def test_no_repair_is_proposed_for_what_no_upstream_has(mirrored: Repository, upstream: Upstream) -> None:
    decay.delete(b"a")
    decay.delete(b"b")
    upstream.fail("a", Status(404))
    details = Details(may_repair=True)
    chain.run(jobs.request(None, actions=VERIFY, details=details).job.pk, "test")
    found = only()
    assert (found.kind, found.act) == (Kind.DAMAGED, None)
    assert "No upstream has the bytes: upload the same bytes again, or copy them from a backup" in found.message
    decay.delete(b"c")
    note(Artifact.objects.get(sha256=decay.artifact(b"c").sha256).pk, Fault("missing", "it is not in the pool"))
    found = only()
    assert found.act
    assert found.act.verb == Verb.VERIFY
    assert "No upstream has the bytes of 1 of them: upload" in found.message


def test_what_is_damaged_and_nothing_needs_is_cleaned_up(quiet: Repository) -> None:
    Damage.objects.create(artifact=factories.artifact(b"of nobody"), cause="missing", why="it is not there")
    found = only()
    assert found.act
    assert found.act.verb == Verb.CLEAN
    assert "Nothing needs the bytes any more" in found.message


def test_a_clock_that_jumped(quiet: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_AT_START", time.time())
    assert only().kind == Kind.CLOCK


# ---- as a whole ----


def a_troubled_house(number: int) -> None:
    """Ten repositories of each kind of trouble."""
    for place in range(number * 10, number * 10 + 10):
        failed = factories.repository(f"failed-{place}", f"failed-{place}")
        scenes.an_ended_job(failed, "failed", error="It failed.")
        behind = factories.repository(f"behind-{place}", f"behind-{place}")
        factories.serve(behind, {"a": b"a"})
        factories.version(behind, {"b": b"b"})
        unpublished = factories.repository(f"unpublished-{place}", f"unpublished-{place}")
        factories.version(unpublished, {"a": b"a"})
        stale = factories.repository(f"stale-{place}", f"stale-{place}")
        Repository.objects.filter(pk=stale.pk).update(created_at=timezone.now() - 30 * DAY)
        partial = factories.repository(f"partial-{place}", f"partial-{place}")
        factories.serve(partial, {"a": b"a"})
        partial.versions.filter(number=1).update(failed=3)
        scenes.a_job(partial, ago=600)


def test_ten_rows_or_twenty_take_the_same_number_of_queries(db: None) -> None:
    scenes.a_worker()

    def queries_of(number: int) -> int:
        a_troubled_house(number)
        with CaptureQueriesContext(connection) as queries:
            found = attention.find()
        assert len(found) >= 50
        return len(queries)

    assert queries_of(0) == queries_of(1)


def test_the_worst_comes_first_and_the_list_is_bounded(db: None) -> None:
    scenes.a_worker()
    a_troubled_house(0)
    found = attention.find(limit=4)
    order = [list(Kind).index(one.kind) for one in found]
    assert order == sorted(order)
    everything = attention.find()
    assert (everything.more, found.total) == (0, everything.total)
    assert max(order.count(kind) for kind in order) == 4


# ---- the page ----


def test_the_overview_begins_with_it(quiet: Repository, admin_client: Client) -> None:
    text = admin_client.get("/").content.decode()
    assert "Nothing does: every repository is as it should be." in text
    scenes.an_ended_job(quiet, "failed", error="<b>It</b> failed.")
    text = admin_client.get("/").content.decode()
    assert text.index('id="attention"') < text.index('id="repositories"')
    assert "&lt;b&gt;It&lt;/b&gt; failed." in text
    assert "badge-failed" in text
    assert admin_client.get("/").context["needing"] == 1


def test_a_live_answer_brings_what_needs_attention_by_now(
    quiet: Repository, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "KNOWN", 0)
    job = scenes.a_job_that_fetches(quiet)
    knows = {"watched": f"{job.pk}", "known": admin_client.get("/").context["known"]}
    assert 'id="attention"' not in admin_client.get("/running/", knows).content.decode()
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    text = admin_client.get("/running/", knows).content.decode()
    assert '<section class="section" id="attention" hx-swap-oob="merge">' in text
    assert "No worker is running" in text


def test_who_may_only_look_is_offered_no_button(quiet: Repository, client: Client, django_user_model: Any) -> None:
    scenes.an_ended_job(quiet, "failed", error="It failed.")
    client.force_login(django_user_model.objects.create_user("viewer"))
    text = client.get("/").content.decode()
    assert "It failed." in text
    assert "/again/" not in text


def test_two_badges_say_how_each_repository_is(quiet: Repository, admin_client: Client) -> None:
    def badges() -> list[str]:
        text = admin_client.get("/").content.decode()
        row = text[text.index('id="repositories"') :]
        states = ("fresh", "stale", "never", "syncing", "ok", "unchanged", "partial", "failed", "canceled", "running")
        return [state for state in states if f"badge-{state}" in row]

    scenes.an_unchanged_job(quiet)
    assert badges() == ["fresh", "unchanged"]
    Repository.objects.update(synced_at=timezone.now() - 30 * DAY)
    scenes.a_failed_job(quiet)
    assert badges() == ["stale", "failed"]
    Repository.objects.update(synced_at=None)
    job = scenes.an_unchanged_job(quiet)
    Job.objects.filter(pk=job.pk).update(failed=3)
    assert badges() == ["never", "partial"]
    scenes.a_job_that_fetches(quiet)
    assert badges() == ["syncing", "running"]


# ---- programs ----


@pytest.fixture
def troubled(quiet: Repository) -> Job:
    return scenes.an_ended_job(quiet, "failed", error="It failed.")


def told(*arguments: str) -> tuple[int, str]:
    """The exit status of the command, and what it said."""
    out = StringIO()
    try:
        call_command("attention", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.any_database
def test_a_terminal_tells_it_and_what_to_type(troubled: Job) -> None:
    status, said = told()
    assert status == 3
    assert f"failed: Job {troubled.pk} of “files” failed. It failed." in said
    assert f"\n  manage.py job again {troubled.pk}\n" in said
    Job.objects.all().delete()
    assert told() == (0, "Nothing needs attention.\n")


@pytest.mark.any_database
def test_programs_get_it_as_json(troubled: Job, admin_client: Client) -> None:
    said = json.loads(told("--json")[1])
    status = admin_client.get("/status.json").json()
    assert said == {name: status[name] for name in ("attention", "attention_more")}
    (found,) = said["attention"]
    assert (found["kind"], found["repository"], found["job"]) == ("failed", "files", troubled.pk)
    assert found["act"] == {"verb": "again", "words": "Run again", "command": f"manage.py job again {troubled.pk}"}


def test_every_verb_has_words_and_a_command(quiet: Repository) -> None:
    job = scenes.an_ended_job(quiet, "failed", error="It failed.", would_remove=2)
    for verb in Verb:
        act = Act(verb, job)
        assert act.words
        assert act.command.startswith("manage.py ")
    assert Act(Verb.RUN, Repository(name="two words")).command == "manage.py sync 'two words'"
