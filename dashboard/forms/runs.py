"""Running a repository: the ways that are offered, and the one that was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from repos import obstacles
from repos.actions import Actions
from repos.models import Job, Repository
from repos.obstacles import Obstacle


@dataclass(frozen=True)
class Choice:
    """One way to run a repository, as the run buttons offer it."""

    value: str
    name: str | Promise
    explanation: str | Promise
    actions: Actions


CHOICES = (
    Choice(
        "sync",
        _("Sync only"),
        _("Fetch what is new into a version. Nothing is published, and what is served stays as it is."),
        Actions(sync=True, publish=False, distribute=False),
    ),
    Choice(
        "sync-publish",
        _("Sync and publish"),
        _("Fetch, and make a publication of the newest version. What is served stays as it is."),
        Actions(sync=True, publish=True, distribute=False),
    ),
    Choice(
        "sync-publish-distribute",
        _("Sync, publish and distribute"),
        _("Fetch, publish, and switch what is served to the newest version, all in one job."),
        Actions(sync=True, publish=True, distribute=True),
    ),
)

# Where there is no upstream: files come by hand, and each change brings its own job.
CHOICES_WITHOUT_UPSTREAM = (
    Choice(
        "publish",
        _("Publish only"),
        _("Make a publication of the newest version. What is served stays as it is."),
        Actions(sync=False, publish=True, distribute=False),
    ),
    Choice(
        "publish-distribute",
        _("Publish and distribute"),
        _("Publish, and switch what is served to the newest version, in one job."),
        Actions(sync=False, publish=True, distribute=True),
    ),
)
ALL_CHOICES = CHOICES + CHOICES_WITHOUT_UPSTREAM


class RunForm(forms.Form):
    """Which actions a run is to do; cleaned to Actions, or to None for the repository's own choice."""

    actions = forms.ChoiceField(choices=[(one.value, one.name) for one in ALL_CHOICES] + [("default", _("Default"))])

    def clean_actions(self) -> Actions | None:
        chosen = {one.value: one.actions for one in ALL_CHOICES}
        return chosen.get(self.cleaned_data["actions"])


@dataclass(frozen=True)
class Offer:
    """A choice as one repository has it now: whether it is its default, and what keeps it from being requested."""

    choice: Choice
    default: bool
    obstacle: Obstacle | None


@dataclass(frozen=True)
class Ways:
    """How a repository can be run now: the one way of its button, all of its menu, a dry run, and a retry.

    `retry` is its last run, where that could not get some files.
    """

    first: Offer
    offers: list[Offer]
    retry: Job | None

    @property
    def syncs(self) -> bool:
        """Whether there is an upstream to sync from."""
        return self.first.choice.actions.sync


def ways(repository: Repository, telling: Sequence[Job]) -> Ways:
    """`telling` are the jobs that tell of the repository (see JobQuerySet.telling)."""
    all_of_them = offers(repository)
    default = [one for one in all_of_them if one.default]
    possible = [one for one in all_of_them if one.obstacle is None]
    last = telling[0] if telling else None
    retry = last if last and last.failed and not last.is_active else None
    return Ways((default or possible or all_of_them)[0], all_of_them, retry)


def offers(repository: Repository) -> list[Offer]:
    """Every way there is for this repository, from the least to the most."""
    choices = CHOICES_WITHOUT_UPSTREAM if repository.remote_id is None else CHOICES
    default = Actions.by_default(repository)
    return [Offer(one, one.actions == default, obstacles.obstacle(repository, one.actions)) for one in choices]
