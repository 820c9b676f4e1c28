"""How much the pool holds. To count it anew for every page would take longer the more there is."""

import time

from repos import conf
from repos.models import Artifact

from . import cache

# Seconds after which everything is counted again: what was deleted meanwhile shows only then.
RECOUNT = 600


def used() -> tuple[int, int]:
    """The number of files in the pool, and their size in bytes: what was known, and what came since."""
    key = f"pool:{conf.data()}:{int(time.time() / RECOUNT)}"
    files, size, newest = cache.get(key, (0, 0, 0))
    more, bytes_more, newest = Artifact.objects.totals(after=newest)
    cache.set(key, (files + more, size + bytes_more, newest), RECOUNT)
    return files + more, size + bytes_more
