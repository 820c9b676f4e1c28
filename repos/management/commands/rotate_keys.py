"""`manage.py rotate_keys`: seals the secrets of all remotes with a new key."""

from typing import Any

from django.core.management.base import CommandError

from repos import units, vault
from repos.management.statuses import FAILED
from repos.management.terminal import DomainCommand


class Command(DomainCommand):
    help = "Makes a new key, seals the secrets of all remotes anew with it, and drops the old keys."

    def act(self, *args: Any, **options: Any) -> None:
        count = vault.rotate()
        secrets = f"{units.counted(count, 'secret')} {'was' if count == 1 else 'were'}"
        self.stdout.write(f"{secrets} sealed anew with a new key; the old key is gone.")
        if lost := vault.lost():
            names = ", ".join(f"“{name}”" for name in lost)
            raise CommandError(f"No key opens the secrets of {names}: enter them again.", returncode=FAILED)
