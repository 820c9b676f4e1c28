"""Writes docs/errors.md."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.bad_input import page  # noqa: E402
from tests.bad_input.sections import SECTIONS  # noqa: E402

page.PATH.write_text(page.written(SECTIONS))
