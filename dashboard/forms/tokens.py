"""Making tokens."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from repos.models import Distribution
from repos.words import say

from .base import DomainForm, NameField

# In days; none: it never expires.
DAYS = (("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("", _("never")))


# Django's class takes a parameter only where types are checked.
if TYPE_CHECKING:
    ChoicesField = forms.ModelMultipleChoiceField[Distribution]
else:
    ChoicesField = forms.ModelMultipleChoiceField


class DistributionsField(ChoicesField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj) if obj.protected else say("{distribution} (not protected)", distribution=obj)


class NewForm(DomainForm):
    CHOSEN, EVERYTHING = "chosen", "everything"

    name = NameField(label=_("Name"), max_length=200, help_text=_("Who or what uses it, such as “build server”."))
    scope = forms.ChoiceField(
        label=_("What it opens"),
        choices=[
            (CHOSEN, _("The distributions that are chosen below, and no others")),
            (EVERYTHING, _("Everything that is protected, now and later")),
        ],
        initial=CHOSEN,
        widget=forms.RadioSelect,
    )
    distributions = DistributionsField(
        Distribution.objects.none(),
        label=_("Distributions"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Those that are not protected are open to all without a token."),
    )
    days = forms.ChoiceField(label=_("It expires after"), choices=DAYS, initial="90", required=False)

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        field = self.fields["distributions"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = _offered()

    def values(self) -> dict[str, Any]:
        """What tokens.make takes, besides who asks. To be asked of a valid form."""
        data = self.cleaned_data
        everything = data["scope"] == self.EVERYTHING
        return {
            "name": data["name"],
            "everything": everything,
            "distributions": [] if everything else list(data["distributions"]),
            "days": int(data["days"]) if data["days"] else None,
        }


def _offered() -> QuerySet[Distribution]:
    """The protected ones first."""
    return Distribution.objects.order_by("-protected", "base_path")
