"""`manage.py export FOLDER [BASE_PATH]`: what is served, as plain files for other servers."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import export, units
from repos.errors.refusals import Refused
from repos.export import Exported
from repos.management.statuses import FAILED
from repos.management.terminal import DomainCommand

# In seconds: how often --watch looks, and tries again what was refused.
LOOK, AGAIN = 1, 60


class Command(DomainCommand):
    help = "Writes what is served as plain trees of files, for nginx, rsync or any other server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="where to; of no other use")
        parser.add_argument("base_path", nargs="?", metavar="BASE_PATH", help="of one distribution (default: all)")
        parser.add_argument("--protected", action="store_true", help="also what takes a sign-in or a token")
        parser.add_argument("--anew", action="store_true", help="make each file again, as after a repair")
        parser.add_argument("--watch", action="store_true", help="go on, and export each switch within a second")

    def act(self, *, folder: Path, base_path: str | None, watch: bool, **options: Any) -> None:
        protected, anew = bool(options["protected"]), bool(options["anew"])
        if base_path and watch:
            raise CommandError("--watch is for all that is served: leave BASE_PATH out.", returncode=2)
        if base_path:
            self._tell(base_path, export.export(base_path, folder.resolve(), protected=protected, anew=anew))
        elif watch:
            self._watch(folder.resolve(), protected=protected)
        elif self._all(folder.resolve(), protected=protected, anew=anew):
            raise CommandError("Not all was exported.", returncode=FAILED)

    def _all(self, root: Path, *, protected: bool, anew: bool = False) -> int:
        """Exports everything; returns how much of it was refused."""
        refused = 0
        for distribution, done in export.export_all(root, protected=protected, anew=anew):
            self._tell(str(distribution), done)
            refused += isinstance(done, Refused)
        return refused

    def _watch(self, root: Path, *, protected: bool) -> None:
        seen, tried = None, 0.0
        while True:
            # Before the export: what is switched meanwhile is exported next.
            found = export.state()
            if found != seen and time.monotonic() >= tried:
                refused = self._all(root, protected=protected)
                seen, tried = (None, time.monotonic() + AGAIN) if refused else (found, 0.0)
            time.sleep(LOOK)

    def _tell(self, base_path: str, done: Exported | Refused | None) -> None:
        if isinstance(done, Refused):
            self.stdout.write(f"{base_path}: {done}")
        elif done:
            copied = f" ({done.copied:,} copied)" if done.copied else ""
            files = f"{units.counted(done.put, 'file')} put{copied}, {done.removed:,} taken away"
            self.stdout.write(f"{base_path}: {done.publication.version}, {files}")
        else:
            self.stdout.write(f"{base_path}: nothing changed")
        self.stdout.flush()
