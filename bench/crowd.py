"""A real Millrace, upstreams that move, and many people at once; and what is to be true when they have gone.

Reads the database by its own models: Django has to be set up.
"""

import hashlib
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path

from django.db import connection
from django.db.models import F
from django.utils import timezone

from bench import rules
from bench.deeds import UNNEEDED, Operator, digest, new_number
from bench.downloader import Copies, Downloader
from bench.ledger import Ledger
from bench.victim import Victim, until
from bench.visitor import Tally, Visitor
from repos import jobs, obstacles, pool
from repos.actions import CLEAN, Actions
from repos.create import make_repository
from repos.distributions import add_distribution
from repos.models import Artifact, Content, Distribution, Job, PublishedMetadata, Repository, Switch
from repos.models.job import ACTIVE
from tests.misbehaviour import Delay
from tests.upstream import EVERY_FILE, Upstream

PASSWORD = "correct horse battery"
FILES = 24
# What a repository begins with, of that which is edited.
FIRST = {"stale_days": "7", "checksums": ""}
# What a log may not say.
BAD_WORDS = re.compile(r"Traceback|database is locked|deadlock|Unexpected|Internal Server Error|could not serialize")


@dataclass
class Crowd:
    """`clients` people, of whom every third downloads. Wrong is whatever was not to be."""

    home: Path
    victim: Victim
    clients: int
    seconds: float
    seed: int
    tally: Tally = field(default_factory=Tally)
    ledger: Ledger = field(default_factory=Ledger)
    copies: Copies = field(default_factory=Copies)
    jobs: Counter[str] = field(default_factory=Counter)
    _ending: threading.Event = field(default_factory=threading.Event)

    def gather(self) -> list[str]:
        """Has them do what they do until the time is over; returns what is wrong then."""
        with ExitStack() as stack:
            upstreams = [stack.enter_context(Upstream()) for _ in range(3)]
            base_paths = _prepare(upstreams)
            self.victim.start()
            stack.callback(self.victim.stop)
            _at_rest([jobs.request(one).job for one in Repository.objects.exclude(remote=None)])
            self._let_them_in(upstreams, base_paths)
            return [*self.tally.wrong, *self._afterwards()]

    # -- the minute --

    def _let_them_in(self, upstreams: list[Upstream], base_paths: list[str]) -> None:
        tasks: list[Callable[[], None]] = [partial(self._move, upstreams)]
        for number in range(self.clients):
            dice = random.Random(f"{self.seed} {number}")
            if number % 3 == 2:
                downloader = Downloader(self.victim.address, base_paths, self.tally, self.copies, dice)
                tasks.append(downloader.copy)
            else:
                tasks.append(self._operator(number, upstreams, dice).act)
        with ThreadPoolExecutor(len(tasks)) as threads:
            running = [threads.submit(self._keep_doing, task) for task in tasks]
            self._ending.wait(self.seconds)
            self._ending.set()
        for one in running:
            one.result()

    def _operator(self, number: int, upstreams: list[Upstream], dice: random.Random) -> Operator:
        visitor = Visitor(self.victim.address, self.tally)
        visitor.sign_in("admin", PASSWORD)
        return Operator(f"op{number}x", visitor, self.ledger, [one.manifest_url for one in upstreams], dice)

    def _keep_doing(self, task: Callable[[], None]) -> None:
        while not self._ending.is_set():
            task()

    def _move(self, upstreams: list[Upstream]) -> None:
        """One of them gets a new file, one that others have too, one that nobody needs any more; and loses one."""
        one = random.choice(upstreams)
        number = new_number()
        one.write(f"new/{number}", b"new %d " % number * 50)
        one.write(f"both/{number % 20}", b"the same for all %d" % (number // 100))
        one.write(f"again/{number % 10}", random.choice(UNNEEDED))
        if len(one.files) > 2 * FILES:
            one.remove(min(path for path in one.files if path.startswith("new/")))
        self._ending.wait(0.3)

    # -- what came of it --

    def _afterwards(self) -> Iterator[str]:
        _at_rest(Job.objects.all())
        yield from chain(rules.broken(), self._uploads(), self._lost_edits(), self._comings_and_goings(), self._seen())
        yield from self._runs_still()
        yield from chain(rules.broken(), rules.of_strays(), self._log())
        self.jobs = Counter(f"{one.state} {one.error_code}".strip() for one in Job.objects.all())

    def _runs_still(self) -> Iterator[str]:
        """Each repository runs once more, as far as it can; and all that is served then is there, byte by byte."""
        wanted = [job for one in Repository.objects.all() for job in _ask_for_all(one)]
        wanted.append(jobs.request(None, actions=CLEAN).job)
        _at_rest(wanted)
        for job in Job.objects.filter(pk__in=[one.pk for one in wanted]).exclude(state="completed"):
            if job.error_code != "brake":
                yield f"the last job of {job.subject} is {job.state}: {job.error}"
        visitor = Visitor(self.victim.address, self.tally)
        visitor.sign_in("admin", PASSWORD)
        for one in Distribution.objects.exclude(publication=None).select_related("publication__version"):
            yield from _as_served(visitor, one)

    def _uploads(self) -> Iterator[str]:
        """What a job that was acknowledged has completed is in the version that it made."""
        for pk, files in self.ledger.uploads:
            job = Job.objects.filter(pk=pk).select_related("version").first()
            if job is None or job.version is None or job.state != "completed":
                continue
            there = dict(Content.objects.of(job.version).filter(path__in=files).values_list("path", "artifact__sha256"))
            if there != {path: sha256 for path, sha256 in files.items() if sha256}:
                yield f"job {pk} was to make {files}, and made {there}"

    def _lost_edits(self) -> Iterator[str]:
        now = {}
        for one in Repository.objects.select_related("publish_settings"):
            now["stale_days", one.pk] = str(one.stale_days)
            now["checksums", one.pk] = one.publish_settings.checksums
        yield from self.ledger.lost(FIRST, now)
        notes = set(Switch.objects.values_list("reason", flat=True))
        there = set(Distribution.objects.values_list("base_path", flat=True))
        if len(set(self.ledger.pins) & notes) > len(self.ledger.pins) or not there:
            yield "the history has more notes than were given"

    def _comings_and_goings(self) -> Iterator[str]:
        there = set(Repository.objects.values_list("name", flat=True))
        yield from (f"{name} was made, and is gone" for name in self.ledger.made - self.ledger.deleted - there)
        yield from (f"{name} was deleted, and is there" for name in self.ledger.deleted & there)

    def _seen(self) -> Iterator[str]:
        """Every list was that of a publication that was served there; and what looked mixed, two switches explain."""
        history = Switch.objects.filter(later__isnull=False).values_list("distribution__base_path", "later")
        lists = PublishedMetadata.objects.filter(path="PULP_MANIFEST").values_list("publication", "artifact__sha256")
        of = dict(lists)
        published = {(base_path, of.get(publication)) for base_path, publication in history}
        yield from (f"{path}: a list of nobody, {sha256}" for path, sha256 in self.copies.lists - published)
        for one in self.copies.doubts:
            moves = Switch.objects.filter(distribution__base_path=one.base_path).exclude(earlier=F("later"))
            if moves.filter(at__range=(one.begun, one.ended)).count() < 2:
                yield f"{one.base_path}/{one.path} was {one.found}, and the list had not changed"

    def _log(self) -> Iterator[str]:
        said = self.victim.log.read_text()
        yield from (f"the log: {line}" for line in said.splitlines() if BAD_WORDS.search(line))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                if deadlocks := cursor.fetchone()[0]:
                    yield f"PostgreSQL counts {deadlocks} deadlocks"


# ---- before, and after -------------------------------------------------------------------------------------


def _prepare(upstreams: list[Upstream]) -> list[str]:
    """Four repositories that stay, and old files that nothing needs. Returns the base paths for downloaders."""
    for number, upstream in enumerate(upstreams):
        # So that jobs last long enough to be met.
        upstream.fail(EVERY_FILE, Delay(0.3))
        for index in range(FILES):
            upstream.write(f"first/{index}", b"file %d of %d " % (index, number) * (300 + 20 * index**2))
    for number, upstream in enumerate(upstreams):
        made = make_repository(
            url=upstream.manifest_url, name=f"s{number}", base_path=f"stable/{number}", mirror=number == 2
        )
        Repository.objects.filter(pk=made.pk).update(keep_versions=number + 2)
    make_repository(name="s3", base_path="stable/3")
    add_distribution(Repository.objects.get(name="s0"), base_path="also/0")
    for data in UNNEEDED:
        _age(data)
    return [*(f"stable/{number}" for number in range(4)), "also/0"]


def _ask_for_all(one: Repository) -> list[Job]:
    """A run as far as it can go: not to its end where nothing follows, and not at all where there is no file yet."""
    whole = Actions(sync=one.remote_id is not None)
    possible = [some for some in (whole, replace(whole, distribute=False)) if not obstacles.refusal(one, some)]
    return [jobs.request(one, actions=some).job for some in possible[:1]]


def _at_rest(wanted: Iterable[Job]) -> None:
    """Waits until these jobs have ended. Raises TooLong,"""
    active = Job.objects.filter(pk__in=[one.pk for one in wanted], state__in=ACTIVE)
    until(lambda: not active.exists(), "all jobs have ended", pause=0.1)


def _age(data: bytes) -> None:
    """Bytes that were stored long ago, and that nothing names since."""
    long_ago, file = timezone.now() - timedelta(days=30), pool.path(digest(data))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    os.utime(file, (long_ago.timestamp(),) * 2)
    Artifact.objects.create(sha256=file.name, size=len(data))
    Artifact.objects.filter(sha256=file.name).update(created_at=long_ago, wanted_at=long_ago)


def _as_served(visitor: Visitor, distribution: Distribution) -> Iterator[str]:
    """Whether all that it serves is there over http, byte by byte."""
    publication = distribution.publication
    if publication is None:
        return
    covered = publication.settings.metadata_names()
    rows = Content.objects.of(publication.version).in_path_order()
    expected = {path: sha256 for path, sha256, _ in rows if path not in covered}
    expected |= dict(publication.metadata.values_list("path", "artifact__sha256"))
    for path, sha256 in expected.items():
        answer = visitor.look(f"/content/{distribution.base_path}/{path}", "compare")
        found = hashlib.sha256(answer.text.encode()).hexdigest()
        if answer.status != 200 or found != sha256:
            yield f"{distribution}/{path}: status {answer.status}, {found}, not {sha256}"
