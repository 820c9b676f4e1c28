"""`manage.py check_remote NAME|URL`: what is found at an upstream, without a sync."""

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from repos import remotes, units
from repos.management.named import remote_named
from repos.management.statuses import FAILED
from repos.management.terminal import DomainCommand
from repos.models import Remote

if TYPE_CHECKING:
    from repos.check import Finding


class Command(DomainCommand):
    help = "Asks an upstream for its list and tells what is in it, or what is wrong. Nothing is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("remote", metavar="NAME|URL", help="a remote's name, or the address of an upstream")

    def act(self, *, remote: str, **_: Any) -> None:
        # Late: it brings all that fetches.
        from repos.check import check_remote

        finding = check_remote(_remote(remote))
        self.stdout.write(finding.url)
        if not finding.fine:
            raise CommandError(f"{finding.sentence} {finding.advice}".strip(), returncode=FAILED)
        for line in _lines(finding):
            self.stdout.write(line)


def _remote(text: str) -> Remote:
    """The one with this name; or one that is only an address."""
    known = Remote.objects.filter(name=text).exists()
    return remotes.draft(url=text) if "://" in text and not known else remote_named(text)


def _lines(finding: "Finding") -> list[str]:
    modified = f", last modified {finding.last_modified}" if finding.last_modified else ""
    more = ["  …"] if finding.files > len(finding.sample) else []
    lines = [f"{finding.sentence} The list itself has {units.size(finding.list_size)}{modified}."]
    lines += [*(f"  {path}" for path in finding.sample), *more, finding.first_file]
    return [line for line in lines if line]
