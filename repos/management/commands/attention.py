"""`manage.py attention`: what needs attention, with the command that mends it. For people, cron and monitoring."""

import json
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from repos import attention
from repos.finding import Finding, Findings
from repos.management.statuses import ATTENTION
from repos.management.terminal import DomainCommand


class Command(DomainCommand):
    help = "Says what needs attention, and what to type to mend it. Ends with 0 if nothing does, with 3 if something."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, as /status.json has it")
        parser.add_argument(
            "--all", action="store_true", help=f"each one; else the first {attention.LIMIT} of each kind"
        )

    def act(self, *args: Any, **options: Any) -> None:
        found = attention.find(sys.maxsize - 1 if options["all"] else attention.LIMIT)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2, cls=DjangoJSONEncoder))
        else:
            self._tell(found)
        if found:
            sys.exit(ATTENTION)

    def _tell(self, found: Findings) -> None:
        for one in found:
            self.stdout.write(_lines(one))
        if found.more:
            self.stdout.write(f"and {found.more:,} more of these kinds: --all lists them")
        if not found:
            self.stdout.write("Nothing needs attention.")


def _lines(found: Finding) -> str:
    since = f" (since {found.since:%Y-%m-%d %H:%M} UTC)" if found.since else ""
    mend = f"\n  {found.act.command}" if found.act else ""
    return f"{found.kind}: {found.message}{since}{mend}"
