"""What Django itself has to say against a value, in our words: what to enter, not what is wrong with it."""

from collections.abc import Callable

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# By the code of an error: how Django words it, for what a field says of its own is left as it is.
_DJANGOS = {
    "required": [forms.Field.default_error_messages["required"]],
    "invalid_choice": [
        forms.ChoiceField.default_error_messages["invalid_choice"],
        forms.ModelChoiceField.default_error_messages["invalid_choice"],
        forms.ModelMultipleChoiceField.default_error_messages["invalid_choice"],
    ],
}


def in_our_words(error: ValidationError, field: forms.Field, label: str) -> None:
    """Replaces each of the error's messages that is Django's own; the values in them stay."""
    for one in error.error_list:
        say = _OURS.get(one.code or "")
        if say and one.message in _DJANGOS.get(one.code or "", [one.message]):
            one.message = say(field, label)


def _required(field: forms.Field, label: str) -> str:
    match field:
        case forms.FileField():
            return _("Choose a file.")
        case forms.ChoiceField():
            return _("Choose one.")
        case forms.BooleanField():
            return _("Tick it to go on.")
        case forms.IntegerField():
            return _("Enter a number.")
    return _("Enter the %s.") % _within_a_sentence(label)


def _not_offered(field: forms.Field, label: str) -> str:
    if isinstance(field, forms.ModelChoiceField):
        return _("It is not there, or not any more. Choose another.")
    return _("“%(value)s” is not offered. Choose one of the list.")


def _within_a_sentence(label: str) -> str:
    """“Base path” as “base path”; “URL” stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


_OURS: dict[str, Callable[[forms.Field, str], str]] = {
    "required": _required,
    "invalid_choice": _not_offered,
    "invalid_pk_value": lambda field, label: _("It is not there, or not any more. Choose another."),
    "max_length": lambda field, label: _("It has %(show_value)s characters. Shorten it to %(limit_value)s at most."),
    "min_value": lambda field, label: _("Enter %(limit_value)s or more."),
    "max_value": lambda field, label: _("Enter %(limit_value)s or less."),
    "null_characters_not_allowed": lambda field, label: _(
        "It has a character that cannot be stored. Enter it without."
    ),
}
