"""Making, changing and checking remotes. What is secret goes in, and never comes out again."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from repos import remotes, units
from repos.errors.storage import SecretLost
from repos.models import Remote
from repos.remote_values import RANGES
from repos.words import say

from .base import BytesField, ChangeForm

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class Group:
    """Fields that belong together, under a heading; all but the first can be folded away."""

    name: str
    title: "StrPromise"
    fields: tuple[str, ...]


GROUPS = (
    Group("upstream", _("Upstream"), ("name", "kind", "url")),
    Group("login", _("Login"), ("username", "password", "token", "user_agent", "headers")),
    Group("tls", _("TLS"), ("tls_verify", "ca_certificate", "client_certificate", "client_key")),
    Group("way", _("The way there"), ("proxy_url", "proxy_username", "proxy_password", "use_environment")),
    Group("limits", _("Limits"), tuple(RANGES)),
)


class SecretArea(forms.Textarea):
    """Text of several lines that is never shown again."""

    def format_value(self, value: Any) -> str:
        return ""


class AddressInput(forms.URLInput):
    """An address, without the login that somebody entered in it: that is refused, and is not shown again."""

    def format_value(self, value: Any) -> str:
        return re.sub(r"//[^/?#]*@", "//", str(value or ""))


# Of an upstream's address, wherever it is asked for.
URL_HELP = _("A PULP_MANIFEST, or the folder that has one (then with a slash at its end).")
URL_INPUT = AddressInput(attrs={"placeholder": "https://example.org/files/", "autocomplete": "off"})

_PEM = {"rows": 4, "spellcheck": "false", "autocomplete": "off"}
_SECRET_LINE = forms.PasswordInput(attrs={"autocomplete": "new-password"})
_WIDGETS: dict[str, type[forms.Widget] | forms.Widget] = {
    "name": forms.TextInput(attrs={"autocomplete": "off"}),
    "url": URL_INPUT,
    "username": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    "password": _SECRET_LINE,
    "token": _SECRET_LINE,
    "headers": SecretArea(attrs={**_PEM, "placeholder": "X-Api-Key: 123"}),
    "ca_certificate": forms.Textarea(attrs=_PEM),
    "client_certificate": forms.Textarea(attrs=_PEM),
    "client_key": SecretArea(attrs=_PEM),
    "proxy_url": AddressInput(attrs={"placeholder": "http://proxy.example:3128", "autocomplete": "off"}),
    "proxy_username": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    "proxy_password": _SECRET_LINE,
}
# The others have theirs from the model.
_LABELS: dict[str, Any] = {
    "name": _("Name"),
    "kind": _("Kind"),
    "url": _("Upstream URL"),
    "password": _("Password"),
    "user_agent": _("User agent"),
    "client_certificate": _("Client certificate"),
    "client_key": _("Client key"),
    "proxy_password": _("Proxy password"),
    "use_environment": _("Use environment"),
    "concurrency": _("Concurrency"),
    "tries": _("Tries"),
    "least_speed": _("Least speed"),
    "deadline": _("Deadline"),
    "rate_limit": _("Rate limit"),
}
_DEFAULTS = Remote()
_HELP: dict[str, Any] = {
    "name": _("What you call it. Repositories choose it by this name."),
    "url": URL_HELP,
    "kind": _("What the list of files is."),
    "rate_limit": _("Bytes a second, such as 50 MB, that a job takes from this upstream at most. 0: no limit."),
}
_TYPES = {"least_speed": BytesField, "rate_limit": BytesField}


class RemoteForm(ChangeForm):
    """All settings of `remote`, or of a new one. When only `checking` they may lack the name, or whole groups."""

    def __init__(self, data: Any = None, *, remote: Remote | None = None, checking: bool = False) -> None:
        super().__init__(data, values=_values(remote or Remote()))
        self.remote = remote
        for group in GROUPS:
            if not checking or any(self.add_prefix(name) in self.data for name in group.fields):
                self.fields |= _fields(group, remote)
        # Of what may be missing then, nothing is looked at.
        self._left_out = {name for name in ("name", "kind") if checking and not self.data.get(self.add_prefix(name))}
        for name in self._left_out & self.fields.keys():
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        for error in remotes.faults(self.remote, **self.values()):
            self.refuse(error)
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """What the functions of repos/remotes.py take: a secret that was left empty is None, and so is kept."""
        secrets = {name: self._secret(name) for name in Remote.SECRETS if name in self.fields}
        others = {name: value for name, value in self.cleaned_data.items() if name in remotes.FIELDS}
        return {name: value for name, value in (others | secrets).items() if name not in self._left_out}

    def _secret(self, name: str) -> str | None:
        return self.cleaned_data.get(name) or ("" if self.cleaned_data.get(f"remove_{name}") else None)

    def changes_nothing(self) -> bool:
        try:
            return self.remote is not None and remotes.is_already(self.remote, **self.values())
        except SecretLost:
            return False

    def forget_secrets(self) -> None:
        """To be called before a form that was sent is shown once more: says where something has to be entered again."""
        for name in Remote.SECRETS:
            if name in self.fields and self.data.get(self.add_prefix(name)):
                self.add_error(name, say("Enter it again: what is secret is not shown again."))

    def groups(self) -> list["Shown"]:
        """The groups that the form has, in their order."""
        return [self._shown(group) for group in GROUPS if any(name in self.fields for name in group.fields)]

    def _shown(self, group: Group) -> "Shown":
        cells = [[self[one] for one in (name, f"remove_{name}") if one in self.fields] for name in group.fields]
        return Shown(group, cells, any(self._says_something(cell) for cell in cells))

    def _says_something(self, cell: list[forms.BoundField]) -> bool:
        if len(cell) > 1 or any(field.errors for field in cell):
            return True
        field = cell[0]
        return field.name not in Remote.SECRETS and str(field.value()) != str(getattr(_DEFAULTS, field.name))


@dataclass(frozen=True)
class Shown:
    """A group as a form shows it: its fields, each with the box that removes it; open where one is set, or wrong."""

    group: Group
    cells: list[list[forms.BoundField]]
    open: bool


def _values(remote: Remote) -> dict[str, Any]:
    """What a form is opened on. Of secrets only whether they have changed since matters."""
    shown = {name: getattr(remote, name) for name in remotes.FIELDS}
    shown |= {name: units.typed_size(shown[name]) for name in _TYPES}
    return shown | {"sealed": [getattr(remote, name) for name in Remote.SECRETS]}


def _fields(group: Group, remote: Remote | None) -> dict[str, forms.Field]:
    """The group's fields, each secret that is set followed by a box to remove it."""
    found: dict[str, forms.Field] = {}
    made = forms.fields_for_model(
        Remote, group.fields, labels=_LABELS, widgets=_WIDGETS, help_texts=_HELP, field_classes=_TYPES
    )
    for name, field in made.items():
        found[name] = field
        if name in RANGES and name not in _TYPES:
            field.widget.attrs |= dict(zip(("min", "max"), RANGES[name], strict=True))
        if name in ("password", "proxy_password"):
            field.strip = False
        if name in Remote.SECRETS and remote and getattr(remote, name):
            field.help_text = f"{field.help_text} {say('It is set: leave this empty to keep it.')}".strip()
            found[f"remove_{name}"] = forms.BooleanField(label=_removal(field.label), required=False)
    return found


def _removal(label: Any) -> str:
    return say("Remove the {secret}", secret=f"{str(label)[:1].lower()}{str(label)[1:]}")
