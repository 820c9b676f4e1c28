"""What administrators, and people who guess, put into forms about users."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from tests.bad_input.case import Case, Section
from tests.bad_input.site import Site

GOOD = "correct horse battery"


def new(title: str, answer: str, **values: str) -> Case[Site]:
    """A new user with these values, and else with good ones."""

    def run(site: Site) -> str:
        return site.fill("user-new", **{"name": "ada", "role": "viewer", "password": GOOD} | values)

    return Case(title, f"422, at {answer}", run)


def to_oneself(page: str, **values: str) -> Callable[[Site], str]:
    """Something that the only administrator does to their own account."""
    return lambda site: site.send(page, User.objects.get(is_superuser=True).pk, **values)


def _own(site: Site) -> str:
    return site.send("password", current="Xq7-wrong", new=GOOD, again=GOOD)


def _guessed(site: Site) -> str:
    guest = Client(REMOTE_ADDR="203.0.113.77")
    for _ in range(5):
        assert guest.post("/login/", {"username": "ada", "password": "Xq7"}).status_code == 422
    return site.said(guest.post("/login/", {"username": "ada", "password": "Xq7"}))


USERS = Section(
    "Users",
    "There always is an active administrator; and whoever guesses passwords has to wait.",
    (
        new(
            "A name with a space",
            "“Name”: Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
            name="ada lovelace",
        ),
        new(
            "A name that is taken, in capitals",
            "“Name”: There is a user called “ADMIN” already. Choose another name.",
            name="ADMIN",
        ),
        new(
            "A weak password",
            "“Password”: This password is too short. It must contain at least 8 characters.",
            password="Xq7",
        ),
        Case("A wrong current password", "422, at “Current password”: This is not your current password.", _own),
        Case(
            "Another role for the last administrator",
            "422, “admin” is the only active administrator. Make somebody else one first.",
            to_oneself("user-role", role="viewer"),
        ),
        Case(
            "Deactivating oneself",
            "409, Nobody can deactivate their own account. Another administrator can.",
            to_oneself("user-activity", active="no"),
        ),
        Case(
            "Deleting oneself",
            "409, Nobody can delete their own account. Another administrator can.",
            to_oneself("user-delete"),
        ),
        Case(
            "A sixth wrong password",
            "429, Too many tries. The password was wrong too often, so nobody may try it from here for now, not even "
            "with the right one. Try again in 15 minutes. If you do not know it any more, an administrator can set "
            "another, which counts then.",
            _guessed,
        ),
    ),
    on_each_database=False,
)
