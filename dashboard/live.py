"""Live parts of a page: how they ask for news, and what it costs where there is none.

A live part is an element that replaces itself. The fragment that htmx gets is the very file that the page includes:

    <section id="panel" data-live data-seen="{{ seen }}" hx-get="{% url 'job-panel' job.pk %}"
     hx-trigger="every 1s, refresh" hx-swap="outerHTML">

- `seen` is a short text that is another one whenever the part would be (`of_job`, `of_jobs`). It is made before
  the part, so that nothing is missed; live.js sends it back (`Live-Seen`), and who has seen all is answered 204.
- What changed is merged into what is there: elements with an id keep it, so give one to whatever may come, go or move.
- It has no forms in it. A part in which nothing will change any more has neither data-live nor hx-get: so asking ends.
- A part that changes only with another one on the page follows that (`data-follows`, its id): it asks when the two
  have not seen the same. It is the page's own, with all that its reader may do, and picked from that page by its id.
- A number of seconds that goes on by itself is in `data-clock` of the element with its words.

The more people look on, the less often each may ask (`Live-Pace`, in seconds): together they take a part of one core.
"""

import hashlib
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from repos import prepared, workers
from repos.models import Job, LogLine
from repos.models.job import State

# Of a job in which nothing changes any more.
ENDED = "ended"
# No row of any database has such a number.
BEYOND = 1 << 63
# What all who look on may take of one core, together; and the seconds of it that each answer takes besides its making.
SHARE = 0.15
OVERHEAD = 0.002
# Seconds that nobody is made to wait longer than.
LONGEST = 30
# Seconds after which what has not changed is shown anew all the same, for the sake of “3 min ago”.
STALE = 30
# Seconds for which a fragment that was made for one is shown to others who ask for the same.
SHARED = 1.0
# So many of them are kept.
KEPT = 100


def answer(
    request: HttpRequest, seen: str, make: Callable[[], HttpResponse], *, shared: str = "", anew: bool = False
) -> HttpResponse:
    """What `make` makes of the part that `seen` tells of; 204 for who has seen that, unless it is to be made `anew`.

    `shared` names a part that is the same for all who look on: it is made once for them.
    """
    begun = time.thread_time()
    if request.headers.get("Live-Seen") == seen and not anew:
        found = HttpResponse(status=204)
    elif shared:
        found = _shared.answer(f"{shared}?{request.GET.urlencode()}", seen, make)
    else:
        found = make()
    found.headers["Live-Pace"] = str(_crowd.pace(time.thread_time() - begun))
    return found


# ---- what there is to see ----


def of_job(pk: int) -> str:
    """Of a job's panel. `ENDED` for one that has ended or is gone."""
    rows = prepared.rows(_job, pk) if pk < BEYOND else []
    if not rows or rows[0][0] not in (State.WAITING, State.RUNNING):
        return ENDED
    return _digest(rows, _waits_for(pk) if rows[0][0] == State.WAITING else None)


def of_jobs() -> str:
    """Of any list of jobs, or of what depends on them: which there are, and how far the active ones are."""
    return _digest(prepared.rows(_active), prepared.rows(_newest))


def _job(pk: int) -> "QuerySet[Job, tuple[Any, ...]]":
    of_reports = ("pk", "state", "message", "done", "total", "bytes_done", "bytes_total", "rate", "suffix", "current")
    own = ("state", "attempt", "cancel_requested_at", "failed", "version", "publication")
    newest_line = LogLine.objects.filter(job=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    found = Job.objects.filter(pk=pk).order_by("reports__pk")
    return found.values_list(*own, *(f"reports__{name}" for name in of_reports), Subquery(newest_line))


def _active() -> "QuerySet[Job, tuple[Any, ...]]":
    of_reports = ("pk", "state", "done", "bytes_done", "rate")
    found = Job.objects.active().order_by("pk", "reports__pk")
    return found.values_list("pk", "state", "cancel_requested_at", *(f"reports__{name}" for name in of_reports))


def _newest() -> "QuerySet[Job, tuple[Any, ...]]":
    return Job.objects.order_by("-pk").values_list("pk")[:1]


def _waits_for(pk: int) -> list[Any]:
    others = Job.objects.in_the_way_of(Job(pk=pk)).values_list("pk", "state")
    return [*others, workers.anyone()]


def _digest(*told: object) -> str:
    now = int(time.time()) // STALE
    return hashlib.blake2b(repr((told, now)).encode(), digest_size=8).hexdigest()


# ---- many who look on ----


class _Shared:
    """The newest of each part that is the same for all."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, float, bytes]] = {}

    def answer(self, part: str, seen: str, make: Callable[[], HttpResponse]) -> HttpResponse:
        known, at, content = self._made.get(part, ("", 0.0, b""))
        if known == seen and time.monotonic() - at < SHARED:
            return HttpResponse(content)
        made = make()
        if made.status_code == 200:
            if len(self._made) >= KEPT:
                self._made.clear()
            self._made[part] = (seen, time.monotonic(), made.content)
        return made


class _Crowd:
    """How many look on, by how often they ask, and what they cost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pace = 1
        self._since = time.monotonic()
        self._spent = 0.0

    def pace(self, spent: float) -> int:
        """Counts one who asked, and the seconds `spent` on the answer; returns those until they may ask again."""
        with self._lock:
            self._spent += spent + OVERHEAD
            gone = time.monotonic() - self._since
            if gone >= self._pace:
                # Each came once in the time of a pace.
                self._pace = min(LONGEST, max(1, math.ceil(self._spent / gone * self._pace / SHARE)))
                self._since, self._spent = time.monotonic(), 0.0
            return self._pace


_shared, _crowd = _Shared(), _Crowd()
