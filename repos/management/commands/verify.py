"""`manage.py verify [NAME]`: whether what is stored is whole, and what is damaged made whole again."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import jobs
from repos.actions import VERIFY, Details
from repos.management.arguments import amount, rate
from repos.management.named import repository_named, version_numbered
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.terminal import DomainCommand
from repos.models import Job


class Command(DomainCommand):
    help = "Reads what is stored, and finds what is damaged. Ends with status 1 if something is."

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        # Django has a --version of its own.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="of a repository; without, all that is stored")
        parser.add_argument("--version", type=amount, metavar="N", help="only of this version")
        parser.add_argument("--repair", action="store_true", help="fetch anew what is damaged")
        parser.add_argument("--rate", type=rate, metavar="50MB", help="read at most so much a second; 0: no limit")
        parser.add_argument("--json", action="store_true", help="say it for programs; progress goes to standard error")

    def act(
        self, *, name: str | None, version: int | None, repair: bool, rate: int | None, json: bool, **_: Any
    ) -> None:
        repository = repository_named(name) if name else None
        if version is not None:
            if repository is None:
                raise CommandError("Name the repository whose version it is.", returncode=BAD_ARGUMENTS)
            version_numbered(repository, version)
        out = self.stdout
        if json:
            self.stdout = self.stderr
        details = Details(of_version=version, may_repair=repair, rate=rate)
        requested = jobs.request(repository, actions=VERIFY, details=details)
        try:
            self.follow(lambda: requested)
        finally:
            if json:
                out.write(_in_json(Job.objects.get(pk=requested.job.pk)))


def _in_json(job: Job) -> str:
    reading = job.reports.filter(code="verify.reading").first()
    found = {
        "job": job.pk,
        "state": job.state,
        "outcome": job.outcome,
        "error": job.error,
        "files": reading.done if reading else 0,
        "bytes": reading.bytes_done if reading else 0,
        "damaged": list(_damaged(job)),
    }
    return json.dumps(found, ensure_ascii=False, indent=2)


def _damaged(job: Job) -> Iterator[dict[str, object]]:
    for one in job.failed_files.all():
        yield {
            "path": one.path,
            "sha256": one.expected_sha256,
            "size": one.expected_size,
            "cause": one.cause,
            "why": one.message,
            "advice": one.advice,
        }
