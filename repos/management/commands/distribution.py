"""`manage.py distribution VERB`: where something is served, and what."""

import shlex
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import deletion, distribute, distributions, obstacles, units
from repos.actions import Actions, Details
from repos.management.arguments import add_last, add_note, add_yes, amount
from repos.management.named import distribution_at, repository_named
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import write_table
from repos.management.verbs import VerbCommand
from repos.models import Distribution, Publication, Repository


class Command(VerbCommand):
    help = "Makes, moves, switches and deletes distributions: what is served, and where."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add(self.list_, "all of them, or those of a repository").add_argument("name", nargs="?", metavar="NAME")
        create = add(self.create, "serve a repository at a base path", "name", "base_path")
        create.add_argument(
            "--protected", action="store_true", help="it takes a sign-in or a token to download from it"
        )
        create.add_argument("--pin", type=amount, metavar="N", help="serve version N, whatever is newer")
        add_note(create)
        add(self.move, "serve at another base path, and at the old one no more", "base_path", "new_base_path")
        change = add(self.change, "protect it, or open it to all", "base_path")
        who = change.add_mutually_exclusive_group(required=True)
        who.add_argument("--protected", action="store_true", help="it takes a sign-in or a token to download from it")
        who.add_argument("--open", dest="protected", action="store_false", help="all may download from it")
        pin = add(self.pin, "serve a published version from now on, whatever is newer", "base_path")
        pin.add_argument("number", type=amount, metavar="N", help="of the version")
        add_note(pin)
        promote = add(self.promote, "serve what another distribution of its repository serves", "base_path")
        promote.add_argument("source", metavar="FROM", help="the base path of that one")
        add_note(promote)
        add_note(add(self.follow_, "serve what is newest, now and after each run", "base_path"))
        add(self.refresh, "run its repository to its end: sync, publish, distribute", "base_path")
        add_last(add(self.history, "what was switched, when, and why", "base_path"))
        add_yes(add(self.delete, "serve nothing there any more", "base_path"))

    def list_(self, *, name: str | None, **_: Any) -> None:
        all_of_them = Distribution.objects.with_served().select_related("repository")
        found: Iterable[Any] = all_of_them.filter(repository=repository_named(name)) if name else all_of_them
        rows = (
            (
                one.base_path,
                one.repository.name,
                "pinned" if one.pinned else "follows",
                _number(one.publication),
                one.since,
                one.publication.version.failed if one.publication else None,
                "protected" if one.protected else "open",
            )
            for one in found
        )
        write_table(self.stdout, ("base path", "repository", "how", "version", "since", "failed files", "access"), rows)

    def create(self, *, name: str, base_path: str, protected: bool, pin: int | None, note: str, **_: Any) -> None:
        repository = repository_named(name)
        publication = None if pin is None else _publication(repository, pin)
        made = distributions.add_distribution(
            repository, base_path=base_path, publication=publication, protected=protected, reason=note
        )
        self._tell(made.base_path)

    def move(self, *, base_path: str, new_base_path: str, **_: Any) -> None:
        distribution = distribution_at(base_path)
        distributions.change_base_path(distribution, base_path=new_base_path)
        distribution.refresh_from_db()
        self._tell(distribution.base_path)

    def change(self, *, base_path: str, protected: bool, **_: Any) -> None:
        distribution = distribution_at(base_path)
        distributions.protect(distribution, protected=protected)
        who = "those who are signed in, or have a token for it" if protected else "all"
        self.stdout.write(f"From /content/{distribution}/ may download: {who}.")

    def pin(self, *, base_path: str, number: int, note: str, **_: Any) -> None:
        distribution = distribution_at(base_path)
        distribute.pin(distribution, _publication(distribution.repository, number), reason=note)
        self._tell(distribution.base_path)

    def promote(self, *, base_path: str, source: str, note: str, **_: Any) -> None:
        distribution = distribution_at(base_path)
        distribute.promote(distribution, distribution_at(source), reason=note)
        self._tell(distribution.base_path)

    def follow_(self, *, base_path: str, note: str, **_: Any) -> None:
        distribute.follow(distribution_at(base_path), reason=note)
        self._tell(base_path)

    def refresh(self, *, base_path: str, **_: Any) -> None:
        distribution = distribution_at(base_path)
        self.follow(lambda: distributions.refresh(distribution))

    def history(self, *, base_path: str, last: int, **_: Any) -> None:
        switches = distribution_at(base_path).history.select_related("by", "earlier__version", "later__version")
        rows = (
            (one.at, _number(one.earlier), _number(one.later), str(one.by or ""), one.job_id, one.reason)
            for one in switches[:last]
        )
        write_table(self.stdout, ("at", "from", "to", "by", "job", "why"), rows)

    def delete(self, *, base_path: str, yes: bool, **_: Any) -> None:
        distribution = distribution_at(base_path)
        self.agree_to_delete(f"the distribution at “{distribution}”", deletion.of_distribution(distribution), yes=yes)
        deletion.delete_distribution(distribution, confirmed=distribution.base_path)
        self.stdout.write(f"The distribution at “{distribution}” was deleted.")

    def _tell(self, base_path: str) -> None:
        """What is so now."""
        distribution = distribution_at(base_path)
        publication = distribution.publication
        serves = (
            units.version(publication.version.number, publication.version.failed)
            if publication
            else "nothing published yet"
        )
        how = "is pinned" if distribution.pinned else f"follows “{distribution.repository}”"
        self.stdout.write(f"/content/{distribution}/ {how}: {serves}.")


def _number(publication: Publication | None) -> int | None:
    return publication.version.number if publication else None


def _publication(repository: Repository, number: int) -> Publication:
    """That of version `number`: with the repository's settings, if there is that, else the newest."""
    own = repository.publish_settings_id
    found = Publication.objects.of(repository).filter(version__number=number)
    if publication := max(found, key=lambda one: (one.settings_id == own, one.pk), default=None):
        return publication
    publish = Actions(sync=False, publish=True, distribute=False)
    why = obstacles.refusal(repository, publish, Details(of_version=number)) or (
        f"Version {number} of “{repository}” is not published. "
        f"Do that first: manage.py publish {shlex.quote(repository.name)} --version {number}"
    )
    raise CommandError(why, returncode=BAD_ARGUMENTS)
