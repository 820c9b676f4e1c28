"""Base paths that do not clash: none equals, lies in or lies above another, by path segment."""

from django.db import connection
from django.db.models import Q

from . import paths
from .errors.values import BasePathTaken
from .models import Distribution

# The key of PostgreSQL's advisory lock under which base paths are compared and added; any number of our own.
_KEY = 0x4D494C4C


def lock() -> None:
    """Until the transaction ends, nobody else adds a base path: no constraint can tell that one lies in another.

    SQLite's write transactions come one after another anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])


def clashing(base_path: str, *, but: int = 0) -> Distribution | None:
    """A distribution, other than number `but`, that is at, in or above a canonical base path, if there is one."""
    near = Q(base_path__in=paths.prefixes(base_path)) | Q(base_path__startswith=f"{base_path}/")
    # A database may compare without case; we do not.
    found = Distribution.objects.filter(near).exclude(pk=but)
    return next((one for one in found if paths.clash(base_path, one.base_path)), None)


def refuse_taken(base_path: str, *, but: int = 0) -> None:
    """Raises BasePathTaken if another distribution than number `but` clashes with a canonical base path."""
    if other := clashing(base_path, but=but):
        raise BasePathTaken(base_path, other.base_path)
