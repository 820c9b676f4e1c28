"""Users: new ones, their roles and passwords; and one's own password."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from dashboard import users
from dashboard.roles import Role

from .base import DomainForm

WORDS = {
    Role.VIEWER: _("Viewer: looks at everything, changes nothing"),
    Role.OPERATOR: _("Operator: works with repositories, remotes, distributions, jobs and storage"),
    Role.ADMINISTRATOR: _("Administrator: looks after users and the admin besides"),
}


class RoleField(forms.TypedChoiceField):
    """One of the roles."""

    def __init__(self) -> None:
        choices = [(role.word, WORDS[role]) for role in users.ROLES.values()]
        super().__init__(
            label=_("Role"),
            choices=choices,
            coerce=users.ROLES.__getitem__,
            initial=Role.VIEWER.word,
            widget=forms.RadioSelect,
        )


class NewPasswordField(forms.CharField):
    """The domain says which passwords will do. Spaces belong to them."""

    def __init__(self, **options: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(widget=widget, strip=False, max_length=500, **options)


def _to_be_made() -> NewPasswordField:
    return NewPasswordField(
        label=_("Password"), required=False, help_text=_("Leave it empty to have one made, which is shown once.")
    )


class AddForm(DomainForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("Letters, digits and @ . + - _"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    role = RoleField()
    password = _to_be_made()


class RoleForm(DomainForm):
    role = RoleField()


class PasswordForm(DomainForm):
    password = _to_be_made()


class OwnPasswordForm(DomainForm):
    """Who sits at somebody's open browser does not know the current password."""

    PLACES = {"password": "new"}

    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = NewPasswordField(label=_("New password"))
    again = NewPasswordField(label=_("The new one again"))

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        self._user = user

    def clean_current(self) -> str:
        current: str = self.cleaned_data["current"]
        if not self._user.check_password(current):
            raise forms.ValidationError(_("This is not your current password."))
        return current

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new", again):
            raise forms.ValidationError(_("These two are not the same."))
        return again
