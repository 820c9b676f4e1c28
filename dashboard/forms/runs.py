"""Running a repository: the ways that are offered, and the one that was chosen."""

from dataclasses import dataclass

from django import forms

from repos import jobs
from repos.jobs import Actions, Obstacle
from repos.models import Repository


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

# Where there is no upstream: files come by hand, and each change brings its own job.
CHOICES_WITHOUT_UPSTREAM = (
    Choice(
        "publish",
        "Publish",
        "Make a publication of the newest version. What is served stays as it is.",
        Actions(sync=False, publish=True, distribute=False),
    ),
    Choice(
        "publish-distribute",
        "Publish and distribute",
        "Publish, and switch what is served to the newest version, in one job.",
        Actions(sync=False, publish=True, distribute=True),
    ),
)
ALL_CHOICES = CHOICES + CHOICES_WITHOUT_UPSTREAM


class RunForm(forms.Form):
    """Which actions a run is to do; cleaned to Actions, or to None for the repository's own choice."""

    actions = forms.ChoiceField(choices=[(one.value, one.name) for one in ALL_CHOICES] + [("default", "Default")])

    def clean_actions(self) -> Actions | None:
        chosen = {one.value: one.actions for one in ALL_CHOICES}
        return chosen.get(self.cleaned_data["actions"])


@dataclass(frozen=True)
class Offer:
    """A choice as one repository has it now: whether it is its default, and what keeps it from being requested."""

    choice: Choice
    default: bool
    obstacle: Obstacle | None


def offers(repository: Repository) -> list[Offer]:
    choices = CHOICES_WITHOUT_UPSTREAM if repository.remote_id is None else CHOICES
    default = jobs.defaults(repository)
    return [Offer(one, one.actions == default, jobs.obstacle(repository, one.actions)) for one in choices]
