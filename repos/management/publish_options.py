"""Publish settings as options of a command, one for each value: `--manifest NAME`, `--checksums NAME`."""

from argparse import ArgumentParser
from typing import Any

from django.db.models import Field

from repos.models import PublishSettings


def add_publish_settings(parser: ArgumentParser) -> None:
    for name in PublishSettings.VALUES:
        field = PublishSettings._meta.get_field(name)
        assert isinstance(field, Field)
        parser.add_argument(f"--{name}", metavar="NAME", help=str(field.help_text))


def publish_settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The values that were given, and no others."""
    return {name: options[name] for name in PublishSettings.VALUES if options[name] is not None}
