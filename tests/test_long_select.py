"""A select with very many options: the same as Django's, sooner."""

from typing import Any

import pytest
from django import forms
from django.test.html import Element, parse_html

from dashboard.forms.long_select import LongSelect

CHOICES = [("", "None"), (1, "one"), ("<&>", "“<b>”")]


@pytest.mark.parametrize("value", ["", None, 1, "1", "<&>", "unknown"])
@pytest.mark.parametrize("attrs", [{}, {"id": "id_x", "required": True, "disabled": False, "title": 'a "b"'}])
def test_it_is_what_django_makes(value: Any, attrs: dict[str, Any]) -> None:
    def made(kind: type[forms.Select]) -> Element:
        return parse_html(kind(choices=CHOICES).render("x", value, attrs))

    assert made(LongSelect) == made(forms.Select)
