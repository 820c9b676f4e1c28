"""Making distributions, moving them to another base path, and switching what they serve."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

from repos import paths
from repos.distribute import MAX_REASON
from repos.models import Distribution, Publication, Repository
from repos.words import say

from .base import ChangeForm, DomainForm, accepted

# How many of a repository's publications a select offers, newest first; each one's own page can serve it, too.
PUBLICATIONS = 50
BASE_PATH_HELP = _("Where it is served: /content/<base path>/")


class BasePathField(forms.CharField):
    """Where something is to be served; checked while it is typed (see distributions/_base_path_check.html)."""

    def __init__(self, **options: Any) -> None:
        attributes = {
            "placeholder": "docs/python",
            "autocomplete": "off",
            "autocapitalize": "none",
            "hx-get": reverse_lazy("base-path-check"),
            "hx-trigger": "input changed delay:300ms",
            "hx-target": "#base-path-check",
            "hx-swap": "outerHTML",
            "hx-sync": "this:replace",
        }
        super().__init__(
            **{
                "label": _("Base path"),
                "help_text": BASE_PATH_HELP,
                "widget": forms.TextInput(attrs=attributes),
                **options,
            }
        )

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return accepted(paths.base_path, text) if text else ""


def protected_field() -> forms.BooleanField:
    return forms.BooleanField(
        label=_("Protected"),
        required=False,
        help_text=_("Only those who are signed in, or have a token for it, may download from it."),
    )


def note_field() -> forms.CharField:
    return forms.CharField(
        label=_("Note"), required=False, max_length=MAX_REASON, help_text=_("Why. It stays in the history.")
    )


class NewForm(DomainForm):
    """A distribution of a repository, which may be chosen before: then its publications are offered."""

    FOLLOW, PIN = "follow", "pin"

    repository = forms.ModelChoiceField(
        Repository.objects.order_by("name"), label=_("Repository"), empty_label=_("Choose one")
    )
    base_path = BasePathField()
    how = forms.ChoiceField(
        label=_("What it serves"),
        choices=[
            (FOLLOW, _("Follows: what is newest, switched by each run that distributes")),
            (PIN, _("Pinned: one publication, until somebody chooses another")),
        ],
        initial=FOLLOW,
        widget=forms.RadioSelect,
    )
    publication = forms.ChoiceField(
        label=_("Publication"), error_messages={"required": _("Choose the publication that it is to serve.")}
    )
    protected = protected_field()
    reason = note_field()

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        chosen = str((data or self.initial).get("repository", ""))
        repository = Repository.objects.numbered(chosen).first()
        self._publications = {str(one.pk): one for one in _newest(repository)} if repository else {}
        nothing = say("Nothing published yet") if repository else say("Choose a repository first")
        field = self.fields["publication"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", say("Choose one") if self._publications else nothing)]
        field.choices += [(pk, _label(one)) for pk, one in self._publications.items()]
        field.required = data is None or data.get("how") != self.FOLLOW
        self.fields["repository"].widget.attrs |= {
            "hx-get": reverse("distribution-new"),
            "hx-target": "#publication",
            "hx-select": "#publication",
            "hx-swap": "outerHTML",
        }

    def values(self) -> dict[str, Any]:
        """What distributions.add_distribution takes, besides the repository. To be asked of a valid form."""
        data = self.cleaned_data
        publication = self._publications[data["publication"]] if data["how"] == self.PIN else None
        return {
            "base_path": data["base_path"],
            "publication": publication,
            "protected": data["protected"],
            "reason": data["reason"],
        }


def _newest(repository: Repository) -> QuerySet[Publication]:
    found = Publication.objects.filter(version__repository=repository).select_related("version", "settings")
    return found.order_by("-pk")[:PUBLICATIONS]


def _label(publication: Publication) -> str:
    return say("version {number} with {settings}", number=publication.version.number, settings=publication.settings)


class EditForm(ChangeForm):
    base_path = BasePathField()
    protected = protected_field()

    def __init__(self, data: Any, distribution: Distribution) -> None:
        super().__init__(data, values={"base_path": distribution.base_path, "protected": distribution.protected})
        self._distribution = distribution
        check = reverse("base-path-check")
        self.fields["base_path"].widget.attrs["hx-get"] = f"{check}?distribution={distribution.pk}"

    def changes_nothing(self) -> bool:
        now = {"base_path": self._distribution.base_path, "protected": self._distribution.protected}
        return self.values() == now

    def values(self) -> dict[str, Any]:
        """What distributions.change takes, besides who asks. To be asked of a valid form."""
        return {name: self.cleaned_data[name] for name in ("base_path", "protected")}


class FollowForm(DomainForm):
    """Carries what was served when it was opened: one hidden field for each distribution that it may be sent to."""

    reason = note_field()

    def instead_of(self, distribution: Distribution) -> int | None:
        """The number of the publication that was seen to be served, 0 for none; None where nobody says."""
        text = self.data.get(f"serves-{distribution.pk}", "")
        return int(text) if text.isdecimal() and len(text) < 19 else None


class PinForm(FollowForm):
    """One of the publications of the distribution's repository."""

    publication = forms.ModelChoiceField(Publication.objects.none(), label=_("Publication"))

    def __init__(self, data: Any, distribution: Distribution) -> None:
        super().__init__(data)
        field = self.fields["publication"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Publication.objects.filter(version__repository=distribution.repository_id)


class PromoteForm(FollowForm):
    """One of the other distributions of the repository; what that was seen to serve comes along too."""

    source = forms.ModelChoiceField(Distribution.objects.none(), label=_("Distribution"))

    def __init__(self, data: Any, distribution: Distribution) -> None:
        super().__init__(data)
        field = self.fields["source"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Distribution.objects.filter(repository=distribution.repository_id).exclude(pk=distribution.pk)


class DeleteForm(DomainForm):
    """Nothing is asked where nothing is served."""

    confirmed = forms.CharField(
        error_messages={"required": _("Type it, so that nothing that is served goes by a slip.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    def __init__(self, data: Any, distribution: Distribution) -> None:
        super().__init__(data)
        if distribution.publication_id is None:
            del self.fields["confirmed"]
        else:
            self.fields["confirmed"].label = say(
                "Type its base path, {distribution}, to confirm", distribution=distribution
            )
