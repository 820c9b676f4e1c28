"""Not failures: why a job has to let go at once."""

from . import MillraceError


class Stopped(MillraceError):
    """One of the three reasons below."""


class Canceled(Stopped):
    code = "canceled"


class GivenBack(Stopped):
    """The worker is being shut down; another takes the job up."""

    code = "given_back"


class Lost(Stopped):
    """The job was given to another worker while this one was silent; nothing may be written any more."""

    code = "lost"
