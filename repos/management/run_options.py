"""Which actions a run has, as options: those that the toggles say, or more of them, or fewer."""

from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction
from dataclasses import replace
from typing import Any

from repos.actions import Actions

# What they were called before: still taken, and no longer told.
_OLDER = {"change": "modify"}


def add_run(parser: ArgumentParser, action: str) -> None:
    """Options for what follows `action`, which makes the version."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(f"--only-{action}", dest="only", action="store_true", help="make a version, do not publish it")
    if action in _OLDER:
        choice.add_argument(f"--only-{_OLDER[action]}", dest="only", action="store_true", help=SUPPRESS)
    choice.add_argument("--publish", action="store_true", help="publish it, whatever the repository's settings say")
    parser.add_argument(
        "--distribute", action=BooleanOptionalAction, help="publish it, and switch what is served to it; or do not"
    )


def run_of(options: dict[str, Any], default: Actions) -> Actions:
    """What the options make of `default`. What contradicts itself the domain refuses."""
    distribute = options["distribute"]
    if options["only"]:
        return replace(default, publish=False, distribute=bool(distribute))
    publish = default.publish or options["publish"] or distribute is not None
    return replace(default, publish=publish, distribute=default.distribute if distribute is None else distribute)
