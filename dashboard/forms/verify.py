"""How a verify is to be made."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from repos import conf, units
from repos.actions import Details
from repos.words import say

MB = 1_000_000
RATES = (10 * MB, 50 * MB, 200 * MB)


class VerifyForm(forms.Form):
    """`details()` are those of the job. Nothing has to be sent: then it only reads, as fast as is configured."""

    repair = forms.BooleanField(required=False, initial=True, label=gettext_lazy("Repair what can be"))
    rate = forms.ChoiceField(required=False, label=gettext_lazy("Read"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = conf.verify_rate()
        how = say("at most {size} a second, as set", size=units.size(usual)) if usual else say("as fast as it can")
        slower = [(str(rate), say("at most {size} a second", size=units.size(rate))) for rate in RATES if rate != usual]
        fields = self.fields["rate"]
        assert isinstance(fields, forms.ChoiceField)
        fields.choices = [("", how), *([("0", say("as fast as it can"))] if usual else []), *slower]

    def details(self, of_version: int | None = None) -> Details:
        rate = self.cleaned_data["rate"]
        return Details(of_version=of_version, may_repair=self.cleaned_data["repair"], rate=int(rate) if rate else None)
