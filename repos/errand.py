"""What a process that fetches small files (see pipelining.py) is told at first, and what it tells."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Errand:
    """Where to fetch from, how, and where to put it. Seconds are seconds; `least_speed` is in bytes a second.

    `rest` is what every request has behind its first line, secrets included. `pool` is the pool's folder, `folder` the
    job's own. `trust` is what tls.context takes, None for http.
    """

    host: str
    port: int
    rest: bytes = field(repr=False)
    connections: int
    connect_timeout: float
    read_timeout: float
    least_speed: int
    private: bool
    pool: str
    folder: str
    trust: Any = field(default=None, repr=False)
    trusted: bool = True


# What is reported, in lists: the numbers of files that are in the pool; and those handed back, each with its answer
# (status, reason, headers) where it was one without a file.
Handed = tuple[int, tuple[int, str, dict[str, str]] | None]
