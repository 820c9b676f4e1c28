"""The acts that mend what needs attention, as one button each."""

from dataclasses import dataclass, field

from django.urls import reverse

from repos.finding import Act, Verb

_OF_JOBS = {Verb.RETRY: "job-retry", Verb.AGAIN: "job-again", Verb.CONFIRM: "job-confirm", Verb.CANCEL: "job-cancel"}
_RUNS = {Verb.RUN: "default", Verb.PUBLISH: "publish", Verb.DISTRIBUTE: "publish-distribute"}
_ICONS = {
    Verb.RUN: "play",
    Verb.PUBLISH: "book-open",
    Verb.DISTRIBUTE: "book-open",
    Verb.CONFIRM: "trash",
    Verb.CANCEL: "stop-circle",
    Verb.WATCH: "eye",
    Verb.VERIFY: "shield-check",
    Verb.CLEAN: "trash",
}


@dataclass(frozen=True)
class Button:
    """What a button leads to: a page, or (`posts`) a deed, with the fields that it is sent with."""

    url: str
    words: str
    icon: str
    posts: bool = True
    danger: bool = False
    fields: dict[str, str] = field(default_factory=dict)


def button_of(act: Act) -> Button | None:
    """The button of `act`; None where a page cannot do it."""
    found = _address(act)
    if found is None:
        return None
    url, fields = found
    icon = _ICONS.get(act.verb, "arrow-path")
    posts, danger = act.verb != Verb.WATCH, act.verb in (Verb.CONFIRM, Verb.CANCEL)
    return Button(url, act.words, icon, posts, danger, fields)


def _address(act: Act) -> tuple[str, dict[str, str]] | None:
    pk = act.on.pk if act.on else 0
    if act.verb in _RUNS:
        return reverse("repository-run", args=[pk]), {"actions": _RUNS[act.verb]}
    if act.verb in _OF_JOBS:
        return reverse(_OF_JOBS[act.verb], args=[pk]), {}
    match act.verb:
        case Verb.WATCH:
            return reverse("job", args=[pk]), {}
        case Verb.VERIFY:
            return reverse("storage-verify"), {"repair": "on"}
        case Verb.CLEAN:
            return reverse("storage-clean"), {}
    return None
