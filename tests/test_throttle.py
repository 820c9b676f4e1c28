"""Guessing passwords is slowed, names are not told apart, and whoever waits gets in again."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from dashboard import throttle
from tests.running import until

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GOOD = "a long one, indeed"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    for cache in caches.all(initialized_only=True):
        cache.clear()
    yield
    for cache in caches.all(initialized_only=True):
        cache.clear()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=GOOD)


def sign_in(name: str, password: str, address: str = "192.0.2.1", headers: dict[str, str] | None = None) -> Any:
    return Client(REMOTE_ADDR=address).post("/login/", {"username": name, "password": password}, headers=headers)


def fail(times: int, name: str = "ada", address: str = "192.0.2.1") -> list[int]:
    return [sign_in(name, "wrong", address).status_code for _ in range(times)]


def test_after_five_failures_the_right_password_waits_too(ada: User) -> None:
    assert fail(6) == [422] * 5 + [429]
    answer = sign_in("ada", GOOD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= throttle.WINDOW
    assert "Try again in 15 minutes." in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_it_lifts_by_itself_and_what_was_refused_prolongs_nothing(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "WINDOW", 0.3)
    fail(5)
    assert throttle.wait("192.0.2.1", "ada")
    until(lambda: sign_in("ada", GOOD).status_code == 302)


def test_a_success_forgets_the_names_failures(ada: User) -> None:
    for _ in range(3):
        assert fail(4) == [422] * 4
        assert sign_in("ada", GOOD).status_code == 302


def test_others_at_the_address_and_the_same_name_elsewhere_do_not_wait(ada: User) -> None:
    User.objects.create_user("eve", password=GOOD)
    fail(6)
    assert sign_in("eve", GOOD).status_code == 302
    assert sign_in("ada", GOOD, "192.0.2.2").status_code == 302
    assert sign_in("ADA", GOOD).status_code == 429


def test_an_address_that_tries_many_names_waits_whatever_the_name(ada: User) -> None:
    for number in range(throttle.OF_ADDRESS):
        assert fail(1, f"name-{number}") == [422]
    assert sign_in("ada", GOOD).status_code == 429
    assert sign_in("ada", GOOD, "192.0.2.2").status_code == 302


def test_a_success_does_not_forget_what_the_address_did(ada: User) -> None:
    for number in range(throttle.OF_ADDRESS):
        fail(1, f"name-{number}")
        throttle.succeeded("192.0.2.1", "ada")
    assert sign_in("ada", GOOD).status_code == 429


def test_an_ipv6_network_is_one_address() -> None:
    for number in range(throttle.OF_NAME):
        throttle.failed(f"2001:db8::{number}", "ada")
    assert throttle.wait("2001:db8::ffff", "ada")
    assert not throttle.wait("2001:db8:1::1", "ada")
    assert not throttle.wait("::ffff:192.0.2.1", "ada")


def test_a_header_does_not_make_another_address(ada: User) -> None:
    """What X-Forwarded-For is worth the web server decides (see tests/test_security.py)."""
    fail(5)
    assert sign_in("ada", GOOD, headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 429


@pytest.mark.parametrize("name", ["ada", "nobody", "gone", "", "ada\0", "x" * 10_000])
def test_names_that_there_are_and_others_get_the_same_answers(name: str, ada: User) -> None:
    User.objects.create_user("gone", password=GOOD, is_active=False)

    def shown(answer: Any) -> tuple[int, list[str]]:
        form = answer.context["form"] if answer.status_code == 422 else None
        return answer.status_code, list(form.non_field_errors()) if form else []

    known = [shown(sign_in("nobody-else", "wrong", "192.0.2.9")) for _ in range(6)]
    asked = [shown(sign_in(name, "wrong")) for _ in range(6)]
    if name in ("ada", "nobody", "gone"):
        assert asked == known
    else:
        assert {status for status, _ in asked} <= {422, 429}


def test_names_that_there_are_and_others_take_the_same_work(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real = MD5PasswordHasher.encode

    def encode(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(real(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    User.objects.create_user("gone", password=GOOD, is_active=False)
    hashed.clear()
    for name in ("ada", "nobody", "gone"):
        assert authenticate(username=name, password="wrong") is None
    assert hashed == ["wrong"] * 3


def test_failures_are_logged_without_the_password(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "dashboard.throttle"):
        sign_in("ada\nFORGED LINE", "hunter2-hunter2")
        fail(5)
    assert "Failed sign-in: user 'ada' from 192.0.2.1" in caplog.messages
    assert any("has to wait" in line for line in caplog.messages)
    assert "hunter2" not in caplog.text
    assert not any(line.startswith("FORGED") for line in caplog.text.splitlines())


def test_guesses_at_ones_own_password_wait_too(ada: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.force_login(ada)
    values = {"current": "wrong", "new": "another long one", "again": "another long one"}
    assert [client.post("/password/", values).status_code for _ in range(6)] == [422] * 5 + [429]
    assert client.post("/password/", values | {"current": GOOD}).status_code == 429
    assert client.get("/password/").status_code == 200


def test_the_admins_sign_in_is_the_same_page(ada: User) -> None:
    fail(5)
    answer = Client(REMOTE_ADDR="192.0.2.1").post("/admin/login/", {"username": "ada", "password": GOOD})
    assert answer["Location"].startswith("/login/")
