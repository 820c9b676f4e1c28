"""Distributions: the list, their pages, and the deeds on them."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from repos.distribute import pin
from repos.distributions import make_distribution
from repos.models import Distribution, Job, Publication, PublishSettings, Repository
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    """With two publications; the second is served at “files”."""
    made = factories.repository()
    factories.serve(made, {"a": b"1"})
    factories.serve(made, {"a": b"2"})
    return made


@pytest.fixture
def distribution(repository: Repository) -> Distribution:
    return repository.distributions.get()


@pytest.fixture
def first(repository: Repository) -> Publication:
    return Publication.objects.order_by("pk")[0]


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_it_works(admin_client: Client, distribution: Distribution) -> None:
    assert f'href="/distributions/{distribution.pk}/">files</a>' in page(admin_client, "/distributions/")
    text = page(admin_client, f"/distributions/{distribution.pk}/")
    for shown in (
        "http://testserver/content/files/",
        "curl -fO http://testserver/content/files/PULP_MANIFEST",
        "a test",
    ):
        assert shown in text


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["", "new/", "{pk}/", "{pk}/edit/", "{pk}/delete/", "base-path-check/"])
def test_all_of_it_needs_a_login(client: Client, distribution: Distribution, path: str) -> None:
    response = client.get(f"/distributions/{path.format(pk=distribution.pk)}")
    assert (response.status_code, "/login/" in response["Location"]) == (302, True)


@pytest.mark.parametrize("path", ["", "edit/", "delete/"])
@pytest.mark.parametrize("pk", [0, 10**30])
def test_what_is_not_there_is_not_found(admin_client: Client, path: str, pk: int) -> None:
    assert admin_client.get(f"/distributions/{pk}/{path}").status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize("deed", ["pin", "promote", "follow", "refresh"])
def test_a_deed_is_a_post(admin_client: Client, distribution: Distribution, deed: str) -> None:
    assert admin_client.get(f"/distributions/{distribution.pk}/{deed}/").status_code == 405


# ---- the list ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("show", "found"),
    [
        ("", ["files", "nothing", "stable"]),
        ("follows", ["files", "nothing"]),
        ("pinned", ["stable"]),
        ("nothing", ["nothing"]),
        ("serving", ["files", "stable"]),
        ("behind", ["stable"]),
        ("unknown", ["files", "nothing", "stable"]),
    ],
)
def test_filters_are_links(
    admin_client: Client, repository: Repository, first: Publication, show: str, found: list[str]
) -> None:
    pin(make_distribution(repository, "stable"), first)
    make_distribution(repository, "nothing")
    response = admin_client.get("/distributions/", {"show": show})
    assert [one.base_path for one in response.context["list"]] == found
    assert [link.many for link in response.context["list"].filters[0].links] == [3, 2, 1, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("STAB", ["stable"]),
        ("\0stab", ["stable"]),
        ("other", ["other/x"]),
        ("e", ["files", "other/x", "stable"]),
        ("zzz", []),
    ],
)
def test_base_paths_and_names_of_repositories_are_searched(
    admin_client: Client, repository: Repository, q: str, found: list[str]
) -> None:
    make_distribution(repository, "stable")
    factories.repository("another one", "other/x")
    response = admin_client.get("/distributions/", {"q": q, "show": ""})
    assert [one.base_path for one in response.context["list"]] == found


@pytest.mark.any_database
def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "Make the first one" in page(admin_client, "/distributions/")


def test_what_is_behind_says_so(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {"b": b"3"})
    assert "newest is 3" in page(admin_client, "/distributions/")


@pytest.mark.parametrize("path", ["", "{pk}/"])
def test_many_rows_or_few_take_the_same_number_of_queries(
    admin_client: Client, repository: Repository, distribution: Distribution, path: str
) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            published = factories.serve(repository, {"a": b"%d" % Distribution.objects.count()})
            other = factories.repository(f"r{published.pk}", f"b{published.pk}")
            factories.serve(other, {"a": b"1"})
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, f"/distributions/{path.format(pk=distribution.pk)}")
        return len(queries)

    assert with_five_more() == with_five_more()


@pytest.mark.any_database
def test_names_with_markup_are_shown_as_they_are(admin_client: Client) -> None:
    name = "<script>alert(1)</script>"
    made = factories.repository(name)
    factories.serve(made, {"a": b"1"})
    for path in ("", "new/", f"{made.distributions.get().pk}/"):
        text = page(admin_client, f"/distributions/{path}")
        assert escape(name) in text
        assert name not in text


# ---- making one --------------------------------------------------------------------------------------------


def test_one_that_follows_is_made_and_serves_what_is_newest(admin_client: Client, repository: Repository) -> None:
    fields = {"repository": repository.pk, "base_path": "/new/", "how": "follow", "reason": ""}
    response = admin_client.post("/distributions/new/", fields)
    made = Distribution.objects.get(base_path="new")
    assert response["Location"] == f"/distributions/{made.pk}/"
    assert (made.pinned, made.publication and made.publication.version.number) == (False, 2)


def test_one_that_is_pinned_is_made_with_its_note(
    admin_client: Client, repository: Repository, first: Publication
) -> None:
    fields = {"repository": repository.pk, "base_path": "new", "how": "pin", "publication": first.pk, "reason": "1.0"}
    admin_client.post("/distributions/new/", fields)
    made = Distribution.objects.get(base_path="new")
    switch = made.history.get()
    assert (made.pinned, made.publication, switch.reason, switch.by and switch.by.username) == (
        True,
        first,
        "1.0",
        "admin",
    )


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("base_path", "files/below", "overlaps with the distribution at"),
        ("base_path", "files", "is already used by the distribution at"),
        ("base_path", "a b", "has a space in it"),
        ("base_path", "", "Enter the base path."),
        ("repository", "0", "It is not there, or not any more."),
        ("repository", "", "Choose one."),
        ("publication", "", "Choose the publication that it is to serve"),
        ("publication", "99999", "“99999” is not offered."),
        ("how", "both", "“both” is not offered."),
        ("reason", "x" * 501, "Shorten it to 500 at most"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_makes_nothing(
    admin_client: Client, repository: Repository, first: Publication, field: str, value: str, said: str
) -> None:
    fields = {"repository": repository.pk, "base_path": "new", "how": "pin", "publication": first.pk, "reason": ""}
    response = admin_client.post("/distributions/new/", fields | {field: value})
    assert response.status_code == 422
    assert said in response.context["form"].errors[field][0]
    assert Distribution.objects.count() == 1


def test_the_publications_of_the_chosen_repository_are_offered(
    admin_client: Client, repository: Repository, first: Publication
) -> None:
    factories.serve(factories.repository("other", "other"), {"a": b"1"})
    path = f"/distributions/new/?repository={repository.pk}&publication={first.pk}"
    form = admin_client.get(path).context["form"]
    assert [label for _, label in form.fields["publication"].choices] == [
        "Choose one",
        "version 2 with PULP_MANIFEST",
        "version 1 with PULP_MANIFEST",
    ]
    assert f'<option value="{first.pk}" selected>' in page(admin_client, path)


# ---- the live check ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_path", "said"),
    [
        ("new/place", "http://testserver/content/new/place/"),
        ("/new/", "http://testserver/content/new/"),
        ("files", "is already used by the distribution at “files”"),
        ("files/below", "overlaps with the distribution at “files”"),
        ("a b", "has a space in it"),
        ("a/../b", "has an empty part"),
        ("<b>", "http://testserver/content/%3Cb%3E/"),
    ],
)
def test_a_base_path_is_checked_while_it_is_typed(
    admin_client: Client, distribution: Distribution, base_path: str, said: str
) -> None:
    response = admin_client.get("/distributions/base-path-check/", {"base_path": base_path})
    text = response.content.decode()
    assert said in text
    assert text.strip().startswith('<div class="check" id="base-path-check"')
    assert (f'href="/distributions/{distribution.pk}/"' in text) == ("distribution at" in said)


def test_its_own_base_path_is_free_to_a_distribution(admin_client: Client, distribution: Distribution) -> None:
    path = "/distributions/base-path-check/?base_path=files/below&distribution="
    assert "Free." in page(admin_client, f"{path}{distribution.pk}")
    for number in ("x", "-1", "9" * 40):
        assert "overlaps" in page(admin_client, f"{path}{number}")


@pytest.mark.any_database
def test_nothing_typed_says_nothing(admin_client: Client) -> None:
    text = admin_client.get("/distributions/base-path-check/?base_path=+").content.decode()
    assert "<p" not in text


# ---- another base path -------------------------------------------------------------------------------------


def edited(client: Client, distribution: Distribution, base_path: str, **more: str) -> int:
    seen = client.get(f"/distributions/{distribution.pk}/edit/").context["form"].initial["seen"]
    fields = {"base_path": base_path, "seen": seen} | more
    return client.post(f"/distributions/{distribution.pk}/edit/", fields).status_code


def test_the_base_path_is_changed_and_the_page_says_what_that_breaks(
    admin_client: Client, distribution: Distribution
) -> None:
    assert "404 Not Found" in page(admin_client, f"/distributions/{distribution.pk}/edit/")
    assert edited(admin_client, distribution, "new") == 302
    assert Distribution.objects.get().base_path == "new"
    assert "base path changed from “files” to “new”" in page(admin_client, f"/distributions/{distribution.pk}/")


def test_a_base_path_that_clashes_is_refused_at_its_field(admin_client: Client, distribution: Distribution) -> None:
    make_distribution(distribution.repository, "other")
    assert edited(admin_client, distribution, "other/below") == 422
    assert Distribution.objects.filter(base_path="files").exists()


def test_a_form_that_was_opened_on_another_base_path_is_refused(
    admin_client: Client, distribution: Distribution
) -> None:
    path = f"/distributions/{distribution.pk}/edit/"
    seen = admin_client.get(path).context["form"].initial["seen"]
    Distribution.objects.update(base_path="moved")
    response = admin_client.post(path, {"base_path": "mine", "seen": seen})
    assert response.status_code == 409
    assert "was changed by somebody else meanwhile" in response.content.decode()
    assert Distribution.objects.get().base_path == "moved"


def test_a_change_sent_twice_is_made_once(admin_client: Client, distribution: Distribution) -> None:
    path = f"/distributions/{distribution.pk}/edit/"
    sent = {"base_path": "/new/", "seen": admin_client.get(path).context["form"].initial["seen"]}
    answers = [admin_client.post(path, sent) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 302]
    assert distribution.history.filter(reason__startswith="base path").count() == 1


@pytest.mark.parametrize("how", ["follow", "pin"])
def test_a_new_one_sent_twice_is_made_once(
    admin_client: Client, repository: Repository, first: Publication, how: str
) -> None:
    sent = {"repository": repository.pk, "base_path": "/new/", "how": how, "publication": first.pk}
    answers = [admin_client.post("/distributions/new/", sent) for _ in range(2)]
    made = Distribution.objects.get(base_path="new")
    assert {one["Location"] for one in answers} == {f"/distributions/{made.pk}/"}
    other = sent | {"how": "pin" if how == "follow" else "follow"}
    assert admin_client.post("/distributions/new/", other).status_code == 422


# ---- switching ---------------------------------------------------------------------------------------------


def test_rolling_back_is_one_click_with_a_note(
    admin_client: Client, distribution: Distribution, first: Publication
) -> None:
    path = f"/distributions/{distribution.pk}/"
    assert f'form="pin" name="publication" value="{first.pk}"' in page(admin_client, path)
    response = admin_client.post(f"{path}pin/", {"publication": first.pk, "reason": "2 is broken"}, follow=True)
    text = response.content.decode()
    assert "serves version 1, and is pinned to it" in text
    assert "2 is broken" in text
    current = Distribution.objects.get()
    assert (current.pinned, current.publication) == (True, first)


def test_what_was_served_before_is_one_click_away(
    admin_client: Client, distribution: Distribution, first: Publication
) -> None:
    assert "Roll back to version 1" in page(admin_client, f"/distributions/{distribution.pk}/")


def test_where_it_is_pinned_the_way_on_is_to_follow(
    admin_client: Client, distribution: Distribution, first: Publication
) -> None:
    """Not another pin, as it would be to go back to what was served before."""
    pin(distribution, first)
    text = page(admin_client, f"/distributions/{distribution.pk}/")
    follow = f'class="button primary" form="pin" formaction="/distributions/{distribution.pk}/follow/"'
    assert follow in text
    assert text.index(follow) < text.index("Serve something else")
    assert "Refresh</button>" not in text
    assert "ack to version" not in text


def test_what_another_serves_is_promoted_here(
    admin_client: Client, distribution: Distribution, first: Publication
) -> None:
    stable = make_distribution(distribution.repository, "stable")
    pin(stable, first)
    path = f"/distributions/{stable.pk}/"
    text = page(admin_client, path)
    assert f'formaction="{path}promote/" name="source" value="{distribution.pk}"' in text
    sent = {"source": distribution.pk, f"serves-{distribution.pk}": distribution.publication_id}
    said = admin_client.post(f"{path}promote/", sent, follow=True).content.decode()
    assert "“stable” serves what “files” serves, and is pinned to it." in said
    assert "version 2, as served at “files”" in said
    # Where both serve the same there is nothing to promote.
    assert f'formaction="{path}promote/"' not in said


@pytest.mark.parametrize(
    ("source", "seen", "status", "said"),
    [("files", "0", 409, "What “files” serves"), ("other", "", 422, "This distribution is not there, or is of")],
)
def test_what_cannot_be_promoted_is_said(
    admin_client: Client, repository: Repository, first: Publication, source: str, seen: str, status: int, said: str
) -> None:
    stable = make_distribution(repository, "stable")
    pin(stable, first)
    factories.serve(factories.repository("other", "other"), {"a": b"1"})
    chosen = Distribution.objects.get(base_path=source)
    response = admin_client.post(
        f"/distributions/{stable.pk}/promote/", {"source": chosen.pk, f"serves-{chosen.pk}": seen}
    )
    assert response.status_code == status
    assert said in response.content.decode()
    stable.refresh_from_db()
    assert stable.publication == first


def test_it_follows_again(admin_client: Client, distribution: Distribution, first: Publication) -> None:
    pin(distribution, first)
    path = f"/distributions/{distribution.pk}/"
    assert f'formaction="{path}follow/"' in page(admin_client, path)
    admin_client.post(f"{path}follow/", {"reason": "2 is mended"})
    current = Distribution.objects.get()
    assert (current.pinned, current.publication and current.publication.version.number) == (False, 2)
    switch = current.history.first()
    assert switch and switch.by == User.objects.get(username="admin")


@pytest.mark.parametrize("deed", ["pin", "follow"])
def test_what_serves_another_by_now_is_not_switched_unseen(
    admin_client: Client, repository: Repository, distribution: Distribution, first: Publication, deed: str
) -> None:
    path = f"/distributions/{distribution.pk}/"
    newest = distribution.publication
    assert newest
    field = f'name="serves-{distribution.pk}" value="{newest.pk}"'
    assert field in page(admin_client, path)
    assert field in page(admin_client, f"/publications/{first.pk}/")
    third = factories.serve(repository, {"a": b"3"})
    pin(distribution, first)
    sent = {"publication": third.pk, f"serves-{distribution.pk}": newest.pk}
    refused = admin_client.post(f"{path}{deed}/", sent)
    assert refused.status_code == 409
    assert "What “files” serves was changed by somebody else meanwhile." in refused.content.decode()
    assert Distribution.objects.get().publication == first
    sent[f"serves-{distribution.pk}"] = first.pk
    for _ in range(2):
        assert admin_client.post(f"{path}{deed}/", sent).status_code == 302


@pytest.mark.parametrize("publication", ["", "x", "99999", "other"])
def test_what_it_cannot_serve_is_refused_with_a_sentence(
    admin_client: Client, distribution: Distribution, publication: str
) -> None:
    other = factories.serve(factories.repository("other", "other"), {"a": b"1"})
    wanted = str(other.pk) if publication == "other" else publication
    response = admin_client.post(f"/distributions/{distribution.pk}/pin/", {"publication": wanted})
    assert response.status_code == 422
    assert "Choose another." in response.content.decode()
    assert not Distribution.objects.get(base_path="files").pinned


@pytest.mark.parametrize("deed", ["pin", "follow"])
def test_a_note_that_is_too_long_is_refused_and_kept(
    admin_client: Client, distribution: Distribution, first: Publication, deed: str
) -> None:
    fields = {"publication": first.pk, "reason": "x" * 501}
    response = admin_client.post(f"/distributions/{distribution.pk}/{deed}/", fields)
    assert response.status_code == 422
    assert "x" * 501 in response.content.decode()


def test_history_has_pages(admin_client: Client, repository: Repository, distribution: Distribution) -> None:
    for number in range(20):
        factories.serve(repository, {"a": b"%d" % number})
    path = f"/distributions/{distribution.pk}/"
    assert len(admin_client.get(path).context["history"]) == 20
    assert len(admin_client.get(f"{path}?history=2").context["history"]) == 2


def test_history_tells_publications_of_one_version_apart(
    admin_client: Client, repository: Repository, distribution: Distribution
) -> None:
    settings = PublishSettings.objects.create(manifest="FILES")
    publication = Publication.objects.create(version=repository.latest_version(), settings=settings)
    pin(distribution, publication)
    text = " ".join(page(admin_client, f"/distributions/{distribution.pk}/").split())
    assert "version 2</a> with PULP_MANIFEST" in text
    assert "version 2</a> with FILES" in text
    assert "Serve version 2</button>" in text


def test_history_says_where_another_thing_than_what_is_served_was_changed(
    admin_client: Client, distribution: Distribution
) -> None:
    assert distribution.publication
    pin(distribution, distribution.publication)
    history = page(admin_client, f"/distributions/{distribution.pk}/").partition('id="history"')[2]
    assert '<span class="muted">the same</span>' in history
    assert "with PULP_MANIFEST" not in history


# ---- refreshed, deleted ------------------------------------------------------------------------------------


def test_refreshing_requests_the_job_of_its_repository(admin_client: Client, distribution: Distribution) -> None:
    response = admin_client.post(f"/distributions/{distribution.pk}/refresh/")
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.repository, job.actions) == (distribution.repository, ["sync", "publish", "distribute"])


def test_a_pinned_one_is_not_refreshed(admin_client: Client, distribution: Distribution, first: Publication) -> None:
    pin(distribution, first)
    response = admin_client.post(f"/distributions/{distribution.pk}/refresh/")
    assert response.status_code == 409
    assert "is pinned, so no run moves it" in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("confirmed", ["", "file", "other"])
def test_one_that_serves_something_is_deleted_by_its_base_path_only(
    admin_client: Client, distribution: Distribution, confirmed: str
) -> None:
    path = f"/distributions/{distribution.pk}/delete/"
    assert "Type its base path, files, to confirm" in page(admin_client, path)
    response = admin_client.post(path, {"confirmed": confirmed})
    assert (response.status_code, Distribution.objects.count()) == (422, 1)
    assert response.context["form"].errors["confirmed"]
    assert admin_client.post(path, {"confirmed": "files"})["Location"] == "/distributions/"
    assert not Distribution.objects.exists()


def test_one_that_serves_nothing_is_deleted_without_asking(admin_client: Client) -> None:
    distribution = factories.repository().distributions.get()
    path = f"/distributions/{distribution.pk}/delete/"
    assert "confirmed" not in page(admin_client, path)
    assert admin_client.post(path).status_code == 302
    assert not Distribution.objects.exists()


def test_while_a_job_may_move_it_it_stays(admin_client: Client, distribution: Distribution) -> None:
    scenes.a_running_job(distribution.repository)
    path = f"/distributions/{distribution.pk}/delete/"
    assert "may move “files”" in page(admin_client, path)
    assert admin_client.post(path, {"confirmed": "files"}).status_code == 409
    assert Distribution.objects.exists()
