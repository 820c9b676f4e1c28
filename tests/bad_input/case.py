"""A case: what comes in, how that is brought about, and the answer to it as docs/errors.md has it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Stage = TypeVar("Stage")


@dataclass(frozen=True)
class Case(Generic[Stage]):
    """`run` lets it come in, on a stage, and returns what Millrace says to it: the answer, or "" where it `works`.

    The answer to what works says in which way; the stage looks whether that is so.
    """

    title: str
    answer: str
    run: Callable[[Stage], str]
    works: bool = False


@dataclass(frozen=True)
class Section(Generic[Stage]):
    """Cases that are played on the same kind of stage, under one heading of the page."""

    title: str
    about: str
    cases: tuple[Case[Stage], ...]
    # These have a test of their own, for what has to be looked at afterwards is another thing.
    apart: tuple[Case[Stage], ...] = ()
    # Whether each database might have its own way with them.
    on_each_database: bool = True
