"""Commands, called as a terminal calls them."""

from io import StringIO

from django.core.management import CommandError, call_command


class Terminal(StringIO):
    """An output with a person before it."""

    def isatty(self) -> bool:
        return True


def call(*arguments: str, out: StringIO | None = None) -> tuple[int, str]:
    """Runs a command: returns its exit status, and what it wrote to both of its outputs."""
    out = out or StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def rows(*arguments: str) -> list[list[str]]:
    """What a command that lists something writes to a pipe: its cells."""
    status, said = call(*arguments)
    assert status == 0, said
    return [line.split("\t") for line in said.splitlines()]
