"""The form of the style guide: one field of each kind. It is never sent."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .base import DomainForm


class ExampleForm(DomainForm):
    name = forms.CharField(label=_("Name"), help_text=_("What people call it."))
    url = forms.URLField(
        label=_("Upstream URL"),
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/files/"}),
    )
    base_path = forms.SlugField(
        label=_("Base path"), error_messages={"invalid": _("A base path has no slash at either end. Enter “docs”.")}
    )
    mode = forms.ChoiceField(
        label=_("Files that vanish upstream"),
        choices=[("keep", _("are kept")), ("remove", _("are removed here, too"))],
        widget=forms.RadioSelect,
        initial="keep",
    )
    policy = forms.ChoiceField(
        label=_("Fetch files"), choices=[("now", _("when syncing")), ("later", _("when asked for"))]
    )
    publish = forms.BooleanField(label=_("Publish what is new"), help_text=_("At the end of each run."), initial=True)
    certificate = forms.CharField(label=_("CA certificate"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    fixed = forms.CharField(label=_("Digest"), initial="sha256", disabled=True)
