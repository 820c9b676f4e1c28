"""`manage.py clean`: takes out of the pool what nothing needs any more."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from repos import clean_plan, jobs, orphans, quarantine, units
from repos.actions import CLEAN
from repos.clean_plan import Plan
from repos.management.terminal import DomainCommand
from repos.models import Job
from repos.retention import Fate


class Command(DomainCommand):
    help = "Lets old versions go as their repositories say, and takes out of the pool what nothing needs any more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what it would free")
        parser.add_argument("--json", action="store_true", help="say it for programs; progress goes to standard error")
        parser.add_argument("--quarantine", action="store_true", help="remove the damaged files that were kept, too")

    def act(self, *, dry_run: bool, json: bool, quarantine: bool, **_: Any) -> None:
        if dry_run:
            self._tell(clean_plan.plan(), as_json=json)
            return
        if quarantine:
            self._empty_quarantine(as_json=json)
        self._clean(as_json=json)

    def _tell(self, plan: Plan, *, as_json: bool) -> None:
        for line in [_in_json(_planned(plan))] if as_json else _told(plan):
            self.stdout.write(line)

    def _empty_quarantine(self, *, as_json: bool) -> None:
        out = self.stderr if as_json else self.stdout
        out.write(f"Removed from the quarantine: {quarantine.empty()}.")

    def _clean(self, *, as_json: bool) -> None:
        out = self.stdout
        if as_json:
            self.stdout = self.stderr
        requested = jobs.request(None, actions=CLEAN)
        self.follow(lambda: requested)
        if as_json:
            out.write(_in_json(_done(Job.objects.get(pk=requested.job.pk))))


def _told(plan: Plan) -> Iterator[str]:
    if plan.doubt:
        yield plan.doubt
        return
    for fate in plan.going:
        yield f"{fate.version.repository} version {fate.version.number} goes: {fate.why}"
    for fate in plan.held:
        yield f"{fate.version.repository} version {fate.version.number} stays: {fate.why}"
    yield f"Would be freed: {plan.freed}."
    if plan.strays.files:
        yield f"  of these nothing knows: {plan.strays}"
    if plan.leftovers:
        yield f"Leftovers of work that was cut short: {units.size(plan.leftovers)}."
    if plan.young.files and plan.free_after:
        age, until = units.period(orphans.protection()), f"{plan.free_after:%Y-%m-%d %H:%M} UTC"
        yield f"Spared, younger than {age}: {plan.young}. The last of it may go on {until}."
    for job in plan.awaited:
        yield f"It would wait for job {job.pk} ({job.subject}), which may need some of it."
    if (kept := quarantine.held()).files:
        yield f"In quarantine: {kept}. To remove it too: manage.py clean --quarantine"


def _planned(plan: Plan) -> dict[str, object]:
    return {
        "freed_files": plan.freed.files,
        "freed_bytes": plan.freed.size,
        "stray_files": plan.strays.files,
        "stray_bytes": plan.strays.size,
        "young_files": plan.young.files,
        "young_bytes": plan.young.size,
        "free_after": plan.free_after and plan.free_after.isoformat(timespec="seconds"),
        "leftover_bytes": plan.leftovers,
        "quarantine_bytes": quarantine.held().size,
        "versions": [_version(fate) for fate in plan.going],
        "held": [_version(fate) for fate in plan.held],
        "waits_for": [job.pk for job in plan.awaited],
        "put_off": plan.doubt,
    }


def _version(fate: Fate) -> dict[str, object]:
    return {"repository": fate.version.repository.name, "version": fate.version.number, "why": fate.why}


def _done(job: Job) -> dict[str, object]:
    return {
        "job": job.pk,
        "state": job.state,
        "freed_files": job.freed_files,
        "freed_bytes": job.freed_bytes,
        "outcome": job.outcome,
    }


def _in_json(values: dict[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, indent=2)
