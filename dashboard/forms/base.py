"""What forms share: the domain's word on a value, its errors at their fields, and forms that have gone stale."""

import hashlib
import json
from collections.abc import Callable
from copy import copy
from typing import Any

from django import forms

from repos.errors import MillraceError


class DomainForm(forms.Form):
    """A form whose values the domain has the last word on."""

    # The field at which an error of the domain is shown, where it is not the one that the error names.
    PLACES: dict[str, str] = {}

    def refuse(self, error: MillraceError) -> None:
        """Shows what the domain said against the values: at the field that it names, else above all of them."""
        field = self.PLACES.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, str(error))


class ChangeForm(DomainForm):
    """A form that changes what is there. It carries what it was opened on (`seen`), and tells when that is gone.

    `values` is what is there now, by field; it is also what the fields begin with.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, values: dict[str, Any], **options: Any) -> None:
        digest = seen(values)
        super().__init__(data, initial=values | {"seen": digest}, **options)
        name = self.add_prefix("seen")
        # Whether somebody else changed what it was opened on. To be asked of a form that was sent.
        self.stale = bool(self.data.get(name)) and self.data[name] != digest
        if self.stale:
            # Shown once more, it is opened on what is there now.
            again: Any = copy(self.data)
            again[name] = digest
            self.data = again


def seen(values: dict[str, Any]) -> str:
    """A short digest of `values`, by which a form tells that they are still those it was opened on."""
    return hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()[:16]


def accepted(check: Callable[[str], str], text: str) -> str:
    """What the domain makes of a text by itself, so that a form shows all its errors at once."""
    try:
        return check(text)
    except MillraceError as error:
        raise forms.ValidationError(str(error)) from None
