"""Making and changing publish settings. Which values there are, the model says."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from repos import publish_settings, units
from repos.errors import MillraceError
from repos.models import PublishSettings, Repository
from repos.words import say

from .base import ChangeForm, DomainForm

ONLY, ALL = "only", "all"


class ValuesForm(DomainForm):
    """A field for each value that publish settings have."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields |= forms.fields_for_model(PublishSettings, PublishSettings.VALUES)

    def publish_values(self) -> dict[str, Any]:
        """The values of the settings, by name. To be asked of a valid form."""
        return {name: self.cleaned_data[name] for name in PublishSettings.VALUES}

    def value_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in PublishSettings.VALUES]

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                publish_settings.checked(self.publish_values())
            except MillraceError as error:
                self.refuse(error)
        return self.cleaned_data


class EditForm(ChangeForm, ValuesForm):
    """Moves those who use `settings` to others; opened from a `repository`, it may move that one alone."""

    # Who used them when it was opened.
    users = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, data: Any, *, settings: PublishSettings, repository: Repository | None, opened_on: int, **options: Any
    ) -> None:
        users = list(settings.repositories.order_by("pk").values_list("pk", flat=True))
        self._moved = (data or {}).get("users", "")
        present = publish_settings.values_of(settings) | {"users": " ".join(map(str, users))}
        super().__init__(data, values=present, **options)
        # Also where the repository went to others with the very same number of users.
        self.stale |= data is not None and settings.pk != opened_on
        self.settings, self.repository = settings, repository
        if repository and len(users) > 1:
            self.fields["scope"] = scope_field(repository, len(users))

    def changes_nothing(self) -> bool:
        """Whether those who used the settings when it was opened use the new values by now, or `repository` does."""
        wanted = publish_settings.checked(self.publish_values())
        moved = [self.repository.pk] if self.repository else self._known()
        settings = {f"publish_settings__{field}": value for field, value in wanted.items()}
        return bool(moved) and Repository.objects.filter(pk__in=moved, **settings).count() == len(moved)

    @property
    def repositories(self) -> list[Repository] | None:
        """Who is to move: those who shared the settings when it was opened; None: all that share them, where nobody
        says who did. To be asked of a valid form.
        """
        if self.repository and self.cleaned_data.get("scope") == ONLY:
            return [self.repository]
        return list(Repository.objects.filter(pk__in=self._known())) if "users" in self.data else None

    def _known(self) -> list[int]:
        return [int(one) for one in self._moved.split() if one.isdecimal() and len(one) < 19]


def scope_field(repository: Repository, users: int) -> forms.ChoiceField:
    """Who moves when publish settings that `users` repositories share are changed from one of them."""
    return forms.ChoiceField(
        label=_("For whom"),
        choices=[
            (ONLY, say("Only for “{repository}”: it gets settings of its own", repository=repository)),
            (ALL, say("For all {count} repositories that share them", count=units.number(users))),
        ],
        initial=ONLY,
        widget=forms.RadioSelect,
    )
