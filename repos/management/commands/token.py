"""`manage.py token VERB`: what lets downloaders in where a distribution is protected."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import tokens
from repos.management.arguments import amount
from repos.management.named import distribution_at
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import write_table
from repos.management.verbs import VerbCommand
from repos.models import AccessToken


class Command(VerbCommand):
    help = "Makes, lists, revokes and deletes tokens, which open protected distributions."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add_ = add(self.add, "make one; it is written to standard output, this once", "name")
        scope = add_.add_mutually_exclusive_group(required=True)
        scope.add_argument("--for", nargs="+", default=[], dest="base_paths", metavar="BASE_PATH", help="opens these")
        scope.add_argument("--everything", action="store_true", help="opens all that is protected, now and later")
        add_.add_argument("--days", type=amount, metavar="N", help="expires after N days (default: never)")
        add(self.list_, "all of them")
        for do, about in ((self.revoke, "have it open nothing any more"), (self.delete, "take it off the list")):
            add(do, about).add_argument("number", type=amount, metavar="ID")

    def add(self, *, name: str, base_paths: list[str], everything: bool, days: int | None, **_: Any) -> None:
        chosen = [distribution_at(base_path) for base_path in base_paths]
        made = tokens.make(name, everything=everything, distributions=chosen, days=days)
        # Apart, so that a script gets the secret and nothing else.
        until = f"expires on {made.token.expires_at:%Y-%m-%d}" if made.token.expires_at else "never expires"
        self.stderr.write(f"The token “{made.token}” (ID {made.token.pk}) {until}. It is not shown again:")
        self.stdout.write(made.secret)

    def list_(self, **_: Any) -> None:
        rows = (
            (
                one.pk,
                one.name,
                f"{one.start}…",
                "everything" if one.everything else ", ".join(str(each) for each in one.distributions.all()),
                tokens.state(one),
                one.expires_at,
                one.last_used_at,
            )
            for one in tokens.listed()
        )
        write_table(self.stdout, ("id", "name", "begins with", "opens", "state", "expires", "last used"), rows)

    def revoke(self, *, number: int, **_: Any) -> None:
        token = _token(number)
        was = "was revoked: it opens nothing any more" if tokens.revoke(token) else "was revoked already"
        self.stdout.write(f"The token “{token}” {was}.")

    def delete(self, *, number: int, **_: Any) -> None:
        token = _token(number)
        tokens.delete(token)
        self.stdout.write(f"The token “{token}” was deleted.")


def _token(number: int) -> AccessToken:
    found = AccessToken.objects.filter(pk=number).first()
    if found is None:
        raise CommandError(f"There is no token {number}.", returncode=BAD_ARGUMENTS)
    return found
