"""Making, changing and deleting a repository."""

from typing import Any

from django import forms
from django.utils.html import format_html

from repos import create, publish_settings, urls
from repos.errors import MillraceError
from repos.models import PublishSettings, Remote, Repository

from .base import ChangeForm, DomainForm, NameField, accepted
from .distributions import BASE_PATH_HELP, BasePathField
from .publish_settings import ALL, ValuesForm, scope_field
from .remotes import URL_HELP, URL_INPUT, RemoteForm, Shown


class MirrorForm(DomainForm):
    """The three fields of which a whole mirror is made."""

    url = forms.CharField(label="Upstream URL", help_text=URL_HELP, widget=URL_INPUT)
    name = NameField(
        help_text="What you call the repository.",
        widget=forms.TextInput(attrs={"placeholder": "python-docs", "autocomplete": "off"}),
    )
    base_path = BasePathField()

    def clean_url(self) -> str:
        return accepted(urls.checked, self.cleaned_data["url"])

    def values(self) -> dict[str, Any]:
        """What create.make_and_run takes. To be asked of a valid form."""
        return self.cleaned_data


class RemoteField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the remotes, told apart by what they read."""

    def __init__(self, empty_label: str) -> None:
        super().__init__(Remote.objects.all(), required=False, empty_label=empty_label)

    def label_from_instance(self, remote: Any) -> str:
        return f"{remote.name}: {remote.url}"


def _choice(name: str, explanation: str) -> str:
    return format_html("<span><strong>{}:</strong> {}</span>", name, explanation)


# Settings whose fields in the form are those of the repository.
_AS_THEY_ARE = (
    *("brake", "auto_publish", "auto_distribute", "skip_failed_files"),
    *("stale_days", "keep_versions", "keep_days"),
)


class SettingsForm(ValuesForm):
    """What a repository's own form asks, be it new or not."""

    MODES = (
        (
            "additive",
            _choice("Additive", "Files that vanish upstream are kept. Files can be added and removed by hand, too."),
        ),
        (
            "mirror",
            _choice("Mirror", "Files that vanish upstream are removed. It is exactly the upstream, nothing by hand."),
        ),
    )

    name = NameField()
    mode = forms.ChoiceField(
        label="Files that vanish upstream", choices=MODES, initial="additive", widget=forms.RadioSelect
    )
    brake = forms.IntegerField(
        label="Brake, in percent",
        min_value=0,
        max_value=100,
        initial=50,
        help_text="A mirror’s sync that would remove more of its files than this stops, and asks. "
        "One that finds an empty list always does.",
    )
    skip_failed_files = forms.BooleanField(
        label="Go on without files that cannot be fetched",
        required=False,
        help_text="A version is then made of the others, and says how many it goes without; the next sync tries them "
        "again. Otherwise one file that fails keeps the whole sync from making a version.",
    )
    stale_days = forms.IntegerField(
        label="Stale after days",
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        initial=7,
        help_text="So long after the last sync that got everything, it needs attention. Empty: never.",
    )
    keep_versions = forms.IntegerField(
        label="Keep the newest versions",
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        help_text="How many. If both fields are empty, all versions stay.",
    )
    keep_days = forms.IntegerField(
        label="Keep versions for days",
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        help_text="A version goes when neither of the two keeps it. What is served, pinned or in use always stays.",
    )
    auto_publish = forms.BooleanField(
        label="Publish after each sync", required=False, initial=True, help_text="A run may do otherwise."
    )
    auto_distribute = forms.BooleanField(
        label="Distribute what was published",
        required=False,
        initial=True,
        help_text="Switch what is served to it, in the same job.",
    )
    publish_settings = forms.ModelChoiceField(
        PublishSettings.objects.all(), label="Publish with", required=False, empty_label="Other values, given below"
    )

    PLACES = {"mirror": "mode"}

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            try:
                create.check_settings(Repository(**self._settings()))
            except MillraceError as error:
                self.refuse(error)
        return self.cleaned_data

    def _settings(self) -> dict[str, Any]:
        """The repository's own fields."""
        data = self.cleaned_data
        return {field: data[field] for field in ("name", *_AS_THEY_ARE)} | {
            "mirror": data["mode"] == "mirror",
            "remote": data["remote"],
        }

    def publish_values(self) -> dict[str, Any]:
        """The values of the publish settings: those of a row that is there, or those given."""
        row = self.cleaned_data.get("publish_settings")
        return publish_settings.values_of(row) if row else super().publish_values()


class NewForm(SettingsForm):
    """All of a new repository: where its files come from, what is done with them, and where they are served."""

    NEW, EXISTING, NONE = "new", "existing", "none"

    upstream = forms.ChoiceField(
        label="Where its files come from",
        choices=[
            (NEW, _choice("A new remote", "with the address below.")),
            (EXISTING, _choice("A remote that is there", "with its login, proxy and limits.")),
            (NONE, _choice("No upstream", "you upload the files.")),
        ],
        initial=NEW,
        widget=forms.RadioSelect,
    )
    url = forms.CharField(
        label="Upstream URL",
        required=False,
        help_text=f"{URL_HELP} The remote is called as the repository.",
        widget=URL_INPUT,
    )
    remote = RemoteField(empty_label="Choose a remote")
    base_path = BasePathField(required=False, help_text=f"{BASE_PATH_HELP}. Empty: nowhere yet.")
    run_now = forms.BooleanField(label="Run the first job now", required=False, initial=True)

    def __init__(self, data: Any = None) -> None:
        usual = PublishSettings.objects.filter(**publish_settings.checked({})).first()
        super().__init__(data, initial={"publish_settings": usual})
        # How a new remote is reached. Its name and address are the fields of the same names here.
        self.reach = RemoteForm(data, checking=data is not None)

    def reach_groups(self) -> list[Shown]:
        return [shown for shown in self.reach.groups() if shown.group.name != "upstream"]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        upstream = data.get("upstream")
        if upstream == self.NEW:
            self._clean_url(data)
            if set(self.reach.errors) - {"name", "url"}:
                self.add_error(None, "Something is wrong with how the upstream is to be reached: see below.")
        elif upstream == self.EXISTING and not data.get("remote") and "remote" not in self.errors:
            self.add_error("remote", "Choose one, or give the address of a new one.")
        if upstream == self.NONE:
            # Which mode it is, was not asked any more.
            data["mode"] = "additive"
        if upstream != self.EXISTING:
            # A new one is made with the repository; the domain only asks whether there is one.
            data["remote"] = Remote() if upstream == self.NEW else None
        if self._runs_into_nothing(data):
            self.add_error("base_path", "Say where it is to be served, or turn off “distribute” or the first job.")
        return super().clean()

    def _clean_url(self, data: dict[str, Any]) -> None:
        if not data.get("url") and "url" not in self.errors:
            self.add_error("url", "Give the address of the upstream, or choose another place that its files come from.")
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
        where = {"base_path": data["base_path"] or None, "publish_with": self.publish_values()}
        return self._settings() | where | upstream | {"run": data["run_now"] and data["upstream"] != self.NONE}

    def _reach(self) -> dict[str, Any]:
        values = self.reach.values() if self.reach.is_valid() else {}
        return {field: value for field, value in values.items() if field not in ("name", "url")}


class EditForm(ChangeForm, SettingsForm):
    """All of a repository that can be changed."""

    remote = RemoteField(empty_label="None: its files are uploaded")

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data, values=_present(repository))
        self._repository = repository
        users = repository.publish_settings.repositories.count()
        self.fields["mode"].help_text = _MODE_CHANGES[repository.mode]
        if users > 1:
            self.fields["scope"] = scope_field(repository, users)
            self.fields["scope"].help_text = "Counts when the publish settings are changed."

    def changes_nothing(self) -> bool:
        present = publish_settings.values_of(self._repository.publish_settings)
        same = all(getattr(self._repository, field) == value for field, value in self._settings().items())
        return same and publish_settings.checked(self.publish_values()) == present

    def values(self) -> dict[str, Any]:
        """What change.change_repository takes. To be asked of a valid form."""
        everywhere = self.cleaned_data.get("scope") == ALL
        return self._settings() | {"publish_with": self.publish_values(), "for_all": everywhere}


# What the next sync makes of a change of mode, by the mode that is there.
_MODE_CHANGES = {
    "additive": "As a mirror, the next sync removes whatever is not upstream any more. It stops and asks if that is "
    "more than the brake allows. Files can then no longer be changed by hand.",
    "mirror": "As additive, the next sync removes nothing any more. What earlier syncs removed does not come back by "
    "itself: restore a version for that.",
}


def _present(repository: Repository) -> dict[str, Any]:
    return publish_settings.values_of(repository.publish_settings) | {
        "name": repository.name,
        "remote": repository.remote_id,
        "mode": repository.mode,
        **{field: getattr(repository, field) for field in _AS_THEY_ARE},
        "publish_settings": repository.publish_settings_id,
    }


class DeleteForm(DomainForm):
    """What is asked before a repository is deleted: its name, and whether its remote goes too."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))
    with_remote = forms.BooleanField(label="Delete its remote too, which nothing else uses", required=False)

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data)
        self._repository = repository
        self.fields["name"].label = f"Type its name, {repository}, to confirm"
        remote = repository.remote
        if remote is None or remote.repositories.count() > 1:
            del self.fields["with_remote"]

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self._repository.name:
            raise forms.ValidationError(f"That is not its name. Type “{self._repository.name}”.")
        return self._repository.name
