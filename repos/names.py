"""The names that people give to things: the one place that says which are legal. Strings in, strings out."""

from .errors.values import InvalidName
from .words import say

MAX_LENGTH = 200


def checked(name: str) -> str:
    """`name` without spaces around it. Raises InvalidName if it cannot be one."""
    if not (name := name.strip()) or len(name) > MAX_LENGTH or not name.isprintable():
        raise InvalidName(say("A name has 1 to {most} characters, all of which can be printed.", most=MAX_LENGTH))
    return name
