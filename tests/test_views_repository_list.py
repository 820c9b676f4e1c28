"""The list of repositories: searched, filtered, sorted; and runs of those that were chosen."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from repos import freshness
from repos.actions import SYNC_ONLY
from repos.models import Job, Repository
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def house(db: None) -> dict[str, Repository]:
    """One of each kind: fresh, stale, never synced, syncing, and one without an upstream."""
    now = timezone.now()
    found = {name: factories.repository(name, name) for name in ("fresh", "stale", "never", "syncing")}
    found["uploads"] = factories.repository("uploads", "uploads")
    for name, days in (("fresh", 1), ("stale", 30), ("syncing", 30)):
        Repository.objects.filter(name=name).update(synced_at=now - timedelta(days=days))
    Repository.objects.filter(name="uploads").update(remote=None)
    Repository.objects.filter(name="fresh").update(mirror=True)
    scenes.a_running_job(found["syncing"])
    factories.version(found["fresh"], {"a": b"1"})
    factories.version(found["stale"], {"a": b"1", "b": b"22"})
    return found


def names(client: Client, query: str = "") -> list[str]:
    return [one.name for one in client.get(f"/repositories/?{query}").context["list"]]


def test_it_works(admin_client: Client, house: dict[str, Repository]) -> None:
    scenes.a_completed_job(house["fresh"])
    text = admin_client.get("/repositories/").content.decode()
    for shown in (
        f'href="/repositories/{house["fresh"].pk}/">fresh</a>',
        "http://127.0.0.1/fresh/PULP_MANIFEST",
        'aria-label="Sync stale"',
        "Watch</a>",
        "no upstream",
    ):
        assert shown in text
    assert 'aria-label="Sync uploads"' not in text


def test_where_there_is_none_it_says_how_to_begin(admin_client: Client) -> None:
    text = admin_client.get("/repositories/").content.decode()
    assert "There are no repositories yet." in text
    assert 'href="/repositories/new/"' in text


# ---- which ----


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["fresh", "never", "stale", "syncing", "uploads"]),
        ("q=FRE", ["fresh"]),
        ("q=127.0.0.1/stale", ["stale"]),
        ("q=nothing", []),
        ("state=stale", ["stale"]),
        ("state=never", ["never"]),
        ("state=syncing", ["syncing"]),
        ("kind=mirror", ["fresh"]),
        ("kind=additive", ["never", "stale", "syncing"]),
        ("kind=uploads", ["uploads"]),
        ("kind=additive&state=stale", ["stale"]),
        ("state=magic&kind=magic&sort=magic", ["fresh", "never", "stale", "syncing", "uploads"]),
        ("sort=-name", ["uploads", "syncing", "stale", "never", "fresh"]),
        ("sort=-files", ["stale", "fresh", "uploads", "syncing", "never"]),
        ("sort=-size&state=stale", ["stale"]),
        ("sort=-made", ["uploads", "syncing", "never", "stale", "fresh"]),
    ],
)
def test_it_shows_what_is_asked_for(
    admin_client: Client, house: dict[str, Repository], query: str, found: list[str]
) -> None:
    assert names(admin_client, query) == found


def test_those_that_were_never_synced_come_last_by_freshness(
    admin_client: Client, house: dict[str, Repository]
) -> None:
    assert names(admin_client, "sort=-synced")[0] == "fresh"
    assert set(names(admin_client, "sort=-synced")[-2:]) == {"never", "uploads"}
    assert set(names(admin_client, "sort=synced")[-2:]) == {"never", "uploads"}


def test_those_that_need_attention_are_found(admin_client: Client, house: dict[str, Repository]) -> None:
    scenes.an_ended_job(house["never"], "failed", error="It failed.")
    # Nothing of the two with files is published, and two are stale.
    assert names(admin_client, "state=attention") == ["fresh", "never", "stale", "syncing"]


@pytest.mark.parametrize("word", [freshness.FRESH, freshness.STALE, freshness.NEVER, freshness.SYNCING])
def test_the_filters_and_the_badges_agree(house: dict[str, Repository], word: str) -> None:
    Repository.objects.filter(name="never").update(stale_days=None)
    told = {
        one.name
        for one in Repository.objects.all()
        if freshness.freshness(one, list(Job.objects.telling([one.pk]))) == word
    }
    assert {one.name for one in Repository.objects.filter(freshness.which(word))} == told


def test_a_dry_run_does_not_count_as_syncing(admin_client: Client, house: dict[str, Repository]) -> None:
    scenes.a_running_job(house["fresh"], SYNC_ONLY, dry_run=True, request="sync dry=True")
    assert names(admin_client, "state=syncing") == ["syncing"]


def test_filters_say_how_many_there_are(admin_client: Client, house: dict[str, Repository]) -> None:
    shown = admin_client.get("/repositories/").context["list"]
    many = {str(link.word): link.many for filter in shown.filters for link in filter.links}
    assert (many["All"], many["Stale"], many["Syncing"], many["Mirror"], many["Uploads only"]) == (5, 1, 1, 1, 1)


def test_more_rows_take_no_more_queries(admin_client: Client, house: dict[str, Repository]) -> None:
    def with_five_more(number: int) -> int:
        for place in range(5):
            scenes.a_completed_job(scenes.a_repository(f"files-{number}-{place}"))
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get("/repositories/?q=files").status_code == 200
        return len(queries)

    assert with_five_more(1) == with_five_more(2)


def test_it_has_pages_by_key(admin_client: Client) -> None:
    for number in range(60):
        factories.repository(f"r{number:02}", f"r{number:02}")
    first = admin_client.get("/repositories/").context["list"]
    second = admin_client.get(first.next).context["list"]
    assert [one.name for one in second] == [f"r{number:02}" for number in range(30, 60)]


# ---- live ----


def test_it_is_live_while_a_job_runs(admin_client: Client, house: dict[str, Repository]) -> None:
    text = admin_client.get("/repositories/?q=syn").content.decode()
    assert 'hx-get="/repositories/table/?q=syn"' in text
    assert 'hx-get="/repositories/table/' not in admin_client.get("/repositories/?q=fresh").content.decode()


def test_who_has_seen_all_is_told_nothing(admin_client: Client, house: dict[str, Repository]) -> None:
    seen = admin_client.get("/repositories/table/").context["seen"]
    assert admin_client.get("/repositories/table/", headers={"Live-Seen": seen}).status_code == 204


# ---- runs of many ----


def run(client: Client, *pks: int, query: str = "") -> str:
    answer = client.post(f"/repositories/run/{query}", {"chosen": [str(pk) for pk in pks]}, follow=True)
    assert answer.redirect_chain == [(f"/repositories/{query}", 302)]
    return answer.content.decode()


def test_the_chosen_are_run_as_each_would_by_itself(admin_client: Client, house: dict[str, Repository]) -> None:
    text = run(admin_client, house["fresh"].pk, house["stale"].pk)
    assert "2 jobs were requested." in text
    made = Job.objects.filter(state="waiting").order_by("repository__name")
    assert [(job.subject, job.actions) for job in made] == [
        ("fresh", ["sync", "publish", "distribute"]),
        ("stale", ["sync", "publish", "distribute"]),
    ]
    assert {job.requested_by for job in made} == {User.objects.get()}


def test_what_runs_already_is_joined_and_what_cannot_says_why(
    admin_client: Client, house: dict[str, Repository]
) -> None:
    house["stale"].distributions.all().delete()
    text = run(admin_client, *(one.pk for one in house.values()))
    assert "2 jobs were requested." in text
    assert "1 was joined: the same run is waiting or running already." in text
    assert "No distribution follows “stale”" in text
    assert "“uploads” has no files yet" in text


def test_many_refusals_are_told_in_a_few_lines(admin_client: Client) -> None:
    bare = [factories.repository(f"bare{number}", f"b{number}") for number in range(6)]
    Repository.objects.update(remote=None)
    text = run(admin_client, *(one.pk for one in bare))
    assert len(re.findall("“bare\\d” has no files yet", text)) == 3
    assert "3 more were refused." in text


def test_who_chose_nothing_is_told_so(admin_client: Client, house: dict[str, Repository]) -> None:
    assert "No repository was chosen" in run(admin_client)
    assert Job.objects.count() == 1


def test_it_leads_back_to_the_list_as_it_was(admin_client: Client, house: dict[str, Repository]) -> None:
    text = admin_client.get("/repositories/?state=stale").content.decode()
    assert 'action="/repositories/run/?state=stale"' in text
    run(admin_client, house["stale"].pk, query="?state=stale")


@pytest.mark.parametrize("sent", [["x"], ["-1"], ["9" * 30], ["4711"]])
def test_numbers_of_nothing_are_left_out(admin_client: Client, sent: list[str]) -> None:
    assert admin_client.post("/repositories/run/", {"chosen": sent}).status_code == 302
    assert not Job.objects.exists()
