"""Changing and deleting a repository; what its form asks, be it new (see creating.py) or not."""

from typing import Any

from django import forms
from django.utils.functional import keep_lazy
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from repos import create, publish_settings
from repos.errors import MillraceError
from repos.models import PublishSettings, Remote, Repository

from .base import ChangeForm, DomainForm, NameField
from .long_select import LongSelect
from .publish_settings import ALL, ValuesForm, scope_field


class RemoteField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the remotes, told apart by what they read."""

    def __init__(self, empty_label: Any) -> None:
        told = {"label": _("Remote"), "empty_label": empty_label, "widget": LongSelect}
        super().__init__(Remote.objects.all(), required=False, **told)

    def label_from_instance(self, remote: Any) -> str:
        return f"{remote.name}: {remote.url}"


@keep_lazy(str)
def choice(name: Any, explanation: Any) -> str:
    """How a radio button says what it chooses; both may be lazy."""
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
            choice(
                _("Additive"),
                _("Files that vanish upstream are kept. Files can be added and removed by hand, too."),
            ),
        ),
        (
            "mirror",
            choice(
                _("Mirror"),
                _("Files that vanish upstream are removed. It is exactly the upstream, nothing by hand."),
            ),
        ),
    )

    name = NameField(label=_("Name"))
    mode = forms.ChoiceField(
        label=_("Files that vanish upstream"), choices=MODES, initial="additive", widget=forms.RadioSelect
    )
    brake = forms.IntegerField(
        label=_("Brake, in percent"),
        min_value=0,
        max_value=100,
        initial=50,
        help_text=_(
            "A mirror’s sync that would remove more of its files than this stops, and asks. "
            "One that finds an empty list always does."
        ),
    )
    skip_failed_files = forms.BooleanField(
        label=_("Go on without files that cannot be fetched"),
        required=False,
        help_text=_(
            "A version is then made of the others, and says how many it goes without; the next sync tries them "
            "again. Otherwise one file that fails keeps the whole sync from making a version."
        ),
    )
    stale_days = forms.IntegerField(
        label=_("Stale after days"),
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        initial=7,
        help_text=_("So long after the last sync that got everything, it needs attention. Empty: never."),
    )
    keep_versions = forms.IntegerField(
        label=_("Keep the newest versions"),
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        help_text=_("How many. If both fields are empty, all versions stay."),
    )
    keep_days = forms.IntegerField(
        label=_("Keep versions for days"),
        required=False,
        min_value=1,
        max_value=create.MAX_NUMBER,
        help_text=_("A version goes when neither of the two keeps it. What is served, pinned or in use always stays."),
    )
    auto_publish = forms.BooleanField(
        label=_("Publish after each sync"), required=False, initial=True, help_text=_("A run may do otherwise.")
    )
    auto_distribute = forms.BooleanField(
        label=_("Distribute what was published"),
        required=False,
        initial=True,
        help_text=_("Switch what is served to it, in the same job."),
    )
    publish_settings = forms.ModelChoiceField(
        PublishSettings.objects.all(),
        label=_("Publish with"),
        required=False,
        empty_label=_("Other values, given below"),
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


class EditForm(ChangeForm, SettingsForm):
    """All of a repository that can be changed."""

    remote = RemoteField(empty_label=_("None: its files are uploaded"))

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data, values=_present(repository))
        self._repository = repository
        users = repository.publish_settings.repositories.count()
        self.fields["mode"].help_text = _MODE_CHANGES[repository.mode]
        if users > 1:
            self.fields["scope"] = scope_field(repository, users)
            self.fields["scope"].help_text = gettext("Counts when the publish settings are changed.")

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
    "additive": _(
        "As a mirror, the next sync removes whatever is not upstream any more. It stops and asks if that is "
        "more than the brake allows. Files can then no longer be changed by hand."
    ),
    "mirror": _(
        "As additive, the next sync removes nothing any more. What earlier syncs removed does not come back by "
        "itself: restore a version for that."
    ),
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
    with_remote = forms.BooleanField(label=_("Delete its remote too, which nothing else uses"), required=False)

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data)
        self._repository = repository
        self.fields["name"].label = gettext("Type its name, %s, to confirm") % repository
        remote = repository.remote
        if remote is None or remote.repositories.count() > 1:
            del self.fields["with_remote"]

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self._repository.name:
            raise forms.ValidationError(gettext("That is not its name. Type “%s”.") % self._repository.name)
        return self._repository.name
