"""Asking an upstream while somebody waits: a stored remote, or one as a form has it."""

from dataclasses import dataclass
from threading import BoundedSemaphore

from repos import remotes
from repos.check import Finding, check_remote
from repos.errors import MillraceError
from repos.models import Remote

from .forms.remotes import RemoteForm

# A check waits for an upstream: so many at once, or no thread of the server would be left for anybody else.
ROOM = BoundedSemaphore(3)


@dataclass(frozen=True)
class Checked:
    """What came of it: a finding; or it was `busy`, as others asked; or else the form says why nobody was asked."""

    finding: Finding | None = None
    busy: bool = False

    @property
    def status(self) -> int:
        """Of the answer that tells it."""
        return 200 if self.finding else 409 if self.busy else 422


def stored(remote: Remote) -> Checked:
    """Asks a remote as it is."""
    if not ROOM.acquire(blocking=False):
        return Checked(busy=True)
    try:
        return Checked(check_remote(remote))
    finally:
        ROOM.release()


def entered(form: RemoteForm, remote: Remote | None = None) -> Checked:
    """Asks a remote as the form would make it, or would change `remote`."""
    if form.is_valid():
        try:
            return stored(remotes.draft(remote, **form.values()))
        except MillraceError as error:
            form.refuse(error)
    return Checked()
