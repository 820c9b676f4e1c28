#!/usr/bin/env python
"""Millrace's command line: `manage.py help` lists what it does."""

import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    # What is imported stays: to look through it for garbage, again and again, takes a tenth of the start.
    gc.disable()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import BaseCommand, ManagementUtility
    from django.db import Error

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            """The command, with all that it imports: from here on there may be garbage."""
            command = super().fetch_command(subcommand)
            gc.freeze()
            gc.enable()
            return command

    try:
        Utility(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.stderr.write(f"A setting is wrong: {error}\n")
        sys.exit(2)
    except (Error, OSError) as error:
        sentence = of_surroundings(error)
        if not sentence:
            raise
        sys.stderr.write(f"{sentence}\n")
        sys.exit(1)


def of_surroundings(error: Exception) -> str:
    """What is wrong with the database or the disk, in a sentence; empty where the mistake is ours."""
    from django.db import OperationalError

    from repos import outages, space

    if outage := outages.of(error):
        return f"{outage.why} It said: {outages.told(error)}"
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {outages.told(error)}"
    return str(space.not_stored(error) or "")


if __name__ == "__main__":
    main()
