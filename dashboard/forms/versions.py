"""What a version is to be published with."""

from typing import Any

from django import forms

from repos.models import PublishSettings, Repository


class PublishForm(forms.Form):
    """Cleaned to settings, or to None for the repository's own."""

    publish_settings = forms.ModelChoiceField(PublishSettings.objects.none(), label="With", required=False)

    def __init__(self, data: Any, repository: Repository) -> None:
        super().__init__(data)
        field = self.fields["publish_settings"]
        assert isinstance(field, forms.ModelChoiceField)
        # An identical request is joined: so what the repository has anyway is asked for in one way only.
        field.queryset = PublishSettings.objects.exclude(pk=repository.publish_settings_id)
        field.empty_label = f"{repository.publish_settings} (the repository’s)"
