"""What every page carries, and the page for a method that an address does not take."""

import pytest
from django.test import Client

from dashboard.middleware import POLICY

pytestmark = pytest.mark.django_db


def test_every_page_forbids_what_is_not_ours(client: Client) -> None:
    assert client.get("/login/").headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY


def test_a_wrong_method_is_answered_with_a_page(admin_client: Client) -> None:
    answer = admin_client.get("/jobs/1/cancel/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "takes POST only" in answer.content.decode()


def test_a_program_gets_the_bare_answer(admin_client: Client) -> None:
    answer = admin_client.get("/jobs/1/cancel/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, "POST", b"")


def test_anonymous_visitors_are_asked_to_sign_in_first(client: Client) -> None:
    assert client.get("/jobs/1/cancel/").status_code == 302


def test_an_unknown_host_name_is_told_what_to_do(client: Client) -> None:
    answer = client.get("/login/", headers={"host": "other.example"})
    assert answer.status_code == 400
    assert "MILLRACE_HOSTS" in answer.content.decode()
