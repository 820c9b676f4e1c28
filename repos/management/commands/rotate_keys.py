"""`manage.py rotate_keys`: seals the secrets of all remotes with a new key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from repos import vault
from repos.errors import MillraceError
from repos.management.terminal import FAILED, migrate_if_new


class Command(BaseCommand):
    help = "Makes a new key, seals the secrets of all remotes anew with it, and drops the old keys."

    def handle(self, *args: Any, **options: Any) -> None:
        migrate_if_new()
        try:
            count = vault.rotate()
            lost = vault.lost()
        except MillraceError as error:
            raise CommandError(str(error), returncode=FAILED) from None
        secrets = "1 secret was" if count == 1 else f"{count:,} secrets were"
        self.stdout.write(f"{secrets} sealed anew with a new key; the old key is gone.")
        if lost:
            names = ", ".join(f"“{name}”" for name in lost)
            raise CommandError(f"No key opens the secrets of {names}: enter them again.", returncode=FAILED)
