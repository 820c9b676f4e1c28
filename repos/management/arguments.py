"""Arguments that several commands take."""

from argparse import ArgumentParser, ArgumentTypeError

from repos import units

# How many rows a list of what grows with time has.
LAST = 50


def amount(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ArgumentTypeError(f"takes a whole number, not {text}")
    return int(text)


def amount_or_none(text: str) -> int | None:
    return None if text == "none" else amount(text)


def rate(text: str) -> int:
    """Bytes a second: `50MB`, `1.5 GB/s`, `250k`, `1000000`; 0 is no limit."""
    try:
        return units.in_bytes(text.strip().removesuffix("/s"))
    except ValueError:
        raise ArgumentTypeError(f"takes bytes a second, such as 50MB, not {text}") from None


def add_last(parser: ArgumentParser) -> None:
    parser.add_argument("--last", type=amount, default=LAST, metavar="N", help=f"how many, newest first ({LAST})")


def add_yes(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask; it cannot be undone")


def add_note(parser: ArgumentParser) -> None:
    parser.add_argument("--note", default="", metavar="TEXT", help="why; it stays in the history")
