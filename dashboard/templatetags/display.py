"""How values are shown: sizes, ages, durations, amounts, addresses, icons and states."""

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import pace
from repos import causes, paths, units
from repos import damage as damaged
from repos import freshness as status
from repos.finding import Kind
from repos.models import Damage, FailedFile, Job, ProgressReport, Repository, RepositoryVersion
from repos.models.job import State
from repos.retention import Fate
from repos.terms import term
from repos.words import capital, later, say

register = template.Library()

NOTHING = "–"
STATE_ICONS = {
    "waiting": "clock",
    "completed": "check-circle",
    "skipped": "minus-circle",
    "failed": "x-circle",
    "canceled": "no-symbol",
    "not run": "ellipsis-horizontal-circle",
    "partial": "exclamation-circle",
    "ok": "check-circle",
    "unchanged": "check-circle",
    "fresh": "check-circle",
    "no worker": "signal-slash",
    "disk low": "circle-stack",
    "damaged": "shield-exclamation",
    "damage found": "shield-exclamation",
    "clock": "clock",
    "brake": "hand-raised",
    "not published": "eye-slash",
    "not served": "eye-slash",
    "behind": "arrow-trending-down",
    "stuck": "pause-circle",
    "stale": "clock",
    "never": "question-mark-circle",
}
# A ring with a gap, which turns evenly where an arrow would wobble.
_AT_WORK = (
    '<svg class="{}" aria-hidden="true" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2.25">'
    '<circle cx="8" cy="8" r="5.75" opacity="0.25"/><path stroke-linecap="round" d="M8 2.25A5.75 5.75 0 0 1 13.75 8"/>'
    "</svg>"
)
_FINDING_WORDS = {
    Kind.WORKER: "no worker",
    Kind.DISK: "disk low",
    Kind.UNPUBLISHED: "not published",
    Kind.UNSERVED: "not served",
}
# By how many of a unit the next one begins.
_AGES = (
    (later("{count} s ago"), 60),
    (later("{count} min ago"), 60),
    (later("{count} h ago"), 24),
    (later("{count} d ago"), 30),
)
# What a report counts, by its code. The others count nothing that is worth a word.
_COUNTED = {
    "sync.parsing.metadata": "file",
    "sync.comparing": "file",
    "sync.downloading.artifacts": "file",
    "associating.content": "file",
    "unassociating.content": "file",
    "publish.metadata": "file",
    "distribute.switching": "distribution",
    "clean.versions": "version",
    "clean.files": "file",
    "clean.strays": "file",
    "verify.reading": "file",
    "verify.strays": "file",
    "verify.repairing": "file",
}


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def size(value: int | None) -> str:
    """Bytes in decimal units: 1.2 GB."""
    return NOTHING if value is None else _unbroken(units.size(value))


@register.filter
def number(value: int | None) -> str:
    return NOTHING if value is None else units.number(value)


@register.filter
def counted(value: int | None, noun: str) -> str:
    """As units.counted, unbroken: “1 file”, “2,345 repositories”."""
    return NOTHING if value is None else units.counted(value, noun).replace(" ", "\N{NO-BREAK SPACE}", 1)


@register.filter
def clock(duration: timedelta | None) -> str:
    """A duration: < 0.1 s, 0.4 s, 42 s, 3 min 04 s, 2 h 05 min, 1 d 3 h."""
    return NOTHING if duration is None else _unbroken(units.duration(duration))


@register.filter
def of(telling: dict[int, list[Job]], repository: Repository) -> list[Job]:
    """The jobs that tell of `repository`, of those that tell of several."""
    return telling[repository.pk]


@register.filter
def fate_of(fates: dict[int, Fate], version: RepositoryVersion) -> Fate | None:
    """What retention makes of `version`, of those that it has looked at."""
    return fates.get(version.number)


@register.filter
def period(duration: timedelta) -> str:
    """A length of time that somebody has set: 24 hours, 3 days."""
    return units.period(duration)


@register.filter
def ago(moment: datetime | None) -> str:
    """“3 min ago”, with the exact time as its title."""
    if moment is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{moment:%Y-%m-%d %H:%M:%S}",
        _age(moment),
    )


def _age(moment: datetime) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 10:
        return say("just now")
    for age, length in _AGES:
        if seconds < length:
            return say(age, count=int(seconds)).replace(" ", "\N{NO-BREAK SPACE}", 1)
        seconds /= length
    return f"{moment:%Y-%m-%d}"


@register.filter
def files_done(report: ProgressReport) -> str:
    return _of(report.done, report.total, units.number(report.done), units.number(report.total or 0))


@register.filter
def bytes_done(report: ProgressReport) -> str:
    return _of(report.bytes_done, report.bytes_total, size(report.bytes_done), size(report.bytes_total))


def _of(done: int, total: int | None, done_in_words: str, total_in_words: str) -> str:
    return (
        say("{done} of {total}", done=done_in_words, total=total_in_words) if total and done != total else done_in_words
    )


@register.filter
def took(report: ProgressReport) -> str:
    return clock((report.finished_at or timezone.now()) - report.started_at)


@register.filter
def amounts(report: ProgressReport) -> list[str]:
    """What a report counts, in words; files and bytes stand side by side and are never added up."""
    words = []
    # Of nothing to do the message tells enough.
    if (noun := _COUNTED.get(report.code)) and report.total != 0:
        words.append(units.amount(report.total or report.done, noun, files_done(report)))
    if report.bytes_done or report.bytes_total:
        words.append(bytes_done(report))
    return words


@register.filter
def speed(report: ProgressReport) -> str:
    return f"{size(report.rate)}/s" if report.rate and report.state == "running" else ""


@register.filter
def time_left(report: ProgressReport) -> str:
    """Rounded so that it does not jump about; empty while it cannot be told."""
    seconds = pace.left_of(report) if report.state == "running" else None
    if seconds is None:
        return ""
    if seconds < 5:
        return say("a few seconds")
    step = 5 if seconds < 60 else 60 if seconds < 3600 else 600
    return say("about {time}", time=_unbroken(units.even_seconds(round(seconds / step) * step)))


@register.filter
def bar(report: ProgressReport | None) -> tuple[int, int] | None:
    """How far a report is, of how much: by bytes where they are known, else by its count; None if neither is."""
    if report is None:
        return None
    if report.bytes_total:
        return min(report.bytes_done, report.bytes_total), report.bytes_total
    return (min(report.done, report.total), report.total) if report.total else None


@register.filter
def percent(of: tuple[int, int]) -> str:
    """Rounded down: 100 % is the end and nothing before it."""
    return f"{of[0] * 100 // of[1]}\N{NO-BREAK SPACE}%"


@register.filter
def short_digests(text: str) -> str:
    """For where each sha256 is shown beside it."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", "\\1…", text)


@register.filter
def shown(path: str) -> str:
    """A file's path for people's eyes: see paths.shown."""
    return paths.shown(path)


@register.filter
def last_part(path: str) -> str:
    """The same without the folders that the file is in."""
    return paths.shown(path.rpartition("/")[2])


@register.filter
def advice(failed: FailedFile) -> str:
    """What to do about a file that a job could not get."""
    return failed.advice or causes.advice_on_file(failed.cause)


@register.filter
def without(failed: int) -> str:
    """“without 3 files”, of a version by what failed when it was made; else nothing."""
    return _unbroken(units.without(failed))


@register.simple_tag
def content_url(base_path: str, path: str = "") -> str:
    return paths.content_url(base_path, path)


@register.simple_tag(takes_context=True)
def absolute_url(context: template.Context, path: str) -> str:
    """The address that another machine can use: below MILLRACE_URL, else below what the browser asked for."""
    if settings.MILLRACE_URL:
        return str(settings.MILLRACE_URL).rstrip("/") + path
    request: HttpRequest = context["request"]
    return request.build_absolute_uri(path)


@register.simple_tag(takes_context=True)
def page_url(context: template.Context, name: str, number: int) -> str:
    """The address of another page of a list whose parameter is `name`, with all else as it is."""
    query = context["request"].GET.copy()
    query.pop("watched", None)
    query[name] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def path_query(context: template.Context, **values: str | None) -> str:
    """The query string with these instead, None to leave one out: as Django's own, but that paths can be read in it."""
    query = context["request"].GET.copy()
    for name, value in values.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode(safe='/')}" if query else ""


@register.simple_tag
def icon(name: str) -> str:
    """An icon beside a word."""
    return _icon(name, "icon")


@register.simple_tag
def state_icon(state: str) -> str:
    css = f"icon state-{slug(state)}"
    return format_html(_AT_WORK, css) if state not in STATE_ICONS else _icon(STATE_ICONS[state], css)


def shown_states() -> list[str]:
    """All states that a badge may show."""
    return ["running", "syncing", "canceling", *STATE_ICONS]


@cache
def _icon(name: str, css: str) -> str:
    """The icon is an ornament: programs that read pages aloud leave it out."""
    # Late: commands import this module too, for its checks' sake, and show no icons.
    from heroicons.templatetags.heroicons import heroicon_micro

    attributes: dict[str, Any] = {"class": css, "aria-hidden": "true"}
    return heroicon_micro(name, **attributes)


register.filter("term", term)


@register.simple_tag
def badge(state: str) -> SafeString:
    """A state as colour, icon and word."""
    words = capital(term(state))
    return format_html('<span class="badge badge-{}">{}{}</span>', slug(state), state_icon(state), words)


@register.filter
def fault(damage: Damage) -> str:
    """What is wrong with a damaged artifact."""
    return damaged.in_words(damage.why)


@register.filter
def slug(state: str) -> str:
    return state.replace(" ", "-")


@register.filter
def verify_url(job: Job) -> str:
    """Where a verify of the same files is asked for."""
    if job.repository_id is None:
        return reverse("storage-verify")
    if job.of_version is None:
        return reverse("repository-verify", args=[job.repository_id])
    return reverse("version-verify", args=[job.repository_id, job.of_version])


@register.filter
def subject_url(job: Job) -> str:
    """The page of what a job is for: its repository's, or that of all that is stored."""
    return reverse("repository", args=[job.repository_id]) if job.repository_id else reverse("storage")


@register.filter
def shown_state(job: Job) -> str:
    """The job's state; “canceling” while it is being stopped, “partial” where it went on without some files.

    And “damage found” of a verify that did its work, and found some.
    """
    if job.is_active and job.cancel_requested_at:
        return "canceling"
    if job.found_damage:
        return "damage found"
    return "partial" if job.state == State.COMPLETED and job.failed else str(job.state)


@register.filter
def freshness(repository: Repository, runs: list[Job]) -> str:
    return status.freshness(repository, runs)


@register.filter
def ending(job: Job) -> str:
    return "canceling" if job.is_active and job.cancel_requested_at else status.ending(job)


@register.filter
def finding_word(kind: Kind) -> str:
    """What needs attention, in the word of its badge."""
    return _FINDING_WORDS.get(kind, str(kind))


@register.simple_tag
def version() -> str:
    return str(settings.VERSION)
