"""What can go wrong, each with one sentence that a user can act on: here the root, beside it all others by their kind.

`code` names the class for programs; the message is for people and stands on pages, in the terminal and in the log.
"""


class MillraceError(Exception):
    """The root. Its text is shown to users as it is, so it must not hold a secret."""

    code = "error"
    # The name of the value that it is about, where there is one.
    field = ""
