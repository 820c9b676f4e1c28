"""The navigation: every address lies in one of its places, and each is offered to those who may enter it."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.urls.resolvers import URLPattern

from dashboard import places
from dashboard.roles import OPERATORS, Role
from dashboard.urls import urlpatterns

NOWHERE = {"login", "logout", "healthz"}
NAMES = [pattern.name or "" for pattern in urlpatterns if isinstance(pattern, URLPattern)]
ALL = list(places.places())


@pytest.mark.parametrize("name", NAMES)
def test_every_address_lies_in_one_place(name: str) -> None:
    assert (places.place_of(name) is None) == (name in NOWHERE)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("overview-running", "overview"),
        ("repository-edit", "repositories"),
        ("version-restore", "repositories"),
        ("job-panel", "jobs"),
        ("base-path-check", "distributions"),
        ("publication-delete", "publications"),
        ("publish-settings-edit", "publish-settings"),
        ("token-new", "tokens"),
        ("user-role", "users"),
        ("password", "profile"),
    ],
)
def test_the_place_is_the_one_that_people_expect(name: str, place: str) -> None:
    found = places.place_of(name)
    assert found and found.address == place


def test_a_page_lies_in_the_place_that_it_is_the_first_of() -> None:
    for place in ALL:
        if place.holds:
            assert places.place_of(place.address) is place


def test_no_word_leads_to_two_places() -> None:
    words = [word for place in ALL for word in place.holds]
    assert len(words) == len(set(words))


def test_every_place_has_an_icon_of_its_own() -> None:
    assert len({place.icon for place in ALL}) == len(ALL)


@pytest.mark.parametrize("place", ALL, ids=lambda place: place.address)
def test_every_place_has_an_address(place: places.Place) -> None:
    try:
        reverse(place.address)
    except NoReverseMatch:
        pytest.fail(f"{place.address} has no address")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR], ids=lambda role: role.word)
def test_only_what_a_reader_may_enter_is_offered(role: Role, db: None, client: Client) -> None:
    user = User.objects.create(username="ada", is_superuser=role == Role.ADMINISTRATOR)
    if role == Role.OPERATOR:
        user.groups.add(Group.objects.get_or_create(name=OPERATORS)[0])
    client.force_login(user)
    text = client.get("/jobs/").content.decode()
    navigation = text[text.index('<nav class="places"') :].partition("</nav>")[0]
    for place in ALL[:-1]:
        assert (f'href="{reverse(place.address)}"' in navigation) == (place.least <= role)


@pytest.mark.parametrize("path", ["/jobs/", "/profile/"])
def test_a_page_says_where_it_is(path: str, admin_client: Client) -> None:
    text = admin_client.get(path).content.decode()
    frame = text[text.index('<header class="frame"') :].partition("</header>")[0]
    assert frame.count('aria-current="page"') == 1
    assert 'aria-current="page"' in frame[frame.index(f'href="{path}"') :].partition(">")[0]


def test_an_address_of_nothing_lies_nowhere(admin_client: Client) -> None:
    text = admin_client.get("/nowhere/").content.decode()
    assert 'class="places"' in text
    assert 'aria-current="page"' not in text


def test_strangers_see_no_places(client: Client, db: None) -> None:
    assert "places" not in client.get("/login/").content.decode()
