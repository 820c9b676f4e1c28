"""What a version is to be published with."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from repos import publish_settings
from repos.models import PublishSettings, Repository
from repos.words import say

from .publish_settings import ValuesForm

OTHER = "other"


class PublishForm(ValuesForm):
    """With the repository's own settings, with others that are there, or with other values."""

    publish_settings = forms.ChoiceField(label=_("Publish it with"), required=False)

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data)
        self._own = repository.publish_settings
        # An identical request is joined: so what the repository has anyway is asked for in one way only.
        self._others = {str(one.pk): one for one in PublishSettings.objects.exclude(pk=self._own.pk)}
        field = self.fields["publish_settings"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", say("{settings} (the repository’s)", settings=self._own))]
        field.choices += [(pk, str(one)) for pk, one in self._others.items()]
        field.choices += [(OTHER, say("Other values, given below"))]

    def clean(self) -> dict[str, Any]:
        """Values that do not count may be what they are."""
        return super().clean() if self.cleaned_data.get("publish_settings") == OTHER else self.cleaned_data

    def settings(self) -> PublishSettings | None:
        """None for the repository's own; those with other values are made. In a transaction (publish_settings.having).

        Raises InvalidValue and Stale. To be asked of a valid form.
        """
        chosen = self.cleaned_data["publish_settings"]
        found = publish_settings.having(self.publish_values()) if chosen == OTHER else self._others.get(chosen)
        return None if found == self._own else found
