"""What forms share: the domain's word on a value, its errors at their fields, and forms that have gone stale."""

import hashlib
from collections.abc import Callable
from copy import copy
from typing import Any

from django import forms
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from repos import names, units
from repos.errors import MillraceError
from repos.words import say

from .wording import in_our_words


class DomainForm(forms.Form):
    """A form whose values the domain has the last word on."""

    # The field at which an error of the domain is shown, where it is not the one that the error names.
    PLACES: dict[str, str] = {}

    def add_error(self, field: str | None, error: Any) -> None:
        """Also what Django's own checks come to: in our words, where they are not the field's."""
        if field and isinstance(error, forms.ValidationError) and not hasattr(error, "error_dict"):
            in_our_words(error, self.fields[field], str(self[field].label))
        super().add_error(field, error)

    def refuse(self, error: MillraceError) -> None:
        """Shows what the domain said against the values: at the field that it names, else above all of them."""
        field = self.PLACES.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, str(error))


class BytesField(forms.IntegerField):
    """A number of bytes, as people type sizes: `50 MB`; to begin with `units.typed_size`."""

    widget = forms.TextInput
    default_error_messages = {"invalid": _("Enter a number of bytes, such as 50 MB.")}

    def to_python(self, value: Any) -> int | None:
        try:
            return units.in_bytes(str(value).strip().removesuffix("/s"))
        except ValueError:
            # It says what it takes, but for nothing at all.
            return super().to_python(value)


class ChangeForm(DomainForm):
    """A form that changes what is there. It carries what it was opened on (`seen`), and tells when that is gone.

    `values` is what is there now, by field; it is also what the fields begin with. A stale form is filled with that,
    but for what was entered; it is `done` where nothing of what was entered is left to be stored.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, values: dict[str, Any], **options: Any) -> None:
        now = _digests(values)
        super().__init__(data, initial=values | {"seen": _written(now)}, **options)
        opened = _read(self.data.get(self.add_prefix("seen"), ""))
        # Whether somebody else changed what it was opened on. To be asked of a form that was sent.
        self.stale = bool(opened) and opened != now
        self.done = False
        # What was entered where somebody else entered something, too.
        self._contested: list[str] = []
        if self.stale:
            self._take_over(values, opened, now)

    def _take_over(self, values: dict[str, Any], opened: dict[str, str], now: dict[str, str]) -> None:
        """Fills it with what is there now, on which it is opened from here on; what was entered stays."""
        data: Any = copy(self.data)
        data[self.add_prefix("seen")] = _written(now)
        for field, value in values.items():
            name = self.add_prefix(field)
            sent = _digest(name in data if isinstance(value, bool) else data.get(name, value))
            if sent == opened.get(field):
                _fill(data, name, value)
            elif now[field] not in (sent, opened.get(field)):
                self._contested.append(field)
        self.data = data

    def changes_nothing(self) -> bool:
        """Whether what was entered is what is there now. Asked of a form that is valid."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        self.done = self.stale and not self.errors and self.changes_nothing()
        for field in self._contested if not self.done else ():
            if field in self.fields:
                self.add_error(field, say("Somebody else changed it. Now: {value}.", value=self._now(field)))

    def _now(self, field: str) -> str:
        """What is there now, in words."""
        value, offered = self.initial[field], self.fields[field]
        if isinstance(value, bool):
            return say("on") if value else say("off")
        if isinstance(offered, forms.ModelChoiceField):
            chosen = offered.queryset.filter(pk=value).first() if value and offered.queryset is not None else None
            return f"“{offered.label_from_instance(chosen)}”" if chosen else say("nothing")
        return f"“{Truncator(value).chars(100)}”" if value not in ("", None) else say("nothing")


class NameField(forms.CharField):
    """What people call something; the domain says which names are legal."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def clean(self, value: Any) -> str:
        return accepted(names.checked, super().clean(value))


def _digests(values: dict[str, Any]) -> dict[str, str]:
    """By which a form tells, field by field, that the values are still those it was opened on."""
    return {field: _digest(value) for field, value in values.items()}


def _digest(value: Any) -> str:
    """Of a value as of what a browser sends of it, if nobody touches it."""
    text = "" if value is None else str(value).replace("\r\n", "\n").strip()
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def _written(digests: dict[str, str]) -> str:
    return " ".join(f"{field}={digest}" for field, digest in digests.items())


def _read(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split())


def _fill(data: Any, name: str, value: Any) -> None:
    """Sets it as a browser would send it: a box that is not ticked is not sent."""
    if isinstance(value, bool):
        data.pop(name, None)
    if value is not False:
        data[name] = "on" if value is True else "" if value is None else str(value)


def accepted(check: Callable[[str], str], text: str) -> str:
    """What the domain makes of a text by itself, so that a form shows all its errors at once."""
    try:
        return check(text)
    except MillraceError as error:
        raise forms.ValidationError(str(error)) from None
