"""Correcting in the admin is the domain's changing: it checks the values, and it writes them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms

from dashboard.views.http import Request
from repos.errors import MillraceError

from .base import MillraceAdmin

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class CorrectionForm(ModelForm):
    """A form that says at its fields what the domain has against the values."""

    def faults(self, before: Any, values: dict[str, Any]) -> Iterable[MillraceError]:
        """What is wrong with these new values of the object that was `before`."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for error in self.faults(as_stored(self.instance), self.new_values()):
            self.add_error(error.field if error.field in self.fields else None, str(error))
        return cleaned

    def new_values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}


class CorrectingAdmin(MillraceAdmin):
    """A model of which something may be corrected."""

    def correct(self, request: Request, before: Any, values: dict[str, Any]) -> None:
        """Writes by the domain. Raises MillraceError, where the form could not foresee it."""
        raise NotImplementedError

    def save_model(self, request: Any, obj: Any, form: Any, change: Any) -> None:
        if values := form.new_values():
            self.correct(request, as_stored(obj), values)


def as_stored(obj: Any) -> Any:
    """The object as it is, not as a form has filled it in."""
    return type(obj)._default_manager.get(pk=obj.pk)
