"""Users and their roles, on their pages and in the terminal."""

import io
import re
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard import users
from dashboard.roles import Role, role_of
from repos.errors import MillraceError
from repos.errors.values import InvalidValue
from tests.running import at_once
from tests.terminal import call, rows

pytestmark = pytest.mark.django_db

GOOD = "a long one, indeed"


def person(name: str, role: Role = Role.VIEWER) -> User:
    return users.add(name, role=role, password=GOOD)


def browser_of(user: User) -> Client:
    client = Client()
    assert client.login(username=user.username, password=GOOD)
    return client


def send(client: Client, page: str, /, *args: int, **values: str) -> Any:
    return client.post(reverse(page, args=args), values)


def test_it_works(admin_client: Client) -> None:
    answer = send(admin_client, "user-new", name="ada", role="operator", password=GOOD)
    ada = User.objects.get(username="ada")
    assert answer["Location"] == f"/users/{ada.pk}/"
    assert role_of(ada) == Role.OPERATOR
    text = admin_client.get("/users/").content.decode()
    assert re.search(r">ada</a>.*?<td data-label=\"Role\">operator</td>", text, re.DOTALL)
    assert send(admin_client, "user-role", ada.pk, role="viewer").status_code == 302
    assert role_of(User.objects.get(pk=ada.pk)) == Role.VIEWER
    assert browser_of(ada).get("/").status_code == 200
    assert send(admin_client, "user-delete", ada.pk)["Location"] == "/users/"
    assert not User.objects.filter(username="ada").exists()


def test_many_users_or_few_take_the_same_number_of_queries(admin_client: Client) -> None:
    def with_ten_more() -> int:
        for number in range(10):
            User.objects.create_user(f"user-{User.objects.count()}-{number}")
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get("/users/").status_code == 200
        return len(queries)

    assert with_ten_more() == with_ten_more()


@pytest.mark.any_database
def test_a_password_that_was_made_is_shown_once_and_kept_nowhere(admin_client: Client) -> None:
    for page, args in (("user-new", []), ("user-password", ["ada"])):
        ids = [User.objects.get(username=name).pk for name in args]
        answer = send(admin_client, page, *ids, name="ada", role="viewer", password="")
        assert answer.status_code == 200
        found = re.search(r"<code>([\w-]{16})</code>", answer.content.decode())
        assert found
        assert Client().login(username="ada", password=found[1])
        assert found[1] not in str(answer.cookies)
        assert "no-store" in answer["Cache-Control"]
        assert found[1] not in admin_client.get("/users/").content.decode()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "ada lovelace"}, "Enter a valid username"),
        ({"name": "ADMIN"}, "There is a user called “ADMIN” already. Choose another name."),
        ({"name": "<b>"}, "Enter a valid username"),
        ({"name": "x" * 151}, "Shorten it to 150 at most."),
        ({"name": "ada\0"}, "It has a character that cannot be stored."),
        ({"role": "emperor"}, "“emperor” is not offered."),
        ({"password": "short"}, "too short"),
        ({"password": "password123"}, "too common"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(admin_client: Client, values: dict[str, str], said: str) -> None:
    known = {"name": "ada", "role": "viewer", "password": GOOD}
    answer = send(admin_client, "user-new", **known | values)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert User.objects.count() == 1


# ---- what counts at once ----


def test_another_role_counts_from_the_next_request_on() -> None:
    person("eve", Role.ADMINISTRATOR)
    ada = person("ada", Role.OPERATOR)
    client = browser_of(ada)
    assert client.get("/remotes/new/").status_code == 200
    users.set_role(ada, Role.VIEWER)
    assert client.get("/remotes/new/").status_code == 403
    users.set_role(ada, Role.ADMINISTRATOR)
    assert client.get("/users/").status_code == 200
    users.set_role(ada, Role.OPERATOR)
    assert client.get("/users/").status_code == 403


def test_a_deactivated_users_sessions_end_at_once(admin_client: Client) -> None:
    ada = person("ada")
    client = browser_of(ada)
    send(admin_client, "user-activity", ada.pk, active="no")
    assert client.get("/")["Location"] == "/login/?next=/"
    assert client.post("/login/", {"username": "ada", "password": GOOD}).status_code == 422
    send(admin_client, "user-activity", ada.pk, active="yes")
    assert browser_of(ada).get("/").status_code == 200


def test_another_password_ends_all_sessions_but_the_one_that_set_it() -> None:
    ada = person("ada")
    here, elsewhere = browser_of(ada), browser_of(ada)
    answer = send(here, "password", current=GOOD, new="another long one", again="another long one")
    assert answer["Location"] == "/profile/"
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    users.set_password(ada, GOOD)
    assert here.get("/").status_code == 302


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"current": "wrong"}, "This is not your current password."),
        ({"again": "something else"}, "These two are not the same."),
        ({"new": "ada", "again": "ada"}, "too short"),
    ],
)
def test_ones_own_password_is_changed_by_who_knows_it(values: dict[str, str], said: str) -> None:
    known = {"current": GOOD, "new": "another long one", "again": "another long one"}
    answer = send(browser_of(person("ada")), "password", **known | values)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not any(value in answer.content.decode() for value in (known | values).values() if len(value) > 5)


# ---- there always is an administrator ----


def test_the_last_administrator_stays_one(admin_client: Client, admin_user: User) -> None:
    person("ada", Role.OPERATOR)
    users.set_active(person("eve", Role.ADMINISTRATOR), False)
    answer = send(admin_client, "user-role", admin_user.pk, role="operator")
    assert answer.status_code == 422
    assert "“admin” is the only active administrator. Make somebody else one first." in answer.content.decode()
    with pytest.raises(users.LastAdministrator):
        users.set_active(admin_user, False)
    with pytest.raises(users.LastAdministrator):
        users.delete(admin_user)
    assert role_of(User.objects.get(pk=admin_user.pk)) == Role.ADMINISTRATOR


def test_nobody_deactivates_or_deletes_themselves(admin_client: Client, admin_user: User) -> None:
    person("eve", Role.ADMINISTRATOR)
    answers = [
        send(admin_client, "user-activity", admin_user.pk, active="no"),
        send(admin_client, "user-delete", admin_user.pk),
    ]
    for answer, verb in zip(answers, ("deactivate", "delete"), strict=True):
        assert answer.status_code == 409
        assert f"Nobody can {verb} their own account. Another administrator can." in answer.content.decode()
    assert User.objects.get(pk=admin_user.pk).is_active


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_that_remove_each_other_one_stays() -> None:
    one, other = person("ada", Role.ADMINISTRATOR), person("eve", Role.ADMINISTRATOR)
    ends = at_once(lambda: users.set_role(one, Role.VIEWER), lambda: users.set_active(other, False, by=one))
    assert sorted(type(end).__name__ for end in ends) == ["LastAdministrator", "NoneType"]
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_users_of_one_name_made_at_once_one_is_there() -> None:
    ends = at_once(lambda: person("ada"), lambda: person("ada"))
    assert sorted(type(end).__name__ for end in ends) == ["InvalidValue", "NoneType"]


# ---- in the terminal ----


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{GOOD}\n"))


@pytest.mark.any_database
def test_users_are_kept_in_the_terminal_too(typed: None) -> None:
    assert call("user", "add", "ada", "--role", "administrator") == (0, "Made the administrator “ada”.\n")
    assert Client().login(username="ada", password=GOOD)
    status, said = call("user", "add", "eve", "--generate")
    assert status == 0
    assert Client().login(username="eve", password=said.splitlines()[1].removeprefix("Password: "))
    assert call("user", "role", "eve", "operator") == (0, "“eve” is operator now.\n")
    assert call("user", "deactivate", "eve")[0] == 0
    assert [row[:3] for row in rows("user", "list")] == [["ada", "administrator", "yes"], ["eve", "operator", "no"]]
    assert call("user", "activate", "eve")[0] == 0
    status, said = call("user", "password", "eve", "--generate")
    assert status == 0
    assert Client().login(username="eve", password=said.splitlines()[1].removeprefix("Password: "))
    assert call("user", "delete", "eve", "--yes")[0] == 0
    assert [row[0] for row in rows("user", "list")] == ["ada"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("role", "ada", "viewer"), "only active administrator"),
        (("deactivate", "ada"), "only active administrator"),
        (("delete", "ada", "--yes"), "only active administrator"),
        (("password", "nobody", "--generate"), "There is no user called “nobody”."),
        (("add", "Ada", "--generate"), "name: There is a user called “Ada” already."),
        (("password", "ada"), "No password was given."),
    ],
)
def test_the_terminal_refuses_the_same(words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    person("ada", Role.ADMINISTRATOR)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    status, answer = call("user", *words)
    assert status == 2
    assert said in answer


@pytest.mark.any_database
def test_a_weak_password_is_refused_and_not_told() -> None:
    with pytest.raises(InvalidValue) as refused:
        users.add("ada", role=Role.VIEWER, password="ada12")
    assert isinstance(refused.value, MillraceError)
    assert "ada12" not in str(refused.value)
