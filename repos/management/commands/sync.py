"""`manage.py sync NAME`: the whole job from a terminal; with --dry-run, what it would do."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import difference_lines, jobs
from repos.actions import DRY_RUN, SYNC_ONLY, Actions, Details
from repos.comparing import Difference
from repos.management.arguments import amount
from repos.management.differing import add_listing, write_files
from repos.management.run_options import add_run, run_of
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.terminal import RunCommand
from repos.models import DryRun, Job, Repository

# What makes no sense of a run that changes nothing.
_FOR_REAL = ("publish", "distribute", "remove_up_to")
_FIGURES = ("added", "removed", "changed", "growth", "fetched_files", "fetched_bytes", "brake")


class Command(RunCommand):
    help = "Syncs a repository, then publishes and distributes it as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_run(parser, "sync")
        parser.add_argument(
            "--remove-up-to",
            type=amount,
            metavar="N",
            help="let a mirror remove up to N files though its brake would stop it",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would come, go and change, and how much be fetched"
        )
        add_listing(parser.add_argument_group("with --dry-run"))

    def act(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._dry(**options)
        elif options["json"] or options["limit"] is not None:
            raise CommandError("--json and --limit go with --dry-run.", returncode=BAD_ARGUMENTS)
        else:
            super().act(**options)

    def details(self, repository: Repository, options: dict[str, Any]) -> Details:
        return Details(may_remove=options["remove_up_to"])

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        return run_of(options, replace(Actions.by_default(repository), sync=True))

    def _dry(self, *, limit: int | None, json: bool, **options: Any) -> None:
        if any(options[name] for name in _FOR_REAL):
            raise CommandError("A dry run changes nothing: leave out what comes after it.", returncode=BAD_ARGUMENTS)
        requested = jobs.request(self.repository(options), actions=SYNC_ONLY, details=DRY_RUN)
        out = self.stdout
        # What is listed is for whoever reads the output; how the job goes is for whoever looks on.
        if json or not out.isatty():
            self.stdout = self.stderr
        self.follow(lambda: requested)
        found = DryRun.objects.select_related("job__repository").get(job=requested.job.pk)
        files = islice(_files(found.job), limit)
        if not json:
            write_files(out, files)
            return
        for text in difference_lines.as_json(_facts(found), files):
            out.write(text, ending="")


def _files(job: Job) -> Iterator[Difference]:
    # Imported late: it brings all that fetches.
    from repos import dry_run

    yield from dry_run.all_differences(job)


def _facts(found: DryRun) -> dict[str, object]:
    figures = {name: getattr(found, name) for name in _FIGURES}
    return {"job": found.job.pk, "repository": found.job.subject, "from": found.base} | figures
