"""The fields of a remote as options of a command. What is secret, or of many lines, comes from a file: not from the
command line, which all users of the machine can read."""

import sys
from argparse import ArgumentParser, BooleanOptionalAction
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import models

from repos import remotes
from repos.models import Remote

from .arguments import rate
from .statuses import BAD_ARGUMENTS

FIELDS = [name for name in (*remotes.FIELDS, *Remote.SECRETS) if name not in ("name", "url")]
# More than any of them can have (see repos/remote_values.py), in characters.
_MOST = 1_000_000
_RATES = ("least_speed", "rate_limit")


def add_remote_fields(parser: ArgumentParser) -> None:
    about = "A FILE may be -, which is standard input, or typed unseen. An empty value removes what is set."
    group = parser.add_argument_group("how it is reached", about)
    for name in FIELDS:
        field = Remote._meta.get_field(name)
        assert isinstance(field, models.Field)
        about = str(field.help_text or field.verbose_name).replace("%", "%%")
        group.add_argument(_option(name), dest=name, help=about, **_kind(field))


def fields_of(options: dict[str, Any]) -> dict[str, Any]:
    """The values that were given. Raises CommandError for a file that cannot be read."""
    given = {name: options[name] for name in FIELDS if options[name] is not None}
    return {name: _text_of(value) if is_long(name) else value for name, value in given.items()}


def is_long(name: str) -> bool:
    """Whether a field is shown as set or not, and read from a file."""
    return isinstance(Remote._meta.get_field(name), models.TextField)


def _option(name: str) -> str:
    long = {"ca_certificate": "ca"}.get(name, name)
    return f"--{long if not is_long(name) else f'{long}_file'}".replace("_", "-")


def _kind(field: "models.Field[Any, Any]") -> dict[str, Any]:
    if is_long(field.name):
        return {"metavar": "FILE"}
    if field.choices:
        return {"choices": [value for value, _ in field.flatchoices]}
    if isinstance(field, models.BooleanField):
        return {"action": BooleanOptionalAction}
    if field.name in _RATES:
        return {"type": rate, "metavar": "BYTES"}
    return {"type": int, "metavar": "N"} if isinstance(field, models.IntegerField) else {"metavar": "TEXT"}


def _text_of(name: str) -> str:
    """What is in the file; of “-” in standard input, or typed unseen; of no name nothing, which removes what is set."""
    if not name:
        return ""
    try:
        text = _typed() if name == "-" else _read(name)
    except (OSError, UnicodeDecodeError) as error:
        # The error of a decoder would tell a part of what it decoded.
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise CommandError(f"Cannot read {name!r}: {why}.", returncode=BAD_ARGUMENTS) from None
    # The end of the line is the editor's, not the password's.
    return text.removesuffix("\n").removesuffix("\r")


def _typed() -> str:
    return getpass("The secret, which is not shown: ") if sys.stdin.isatty() else sys.stdin.read(_MOST)


def _read(name: str) -> str:
    with Path(name).open(encoding="utf-8") as file:
        return file.read(_MOST)
