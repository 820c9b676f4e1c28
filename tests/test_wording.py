"""What forms say where Django's own checks find something: what to enter."""

from typing import Any

import pytest
from django import forms

from dashboard.forms.base import DomainForm
from repos.models import PublishSettings


class Example(DomainForm):
    base_path = forms.CharField(max_length=5)
    url = forms.CharField(label="URL")
    own = forms.CharField(error_messages={"required": "Type it."})
    number = forms.IntegerField(min_value=2, max_value=9)
    choice = forms.ChoiceField(choices=[("a", "A")])
    row = forms.ModelChoiceField(PublishSettings.objects.all())
    rows = forms.ModelMultipleChoiceField(PublishSettings.objects.all())
    file = forms.FileField()
    sure = forms.BooleanField()


def said(**values: Any) -> dict[str, str]:
    return {field: str(errors[0]) for field, errors in Example(values).errors.items()}


@pytest.mark.django_db
def test_it_works() -> None:
    assert said() == {
        "base_path": "Enter the base path.",
        "url": "Enter the URL.",
        "own": "Type it.",
        "number": "Enter a number.",
        "choice": "Choose one.",
        "row": "Choose one.",
        "rows": "Choose one.",
        "file": "Choose a file.",
        "sure": "Tick it to go on.",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("base_path", "abcdef", "It has 6 characters. Shorten it to 5 at most."),
        ("base_path", "a\0", "It has a character that cannot be stored. Enter it without."),
        ("number", "1", "Enter 2 or more."),
        ("number", "10", "Enter 9 or less."),
        ("number", "x", "Enter a whole number."),
        ("choice", "b", "“b” is not offered. Choose one of the list."),
        ("row", "77", "It is not there, or not any more. Choose another."),
        ("rows", ["77"], "It is not there, or not any more. Choose another."),
    ],
)
def test_what_is_wrong_says_what_would_be_right(field: str, value: Any, expected: str) -> None:
    assert said(**{field: value})[field] == expected


class Strict(DomainForm):
    def clean(self) -> None:
        raise forms.ValidationError("This field is required.", code="required")


def test_what_concerns_the_whole_form_stays_as_it_was_said() -> None:
    assert Strict({}).non_field_errors() == ["This field is required."]
