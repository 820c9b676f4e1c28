"""A repository: its page, its making, changing and deleting, and its runs."""

import re
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos import create, vault
from repos.models import Distribution, Job, PublishSettings, Remote, Repository
from tests import scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
HTMX = {"HX-Request": "true"}
FIELDS = {"url": "https://example.org/files/", "name": "files", "base_path": "docs/files"}
# What the whole form is sent with, where nothing is changed but these three.
WHOLE = FIELDS | {
    "upstream": "new",
    "mode": "additive",
    "brake": "50",
    "auto_publish": "on",
    "auto_distribute": "on",
    "publish_settings": "",
    "manifest": "PULP_MANIFEST",
    "checksums": "",
    "run_now": "on",
}
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def repository(db: None) -> Repository:
    return scenes.a_repository()


def run(client: Client, repository: Repository, actions: str, *, htmx: bool = False) -> HttpResponse:
    answer = client.post(f"/repositories/{repository.pk}/run/", {"actions": actions}, headers=HTMX if htmx else None)
    return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


def test_it_works(admin_client: Client) -> None:
    scenes.a_busy_house()
    tools = Repository.objects.get(name="debian-tools")
    text = admin_client.get(f"/repositories/{tools.pk}/").content.decode()
    for shown in (
        "https://downloads.example.org/debian-tools/PULP_MANIFEST",
        "curl -fO http://testserver/content/mirrors/debian-tools/PULP_MANIFEST",
        "additive: files that vanish upstream are kept",
        'id="version-4"',
    ):
        assert shown in text


# ---- making one ----


def test_three_fields_make_everything_and_start_the_job(admin_client: Client, bell: list[int]) -> None:
    response = admin_client.post("/repositories/create/", FIELDS)
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.subject, job.actions) == ("files", ["sync", "publish", "distribute"])
    assert job.requested_by and job.requested_by.username == "admin"
    assert Distribution.objects.get().base_path == "docs/files"


@pytest.mark.any_database
def test_htmx_is_sent_to_the_job_as_a_whole_page(admin_client: Client) -> None:
    response = admin_client.post("/repositories/create/", FIELDS, headers=HTMX)
    assert response["HX-Redirect"] == f"/jobs/{Job.objects.get().pk}/"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "ftp://example.org/", "must begin with http:// or https://"),
        ("url", "", "Enter the upstream URL."),
        ("name", "debian-tools", "already a repository called"),
        ("base_path", "mirrors", "overlaps with the distribution"),
        ("base_path", "a/../b", "has an empty part"),
    ],
)
def test_an_invalid_form_answers_422_with_the_reason_at_the_field(
    admin_client: Client, repository: Repository, field: str, value: str, said: str
) -> None:
    response = admin_client.post("/repositories/create/", FIELDS | {field: value})
    assert response.status_code == 422
    assert said in response.context["form"].errors[field][0]
    assert said in response.content.decode()
    assert Repository.objects.count() == 1
    assert not Job.objects.exists()


def test_all_fields_are_checked_at_once(admin_client: Client) -> None:
    wrong = {"url": "ftp://example.org/", "name": "", "base_path": "a b"}
    assert len(admin_client.post("/repositories/create/", wrong).context["form"].errors) == 3


@pytest.mark.any_database
def test_without_htmx_the_refused_form_comes_in_a_page(admin_client: Client, repository: Repository) -> None:
    text = admin_client.post("/repositories/create/", FIELDS | {"name": ""}).content.decode()
    assert "<h1>New repository</h1>" in text
    assert f'value="{FIELDS["url"]}"' in text


@pytest.mark.any_database
def test_with_htmx_the_refused_form_comes_alone(admin_client: Client) -> None:
    response = admin_client.post("/repositories/create/", FIELDS | {"name": ""}, headers=HTMX)
    assert response.status_code == 422
    assert response.content.decode().strip().startswith("<form")


def test_what_surrounds_a_base_path_is_dropped(admin_client: Client) -> None:
    admin_client.post("/repositories/create/", FIELDS | {"base_path": " /docs/files/ "})
    assert Distribution.objects.get().base_path == "docs/files"


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(("address", "fields"), [("create", FIELDS), ("new", WHOLE)])
def test_a_form_sent_twice_leads_to_what_it_made(
    admin_client: Client, bell: list[int], address: str, fields: dict[str, Any], htmx: bool
) -> None:
    answers = [admin_client.post(f"/repositories/{address}/", fields, headers=HTMX if htmx else {}) for _ in range(2)]
    where = "HX-Redirect" if htmx else "Location"
    assert [answer[where] for answer in answers] == [f"/jobs/{Job.objects.get().pk}/"] * 2
    assert "a moment ago" in admin_client.get("/").content.decode()
    assert Repository.objects.count() == 1


# ---- making one with every setting ----


@pytest.mark.any_database
def test_the_whole_form_shows_every_choice(admin_client: Client, repository: Repository) -> None:
    text = admin_client.get("/repositories/new/").content.decode()
    for shown in ("A new remote", "No upstream", "Mirror", "Files that vanish upstream are kept.", "PULP_MANIFEST"):
        assert shown in text
    assert f"{repository.remote}: " in text


def test_the_whole_form_makes_what_it_says(admin_client: Client, bell: list[int]) -> None:
    sent = WHOLE | {"mode": "mirror", "brake": "7", "publish_settings": "", "manifest": "", "checksums": "SHA256SUMS"}
    sent |= {"skip_failed_files": "on", "stale_days": "2", "keep_versions": "", "keep_days": "30"}
    answer = admin_client.post("/repositories/new/", sent)
    made = Repository.objects.select_related("remote", "publish_settings").get()
    assert answer["Location"] == f"/jobs/{Job.objects.get().pk}/"
    assert (made.name, made.mirror, made.brake, made.auto_publish, made.auto_distribute) == (
        "files",
        True,
        7,
        True,
        True,
    )
    assert (made.skip_failed_files, made.stale_days, made.keep_versions, made.keep_days) == (True, 2, None, 30)
    assert made.remote and made.remote.url == WHOLE["url"]
    assert (made.publish_settings.manifest, made.publish_settings.checksums) == ("", "SHA256SUMS")
    assert made.distributions.get().base_path == "docs/files"


def test_a_remote_that_is_there_may_be_chosen(admin_client: Client, bell: list[int], repository: Repository) -> None:
    admin_client.post("/repositories/new/", WHOLE | {"upstream": "existing", "remote": repository.remote_id, "url": ""})
    made = Job.objects.get().repository
    assert made and made.remote == repository.remote


def test_without_an_upstream_no_job_is_run(admin_client: Client, bell: list[int]) -> None:
    answer = admin_client.post("/repositories/new/", WHOLE | {"upstream": "none", "url": "", "base_path": ""})
    made = Repository.objects.get()
    assert (answer["Location"], made.remote, made.distributions.count()) == (f"/repositories/{made.pk}/", None, 0)
    assert not Job.objects.exists()


def test_the_first_job_may_wait(admin_client: Client, bell: list[int]) -> None:
    admin_client.post("/repositories/new/", {name: value for name, value in WHOLE.items() if name != "run_now"})
    assert Repository.objects.exists()
    assert not Job.objects.exists()


def test_publish_settings_that_are_there_take_no_values(admin_client: Client, bell: list[int]) -> None:
    there = PublishSettings.objects.matching(checksums="SHA256SUMS")
    admin_client.post("/repositories/new/", WHOLE | {"publish_settings": there.pk, "manifest": "a/b"})
    assert Repository.objects.get().publish_settings == there


LONG = "x" * 300
BAD_URLS = {
    "": "Give the address of the upstream, or choose another place",
    "ftp://example.org/": "must begin with http:// or https://",
    "http://me:secret@example.org/": "has a user name or a password in it",
    "http:///files/": "names no host",
    "http://example.org:99999/": "port that there is not",
}
BAD_NAMES = {"": "Enter the name.", LONG: "1 to 200 characters", "debian-tools": "already a repository called"}
BAD_BASE_PATHS = {
    "a b": "has a space in it",
    "a/../b": "has an empty part",
    "a?b": "has “?” in it",
    "a#b": "has “#” in it",
    "a%b": "has “%” in it",
    LONG: "is longer than 255 characters",
    "mirrors": "overlaps with the distribution at “mirrors/debian-tools”",
    "mirrors/debian-tools/": "is already used by the distribution at “mirrors/debian-tools”",
}
BAD = [
    *[("url", value, said) for value, said in BAD_URLS.items()],
    *[("name", value, said) for value, said in BAD_NAMES.items()],
    *[("base_path", value, said) for value, said in BAD_BASE_PATHS.items()],
]


@pytest.mark.any_database
@pytest.mark.parametrize(("field", "value", "said"), BAD)
@pytest.mark.parametrize("address", ["create", "new"])
def test_a_bad_value_is_kept_and_explained_at_its_field(
    admin_client: Client, repository: Repository, address: str, field: str, value: str, said: str
) -> None:
    fields = {"create": FIELDS, "new": WHOLE}[address]
    answer = admin_client.post(f"/repositories/{address}/", fields | {field: value})
    form = answer.context["form"]
    assert answer.status_code == 422
    # What is not sent at all the short form knows by itself.
    wanted = re.escape(said) if value or address == "new" else "^Enter the "
    assert re.search(wanted, form.errors[field][0])
    assert form[field].value() == value
    assert "secret" not in answer.content.decode().replace(value, "")
    assert Repository.objects.count() == 1
    assert not Job.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "values", "said"),
    [
        ("base_path", {"base_path": ""}, "Say where it is to be served"),
        ("remote", {"upstream": "existing"}, "Choose one"),
        ("remote", {"upstream": "existing", "remote": "987"}, "Choose another."),
        ("upstream", {"upstream": "magic"}, "is not offered"),
        ("mode", {"mode": "magic"}, "is not offered"),
        ("brake", {"brake": "101"}, "Enter 100 or less."),
        ("brake", {"brake": "-1"}, "Enter 0 or more."),
        ("stale_days", {"stale_days": "0"}, "Enter 1 or more."),
        ("keep_versions", {"keep_versions": "0"}, "Enter 1 or more."),
        ("keep_days", {"keep_days": "100001"}, "Enter 100000 or less."),
        ("brake", {"brake": "some"}, "whole number"),
        ("auto_distribute", {"auto_publish": ""}, "Only what is published"),
        ("publish_settings", {"publish_settings": "987"}, "Choose another."),
        ("manifest", {"publish_settings": "", "manifest": "a/b"}, "without a folder"),
        ("checksums", {"publish_settings": "", "manifest": "a", "checksums": "a"}, "cannot be two files"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_explained_at_their_field(
    admin_client: Client, field: str, values: dict[str, str], said: str
) -> None:
    answer = admin_client.post("/repositories/new/", WHOLE | values)
    assert answer.status_code == 422
    assert said in answer.context["form"].errors[field][0]
    assert not Repository.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize("address", ["create", "new"])
def test_markup_in_a_name_is_shown_as_text(admin_client: Client, bell: list[int], address: str) -> None:
    fields = {"create": FIELDS, "new": WHOLE}[address]
    admin_client.post(f"/repositories/{address}/", fields | {"name": MARKUP})
    made = Repository.objects.get(name=MARKUP)
    for page in ("", "edit/", "delete/"):
        text = admin_client.get(f"/repositories/{made.pk}/{page}").content.decode()
        assert MARKUP not in text
        assert "&lt;script&gt;" in text
    refused = admin_client.post(f"/repositories/{address}/", fields | {"name": MARKUP, "url": "ftp://example.org/"})
    assert MARKUP not in refused.content.decode()


@pytest.mark.any_database
def test_the_refused_form_comes_alone_with_htmx(admin_client: Client) -> None:
    answer = admin_client.post("/repositories/new/", WHOLE | {"name": ""}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.content.decode().strip().startswith("<form")


def test_more_remotes_take_no_more_queries(admin_client: Client) -> None:
    def with_five_more(number: int) -> int:
        for place in range(5):
            scenes.a_repository(f"files-{number}-{place}")
        with CaptureQueriesContext(connection) as queries:
            admin_client.get("/repositories/new/")
        return len(queries)

    assert with_five_more(1) == with_five_more(2)


# ---- changing one ----


def test_without_an_upstream_it_is_additive_whatever_was_chosen_before(admin_client: Client) -> None:
    admin_client.post("/repositories/new/", WHOLE | {"upstream": "none", "mode": "mirror"})
    assert not Repository.objects.get().mirror


def opened(client: Client, repository: Repository) -> dict[str, Any]:
    """The edit form as a browser would send it back."""
    form = client.get(f"/repositories/{repository.pk}/edit/").context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, False)}


def change(client: Client, repository: Repository, values: dict[str, Any], **more: Any) -> Any:
    return client.post(f"/repositories/{repository.pk}/edit/", values | more)


def test_a_form_that_is_sent_back_as_it_came_changes_nothing(admin_client: Client, repository: Repository) -> None:
    before = Repository.objects.values().get()
    answer = change(admin_client, repository, opened(admin_client, repository))
    assert (answer.status_code, answer["Location"]) == (302, f"/repositories/{repository.pk}/")
    assert Repository.objects.values().get() == before


def test_every_setting_can_be_changed(admin_client: Client, repository: Repository) -> None:
    values = opened(admin_client, repository)
    del values["auto_distribute"]
    more = {"name": "new", "mode": "mirror", "brake": "7", "publish_settings": "", "checksums": "SHA256SUMS"}
    more |= {"skip_failed_files": "on", "stale_days": "", "keep_versions": "3", "keep_days": "30"}
    change(admin_client, repository, values, **more)
    made = Repository.objects.select_related("publish_settings").get()
    assert (made.skip_failed_files, made.stale_days, made.keep_versions, made.keep_days) == (True, None, 3, 30)
    assert (made.name, made.mirror, made.brake, made.auto_distribute) == ("new", True, 7, False)
    assert (made.publish_settings.manifest, made.publish_settings.checksums) == ("PULP_MANIFEST", "SHA256SUMS")


def test_its_remote_can_be_another_or_none(admin_client: Client, repository: Repository) -> None:
    other = Remote.objects.create(name="other", url="http://127.0.0.1/other/")
    change(admin_client, repository, opened(admin_client, repository), remote=str(other.pk))
    assert Repository.objects.get().remote == other
    change(admin_client, repository, opened(admin_client, repository), remote="")
    assert Repository.objects.get().remote is None


def test_without_a_remote_no_sync_is_offered(admin_client: Client, repository: Repository) -> None:
    change(admin_client, repository, opened(admin_client, repository), remote="")
    text = admin_client.get(f"/repositories/{repository.pk}/").content.decode()
    assert 'id="run-sync' not in text
    assert 'id="run-publish-distribute"' in text
    assert "its files are uploaded" in text


@pytest.mark.parametrize(("mirror", "said"), [(False, "the next sync removes"), (True, "What earlier syncs removed")])
def test_it_says_what_the_next_sync_makes_of_another_mode(
    admin_client: Client, repository: Repository, mirror: bool, said: str
) -> None:
    Repository.objects.update(mirror=mirror)
    assert said in admin_client.get(f"/repositories/{repository.pk}/edit/").content.decode()


def test_while_a_job_runs_a_change_counts_from_the_next(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    answer = admin_client.post(
        f"/repositories/{repository.pk}/edit/", opened(admin_client, repository) | {"brake": "7"}, follow=True
    )
    assert f"Job {job.pk} goes on with what it began with" in answer.content.decode()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("name", value, said) for value, said in BAD_NAMES.items() if value != "debian-tools"]
    + [
        ("name", "taken", "already a repository called “taken”"),
        ("remote", "987", "Choose another."),
        ("brake", "", "required"),
        ("auto_publish", "", "Only what is published"),
    ],
)
def test_a_bad_change_answers_422_with_the_reason(
    admin_client: Client, repository: Repository, field: str, value: str, said: str
) -> None:
    scenes.a_repository("taken")
    answer = change(admin_client, repository, opened(admin_client, repository), **{field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    repository.refresh_from_db()
    assert (repository.name, repository.brake, repository.auto_publish) == ("debian-tools", 50, True)


def test_a_change_to_what_somebody_else_changed_is_stale_once(admin_client: Client, repository: Repository) -> None:
    values = opened(admin_client, repository)
    Repository.objects.update(brake=9)
    refused = change(admin_client, repository, values, name="mine")
    assert refused.status_code == 409
    assert "was changed by somebody else meanwhile" in refused.content.decode()
    form = refused.context["form"]
    assert form["name"].value() == "mine"
    change(admin_client, repository, values, name="mine", seen=form["seen"].value())
    assert Repository.objects.get().name == "mine"


def test_in_a_stale_form_what_nobody_touched_is_what_is_there_now(admin_client: Client, repository: Repository) -> None:
    first, second = (opened(admin_client, repository) for _ in range(2))
    del first["auto_distribute"]
    assert change(admin_client, repository, first, brake="20", mode="mirror").status_code == 302
    refused = change(admin_client, repository, second, name="mine", brake="30")
    assert refused.status_code == 409
    form = refused.context["form"]
    assert {name: form[name].value() for name in ("name", "brake", "mode")} == {
        "name": "mine",
        "brake": "30",
        "mode": "mirror",
    }
    assert form.errors == {"brake": ["Somebody else changed it. Now: “20”."]}
    sent = {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}
    assert change(admin_client, repository, sent).status_code == 302
    now = Repository.objects.get()
    assert (now.name, now.brake, now.mirror, now.auto_distribute) == ("mine", 30, True, False)


def test_both_chose_another_remote_and_the_form_names_it(admin_client: Client, repository: Repository) -> None:
    sent = opened(admin_client, repository)
    Repository.objects.update(remote=Remote.objects.create(name="theirs", url="https://theirs.example/"))
    refused = change(admin_client, repository, sent, remote="")
    assert "Now: “theirs: https://theirs.example/”." in refused.context["form"].errors["remote"][0]


@pytest.mark.parametrize("more", [{"name": " mine "}, {"publish_settings": "", "checksums": "SHA256SUMS"}])
def test_a_change_sent_twice_is_made_once(admin_client: Client, repository: Repository, more: dict[str, str]) -> None:
    sent = opened(admin_client, repository) | more
    answers = [change(admin_client, repository, sent) for _ in range(2)]
    assert {(one.status_code, one["Location"]) for one in answers} == {(302, f"/repositories/{repository.pk}/")}
    assert PublishSettings.objects.count() == len(more)


def test_all_that_share_publish_settings_can_move_with_it(admin_client: Client, repository: Repository) -> None:
    other = scenes.a_repository("other")
    values = opened(admin_client, repository) | {"publish_settings": "", "checksums": "SHA256SUMS"}
    change(admin_client, repository, values, scope="only")
    other.refresh_from_db()
    assert other.publish_settings.checksums == ""
    change(admin_client, other, opened(admin_client, other), publish_settings="", checksums="sums", scope="all")
    repository.refresh_from_db()
    assert repository.publish_settings.checksums == "SHA256SUMS"
    scenes.a_repository("third", publish_with={"checksums": "sums"})
    change(admin_client, other, opened(admin_client, other), publish_settings="", checksums="all", scope="all")
    assert Repository.objects.filter(publish_settings__checksums="all").count() == 2


# ---- deleting one ----


def test_deleting_asks_for_the_name(admin_client: Client, repository: Repository) -> None:
    wrong = admin_client.post(f"/repositories/{repository.pk}/delete/", {"name": "debian"})
    assert wrong.status_code == 422
    assert "That is not its name" in wrong.content.decode()
    assert Repository.objects.exists()


@pytest.mark.parametrize("with_remote", [False, True])
def test_a_repository_goes_and_its_remote_if_asked(
    admin_client: Client, repository: Repository, with_remote: bool
) -> None:
    sent = {"name": "debian-tools"} | ({"with_remote": "on"} if with_remote else {})
    answer = admin_client.post(f"/repositories/{repository.pk}/delete/", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/repositories/")
    assert not Repository.objects.exists()
    assert Remote.objects.exists() is not with_remote


def test_a_remote_that_others_use_is_not_offered(admin_client: Client, repository: Repository) -> None:
    assert 'name="with_remote"' in admin_client.get(f"/repositories/{repository.pk}/delete/").content.decode()
    create.make_repository(name="other", remote=repository.remote)
    assert 'name="with_remote"' not in admin_client.get(f"/repositories/{repository.pk}/delete/").content.decode()


def test_what_is_served_is_not_deleted(admin_client: Client, repository: Repository) -> None:
    scenes.a_completed_job(repository)
    asked = admin_client.get(f"/repositories/{repository.pk}/delete/").content.decode()
    served = repository.distributions.get(base_path="mirrors/debian-tools")
    assert f'href="/distributions/{served.pk}/">Go to mirrors/debian-tools</a>' in asked
    answer = admin_client.post(f"/repositories/{repository.pk}/delete/", {"name": "debian-tools"})
    assert answer.status_code == 409
    assert Repository.objects.exists()


# ---- what is not there, and other verbs ----


@pytest.mark.parametrize("page", ["", "edit/", "delete/", "running/"])
@pytest.mark.parametrize("pk", [0, 987, 10**30])
def test_a_repository_that_is_not_there_is_404(admin_client: Client, page: str, pk: int) -> None:
    assert admin_client.get(f"/repositories/{pk}/{page}").status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("method", "page"), [("post", ""), ("put", "edit/"), ("delete", "delete/"), ("get", "run/"), ("put", "../new/")]
)
def test_another_verb_is_405(admin_client: Client, repository: Repository, method: str, page: str) -> None:
    address = "/repositories/new/" if page == "../new/" else f"/repositories/{repository.pk}/{page}"
    assert getattr(admin_client, method)(address).status_code == 405


@pytest.mark.any_database
@pytest.mark.parametrize("page", ["new/", "1/edit/", "1/delete/"])
def test_a_stranger_has_to_sign_in(client: Client, page: str) -> None:
    assert client.get(f"/repositories/{page}")["Location"].startswith("/login/")


# ---- running one ----


@pytest.mark.parametrize(
    ("chosen", "actions"),
    [
        ("sync", ["sync"]),
        ("sync-publish", ["sync", "publish"]),
        ("sync-publish-distribute", ["sync", "publish", "distribute"]),
        ("default", ["sync", "publish", "distribute"]),
    ],
)
def test_a_run_does_what_was_chosen(
    admin_client: Client, repository: Repository, chosen: str, actions: list[str]
) -> None:
    response = run(admin_client, repository, chosen)
    job = Job.objects.get()
    assert (response["Location"], job.actions) == (f"/jobs/{job.pk}/", actions)


def test_the_default_follows_the_toggles(admin_client: Client, repository: Repository) -> None:
    Repository.objects.update(auto_distribute=False)
    run(admin_client, repository, "default")
    assert Job.objects.get().actions == ["sync", "publish"]


def test_a_second_click_joins_and_says_so(admin_client: Client, repository: Repository) -> None:
    run(admin_client, repository, "sync")
    response = admin_client.post(f"/repositories/{repository.pk}/run/", {"actions": "sync"}, follow=True)
    job = Job.objects.get()
    assert f"you have joined it as job {job.pk}" in response.content.decode()


def test_a_refused_run_answers_409_with_the_reason(admin_client: Client, repository: Repository) -> None:
    repository.distributions.all().delete()
    response = run(admin_client, repository, "sync-publish-distribute")
    assert response.status_code == 409
    text = response.content.decode()
    assert 'id="run-obstacle" role="alert">No distribution follows' in text
    assert text.count('role="alert"') == 1
    assert not Job.objects.exists()


@pytest.mark.any_database
def test_with_htmx_only_the_run_choice_comes_back(admin_client: Client, repository: Repository) -> None:
    repository.distributions.all().delete()
    response = run(admin_client, repository, "sync-publish-distribute", htmx=True)
    assert response.status_code == 409
    assert response.content.decode().strip().startswith('<div class="head-acts" id="run"')


@pytest.mark.any_database
def test_an_unknown_choice_answers_422(admin_client: Client, repository: Repository) -> None:
    assert run(admin_client, repository, "everything").status_code == 422


@pytest.mark.any_database
def test_a_disabled_button_says_why_and_links_to_the_job(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    ways = admin_client.get(f"/repositories/{repository.pk}/").context["ways"]
    assert [bool(offer.obstacle) for offer in ways.offers] == [False, False, True]
    text = admin_client.get(f"/repositories/{repository.pk}/").content.decode()
    assert f'The same run is already running. <a href="/jobs/{job.pk}/">See job {job.pk}</a>' in text
    assert f"Watch job {job.pk}</a>" in text


# ---- its page ----


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (
            {"manifest": "", "checksums": "my sums"},
            "curl -fO http://testserver/content/mirrors/debian-tools/my%20sums<",
        ),
        ({"manifest": "", "checksums": ""}, ""),
    ],
)
def test_the_command_fetches_a_file_that_was_published(
    admin_client: Client, values: dict[str, str], shown: str
) -> None:
    made = scenes.a_repository(publish_with=values)
    scenes.a_completed_job(made)
    for page in (f"/repositories/{made.pk}/", f"/distributions/{made.distributions.get().pk}/"):
        text = admin_client.get(page).content.decode()
        assert shown in text
        assert ("curl" in text) is bool(shown)


def test_many_rows_or_few_take_the_same_number_of_queries(admin_client: Client, repository: Repository) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            scenes.a_completed_job(repository)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(f"/repositories/{repository.pk}/").status_code == 200
        return len(queries)

    assert with_five_more() == with_five_more()


def test_the_last_live_answer_brings_the_page_up_to_date(admin_client: Client, repository: Repository) -> None:
    scenes.a_completed_job(repository)
    text = admin_client.get(f"/repositories/{repository.pk}/running/", {"known": "1w"}).content.decode()
    assert set(re.findall(r'id="([a-z]+)" hx-swap-oob="merge"', text)) == {
        *("status", "run", "served", "tabs"),
        *("attention", "distributions", "versions", "jobs"),
    }


# ---- a new remote with all of its settings ----

# As the form's own groups are sent.
REACH = {
    "username": "ada",
    "password": "open sesame",
    "token": "",
    "user_agent": "",
    "headers": "",
    "tls_verify": "on",
    "ca_certificate": "",
    "client_certificate": "",
    "client_key": "",
    "proxy_url": "http://127.0.0.1:3128",
    "proxy_username": "",
    "proxy_password": "",
    "concurrency": "4",
    "tries": "2",
    "connect_timeout": "5",
    "read_timeout": "6",
    "least_speed": "7",
    "deadline": "8",
    "rate_limit": "9",
}


def test_a_new_remote_is_made_with_its_login_proxy_and_limits(admin_client: Client) -> None:
    assert admin_client.post("/repositories/new/", WHOLE | REACH).status_code == 302
    made = Repository.objects.get().remote
    assert made
    assert (made.name, made.url, made.username, made.proxy_url) == (
        "files",
        FIELDS["url"],
        "ada",
        "http://127.0.0.1:3128",
    )
    assert vault.reveal(made.password) == "open sesame"
    assert (made.tls_verify, made.concurrency, made.rate_limit) == (True, 4, 9)


def test_how_it_is_reached_is_asked_with_everything_else(admin_client: Client) -> None:
    text = admin_client.get("/repositories/new/").content.decode()
    assert all(f'name="{name}"' in text for name in REACH)
    assert text.count('name="url"') == text.count('name="name"') == 1


def test_a_wrong_login_is_explained_and_secrets_are_asked_for_again(admin_client: Client) -> None:
    answer = admin_client.post("/repositories/new/", WHOLE | REACH | {"username": "a:b"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Something is wrong with how the upstream is to be reached" in text
    assert "Enter it again" in text
    assert "open sesame" not in text
    assert not Remote.objects.exists()


def test_with_a_login_too_the_same_form_sent_twice_makes_one(admin_client: Client) -> None:
    for _ in range(2):
        assert admin_client.post("/repositories/new/", WHOLE | REACH).status_code == 302
    assert Repository.objects.count() == Job.objects.count() == 1
    other = admin_client.post("/repositories/new/", WHOLE | REACH | {"password": "another"})
    assert other.status_code == 422
    assert "already a repository called" in other.content.decode()


def test_without_a_new_remote_nobody_looks_at_how_it_is_reached(admin_client: Client, repository: Repository) -> None:
    chosen = WHOLE | REACH | {"upstream": "existing", "remote": repository.remote_id, "username": "a:b"}
    assert admin_client.post("/repositories/new/", chosen).status_code == 302
    assert Remote.objects.count() == 1
