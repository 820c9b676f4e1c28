"""Making and changing publish settings. Which values there are, the model says."""

from typing import Any

from django import forms

from repos import publish_settings
from repos.errors import MillraceError
from repos.models import PublishSettings, Repository

from .base import ChangeForm, DomainForm

ONLY, ALL = "only", "all"


class ValuesForm(DomainForm):
    """A field for each value that publish settings have."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields |= forms.fields_for_model(PublishSettings, PublishSettings.VALUES)

    def chosen(self) -> dict[str, Any]:
        """The values, by name. To be asked of a valid form."""
        return {name: self.cleaned_data[name] for name in PublishSettings.VALUES}

    def value_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in PublishSettings.VALUES]

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                publish_settings.checked(self.chosen())
            except MillraceError as error:
                self.refuse(error)
        return self.cleaned_data


class EditForm(ChangeForm, ValuesForm):
    """Moves those who use `settings` to others; opened from a `repository`, it may move that one alone."""

    def __init__(self, data: Any, *, settings: PublishSettings, repository: Repository | None, **options: Any) -> None:
        users = list(settings.repositories.values_list("pk", flat=True))
        super().__init__(data, values=publish_settings.values_of(settings) | {"users": users}, **options)
        self.repository = repository
        if repository and len(users) > 1:
            self.fields["scope"] = scope_field(repository, len(users))

    @property
    def repositories(self) -> list[Repository] | None:
        """Who is to move; None: all that share the settings. To be asked of a valid form."""
        return [self.repository] if self.repository and self.cleaned_data.get("scope") == ONLY else None


def scope_field(repository: Repository, users: int) -> forms.ChoiceField:
    """Who moves when publish settings that `users` repositories share are changed from one of them."""
    return forms.ChoiceField(
        label="For whom",
        choices=[
            (ONLY, f"Only for “{repository}”: it gets settings of its own"),
            (ALL, f"For all {users:,} repositories that share them"),
        ],
        initial=ONLY,
        widget=forms.RadioSelect,
    )
