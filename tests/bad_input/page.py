"""docs/errors.md: made from the cases, a line for each."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case, Section

PATH = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """\
# What Millrace says to bad input

Bad input gets a clear answer, and nothing is lost: whatever comes in, what was served before is still served byte for
byte, no half version is left, and bytes that were verified are kept. This page is made from the tests
(`python -m tests.bad_input`), which compare it with what is really answered. ‹upstream› stands for the address of an
upstream, ‹sha256› for a digest.
"""
_MARKS = re.compile(r"[\\`*<|]")


def written(sections: Iterable[Section[Any]]) -> str:
    """The page."""
    return "\n".join([HEAD, *map(_section, sections)])


def row(case: Case[Any], answer: str) -> str:
    """The line that says that `answer` was given to the case; "" that it worked."""
    said = f"Works. {case.answer}" if case.works and not answer else answer
    return f"| {case.title} | {_MARKS.sub(_escaped, said)} |"


def _section(section: Section[Any]) -> str:
    rows = [row(case, "" if case.works else case.answer) for case in (*section.cases, *section.apart)]
    return "\n".join(
        [f"## {section.title}", "", section.about, "", "| What comes in | Answer |", "|---|---|", *rows, ""]
    )


def _escaped(mark: re.Match[str]) -> str:
    return f"\\{mark[0]}"
