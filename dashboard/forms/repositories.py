"""Making, changing and running a repository."""

from dataclasses import dataclass

from django import forms

from repos import jobs, paths, urls
from repos.jobs import Actions, Obstacle
from repos.models import Repository

from .base import DomainForm, accepted


class MirrorForm(DomainForm):
    """The three fields of which a whole mirror is made."""

    url = forms.CharField(
        label="Upstream URL",
        help_text="A PULP_MANIFEST, or the folder that has one (then with a slash at its end).",
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/files/", "autocomplete": "off"}),
    )
    name = forms.CharField(
        help_text="What you call the repository.",
        widget=forms.TextInput(attrs={"placeholder": "python-docs", "autocomplete": "off"}),
    )
    base_path = forms.CharField(
        label="Base path",
        help_text="Where it is served: /content/<base path>/",
        widget=forms.TextInput(attrs={"placeholder": "docs/python", "autocomplete": "off", "autocapitalize": "none"}),
    )

    PLACES = {"path": "base_path"}

    def clean_url(self) -> str:
        return accepted(urls.checked, self.cleaned_data["url"])

    def clean_base_path(self) -> str:
        return accepted(paths.base_path, self.cleaned_data["base_path"])


@dataclass(frozen=True)
class Choice:
    """One way to run a repository, as the run buttons offer it."""

    value: str
    name: str
    explanation: str
    actions: Actions


CHOICES = (
    Choice(
        "sync",
        "Sync",
        "Fetch what is new into a version. Nothing is published, and what is served stays as it is.",
        Actions(sync=True, publish=False, distribute=False),
    ),
    Choice(
        "sync-publish",
        "Sync and publish",
        "Fetch, and make a publication of the newest version. What is served stays as it is.",
        Actions(sync=True, publish=True, distribute=False),
    ),
    Choice(
        "sync-publish-distribute",
        "Sync, publish and distribute",
        "Fetch, publish, and switch what is served to the newest version, all in one job.",
        Actions(sync=True, publish=True, distribute=True),
    ),
)


class RunForm(forms.Form):
    """Which actions a run is to do; cleaned to Actions, or to None for the repository's own choice."""

    actions = forms.ChoiceField(choices=[(one.value, one.name) for one in CHOICES] + [("default", "Default")])

    def clean_actions(self) -> Actions | None:
        chosen = {one.value: one.actions for one in CHOICES}
        return chosen.get(self.cleaned_data["actions"])


@dataclass(frozen=True)
class Offer:
    """A choice as one repository has it now: whether it is its default, and what keeps it from being requested."""

    choice: Choice
    default: bool
    obstacle: Obstacle | None


def offers(repository: Repository) -> list[Offer]:
    default = jobs.defaults(repository)
    return [Offer(one, one.actions == default, jobs.obstacle(repository, one.actions)) for one in CHOICES]
