"""Signing in and out."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ada", password="a long one")


def test_it_works(client: Client, user: User) -> None:
    response = client.post("/login/", {"username": "ada", "password": "a long one"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


@pytest.mark.any_database
def test_a_wrong_password_answers_422_with_the_form(client: Client, user: User) -> None:
    response = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert response.status_code == 422
    assert "Please enter a correct username and password" in response.content.decode()


@pytest.mark.parametrize(
    ("to", "landing"),
    [
        ("/jobs/?state=failed", "/jobs/?state=failed"),
        ("/repositories/3/", "/repositories/3/"),
        ("/repositories/new/", "/repositories/new/"),
        ("/repositories/3/versions/1/?q=a", "/repositories/3/versions/1/?q=a"),
        ("/remotes/3/edit/", "/remotes/3/edit/"),
        ("/distributions/?show=pinned", "/distributions/?show=pinned"),
        ("/publish-settings/3/", "/publish-settings/3/"),
        ("/publications/3/", "/publications/3/"),
        ("/repositories/3/run/", "/"),
        ("/distributions/base-path-check/?base_path=a", "/"),
        ("/jobs/3/panel/", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
    ],
)
def test_it_leads_back_to_pages_only(client: Client, user: User, to: str, landing: str) -> None:
    response = client.post("/login/", {"username": "ada", "password": "a long one", "next": to})
    assert response["Location"] == landing


def test_signing_out_takes_a_form(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302
