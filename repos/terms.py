"""The words for what is stored, or told by one module to another, by an English name: states, actions, nouns."""

from .words import later, say

# For catalogs. Of jobs, reports, repositories and findings:
ALL = (
    later("waiting"),
    later("running"),
    later("completed"),
    later("failed"),
    later("canceled"),
    later("canceling"),
    later("skipped"),
    later("not run"),
    later("partial"),
    later("ok"),
    later("unchanged"),
    later("fresh"),
    later("stale"),
    later("never"),
    later("syncing"),
    later("no worker"),
    later("disk low"),
    later("damaged"),
    later("damage found"),
    later("clock"),
    later("brake"),
    later("not published"),
    later("not served"),
    later("behind"),
    later("stuck"),
    # Of tokens, and of lines in a log:
    later("usable"),
    later("expired"),
    later("revoked"),
    later("warning"),
    later("error"),
    # What jobs do:
    later("sync"),
    later("change"),
    later("publish"),
    later("distribute"),
    later("verify"),
    later("clean"),
    later("dry run"),
    # What lists are of:
    later("distribution"),
    later("distributions"),
    later("file"),
    later("files"),
    later("job"),
    later("jobs"),
    later("publication"),
    later("publications"),
    later("publish settings"),
    later("remote"),
    later("remotes"),
    later("repositories"),
    later("repository"),
    later("set"),
    later("token"),
    later("tokens"),
    later("user"),
    later("users"),
    later("version"),
    later("versions"),
)


# What people know by another word than code and commands do.
_CALLED = {"modify": "change"}


def term(name: str) -> str:
    """A state, an action or a noun in our language."""
    return say(_CALLED.get(str(name), str(name)))
