#!/usr/bin/env python
"""Millrace's command line: `manage.py help` lists what it does."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"A setting is wrong: {error}\n")
        sys.exit(2)
    except OperationalError as error:
        sys.stderr.write(f"The database cannot be used: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
