"""Making a repository with all that it needs: by three fields, or with every setting."""

from copy import copy
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from repos import create, proposals, publish_settings, urls
from repos.errors import MillraceError
from repos.models import PublishSettings, Remote

from .base import DomainForm, NameField, accepted
from .distributions import BASE_PATH_HELP, BasePathField, protected_field
from .remotes import URL_HELP, URL_INPUT, RemoteForm, Shown
from .repositories import RemoteField, SettingsForm, choice


class ProposingForm(DomainForm):
    """A form that proposes a name and a base path by the upstream's address, where nobody has typed another.

    What it has proposed comes back with it (`proposed_…`): that nobody has typed.
    """

    proposed_name = forms.CharField(widget=forms.HiddenInput, required=False)
    proposed_base_path = forms.CharField(widget=forms.HiddenInput, required=False)

    PROPOSED = ("name", "base_path")

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        # How its upstream is reached. Its name and address are the fields of the same names here.
        self.reach = RemoteForm(data, checking=data is not None)

    def propose(self, url: str) -> str:
        """Fills in what may be filled in, and shows nothing of what is wrong: this has been no try to send it.

        Returns the base path if it is the one that was proposed, and so is free.
        """
        data: Any = copy(self.data)
        for field, value in zip(self.PROPOSED, proposals.propose(url), strict=True):
            entered, before = data.get(field, "").strip(), data.get(f"proposed_{field}", "")
            if entered in ("", before):
                data[field] = data[f"proposed_{field}"] = value
        self.data = data
        self.show_as_entered()
        return str(data["base_path"]) if data["base_path"] == data.get("proposed_base_path") else ""

    def refuse(self, error: MillraceError) -> None:
        """Also says what else is taken: the domain stops at the first."""
        name, base_path = self.cleaned_data.get("name"), self.cleaned_data.get("base_path")
        super().refuse(error)
        for other in create.taken(name, base_path):
            if other.field not in self.errors:
                super().refuse(other)

    def show_as_entered(self) -> None:
        """Without a word of what is wrong with it."""
        self._errors = ErrorDict()


class MirrorForm(ProposingForm):
    """The three fields of which a whole mirror is made."""

    url = forms.CharField(label=_("Upstream URL"), help_text=URL_HELP, widget=URL_INPUT)
    name = NameField(
        label=_("Name"),
        help_text=_("What you call the repository."),
        widget=forms.TextInput(attrs={"placeholder": "python-docs", "autocomplete": "off"}),
    )
    base_path = BasePathField()

    def clean_url(self) -> str:
        return accepted(urls.checked, self.cleaned_data["url"])

    def values(self) -> dict[str, Any]:
        """What create.make_and_run takes. To be asked of a valid form."""
        return {name: self.cleaned_data[name] for name in ("url", *self.PROPOSED)}


class NewForm(ProposingForm, SettingsForm):
    """All of a new repository: where its files come from, what is done with them, and where they are served."""

    NEW, EXISTING, NONE = "new", "existing", "none"

    upstream = forms.ChoiceField(
        label=_("Where its files come from"),
        choices=[
            (NEW, choice(_("A new remote"), _("with the address below."))),
            (EXISTING, choice(_("A remote that is there"), _("with its login, proxy and limits."))),
            (NONE, choice(_("No upstream"), _("you upload the files."))),
        ],
        initial=NEW,
        widget=forms.RadioSelect,
    )
    url = forms.CharField(
        label=_("Upstream URL"),
        required=False,
        help_text=format_lazy("{} {}", URL_HELP, _("The new remote gets the name of the repository.")),
        widget=URL_INPUT,
    )
    remote = RemoteField(empty_label=_("Choose a remote"))
    base_path = BasePathField(required=False, help_text=format_lazy("{}. {}", BASE_PATH_HELP, _("Empty: nowhere yet.")))
    protected = protected_field()
    run_now = forms.BooleanField(label=_("Run the first job now"), required=False, initial=True)

    # What nearly everybody is asked; the rest is folded away.
    USUAL = ("upstream", "url", "remote", "name", "base_path", "mode", *ProposingForm.PROPOSED)

    def __init__(self, data: Any = None) -> None:
        usual = PublishSettings.objects.filter(**publish_settings.checked({})).first()
        super().__init__(data, initial={"publish_settings": usual})

    @property
    def is_odd(self) -> bool:
        """Whether something that is folded away has to be looked at."""
        return bool(set(self.errors) - {*self.USUAL, "__all__"} or any(shown.open for shown in self.reach_groups()))

    def reach_groups(self) -> list[Shown]:
        return [shown for shown in self.reach.groups() if shown.group.name != "upstream"]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        upstream = data.get("upstream")
        if upstream == self.NEW:
            self._clean_url(data)
            if set(self.reach.errors) - {"name", "url"}:
                self.add_error(None, gettext("Something is wrong with how the upstream is to be reached: see below."))
        elif upstream == self.EXISTING and not data.get("remote") and "remote" not in self.errors:
            self.add_error("remote", gettext("Choose one, or give the address of a new one."))
        if upstream == self.NONE:
            # Which mode it is, was not asked any more.
            data["mode"] = "additive"
        if upstream != self.EXISTING:
            # A new one is made with the repository; the domain only asks whether there is one.
            data["remote"] = Remote() if upstream == self.NEW else None
        if self._runs_into_nothing(data):
            self.add_error(
                "base_path", gettext("Say where it is to be served, or turn off “distribute” or the first job.")
            )
        return super().clean()

    def _clean_url(self, data: dict[str, Any]) -> None:
        if not data.get("url") and "url" not in self.errors:
            self.add_error(
                "url", gettext("Give the address of the upstream, or choose another place that its files come from.")
            )
            return
        try:
            data["url"] = accepted(urls.checked, data.get("url", ""))
        except forms.ValidationError as error:
            self.add_error("url", error)

    def _runs_into_nothing(self, data: dict[str, Any]) -> bool:
        """Whether the first job is to distribute what no distribution follows."""
        runs = data.get("run_now") and data.get("upstream") != self.NONE
        return bool(
            runs and data.get("auto_distribute") and not data.get("base_path") and "base_path" not in self.errors
        )

    def values(self) -> dict[str, Any]:
        """What create.make_and_run takes. To be asked of a valid form."""
        data = self.cleaned_data
        is_new = data["upstream"] == self.NEW
        upstream = {"url": data["url"], "remote": None, "reach": self._reach()} if is_new else {}
        where = {"base_path": data["base_path"] or None, "protected": data["protected"]}
        where |= {"publish_with": self.publish_values()}
        return self._settings() | where | upstream | {"run": data["run_now"] and data["upstream"] != self.NONE}

    def _reach(self) -> dict[str, Any]:
        values = self.reach.values() if self.reach.is_valid() else {}
        return {field: value for field, value in values.items() if field not in ("name", "url")}
