"""The style guide: all parts are there, and what it links to is on it."""

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from dashboard.templatetags.display import shown_states
from dashboard.views.styleguide import SECTIONS


def test_it_works(admin_client: Client) -> None:
    text = admin_client.get("/styleguide/").content.decode()
    for anchor, _ in SECTIONS:
        assert f'<a href="#{anchor}">' in text
        assert f'<section class="section" id="{anchor}">' in text
    assert all(f"badge-{state.replace(' ', '-')}" in text for state in shown_states())


def test_no_two_things_on_it_have_one_id(admin_client: Client) -> None:
    found = re.findall(r'\sid="([^"]+)"', admin_client.get("/styleguide/").content.decode())
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("asked", "told"), [("success", 1), ("error", 1), ("nonsense", 0), ("", 0)])
def test_a_toast_is_shown_on_request(admin_client: Client, asked: str, told: int) -> None:
    response = admin_client.get("/styleguide/", {"toast": asked})
    assert len(list(get_messages(response.wsgi_request))) == told
    assert response.content.decode().count("data-toast") == told


def test_its_form_takes_nothing(admin_client: Client) -> None:
    assert admin_client.post("/styleguide/").status_code == 405
