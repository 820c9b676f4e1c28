"""A Millrace under siege: rounds of jobs that are killed at random moments, and what is found after each.

Reads the database by its own models: Django has to be set up.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from bench import evidence
from bench.moving import Moving
from bench.onlooker import Onlooker
from bench.victim import Neighbour, Victim, until
from repos import jobs
from repos.create import make_repository
from repos.models import Distribution, Job, Publication, Repository, RepositoryVersion, Worker
from repos.models.job import ENDED

FILES, AMOUNT = 90, 18
# How often a job is killed a second time. A third would be once too often: then it has failed.
AGAIN = 0.6
# What is killed, and how often in comparison. `stopped` is a worker that hangs until its job is given to another.
KINDS = {"worker": 10, "server": 3, "group": 4, "stopped": 3}
# What is waited for before it is killed; at `any` time after the request there is nothing to wait for.
BEGINNING, MIDDLE = ["any", "claimed", "listed", "fetching"], ["recording", "recorded", "publishing", "published"]
MOMENTS = [*BEGINNING, *MIDDLE, *MIDDLE, "switched"]
STAGES = ["waiting", "sync", "publish", "distribute", "ended"]


@dataclass
class Figures:
    """What came of it. `kills` counts by kind and by how far the job was; times are in seconds."""

    rounds: int = 0
    jobs: int = 0
    again: int = 0
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: int = 0
    fetched: int = 0
    in_flight: int = 0
    refetched: int = 0
    downloads: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """One repository's job of this round, and what its version will be."""

    moving: Moving
    job: int
    number: int

    def stage(self) -> str:
        """How far the job is, by what it has made."""
        state = Job.objects.values_list("state", flat=True).get(pk=self.job)
        version = RepositoryVersion.objects.filter(repository__name=self.moving.name, number=self.number, complete=True)
        if state in ENDED or state == "waiting":
            return "ended" if state in ENDED else "waiting"
        if not version.exists():
            return "sync"
        return "distribute" if Publication.objects.filter(version__in=version).exists() else "publish"


class Siege:
    """A context manager: within, all that it needs is up."""

    def __init__(self, home: Path, victim: Victim, seed: int, *, in_turn: bool = False) -> None:
        self.figures = Figures()
        self._in_turn = in_turn
        self._home, self._victim, self._seed = home, victim, seed
        self._moving = [
            Moving(name, mirror=mirror, files=FILES, dice=random.Random(f"{seed} {name}"))
            for name, mirror in (("mirrored", True), ("gathered", False))
        ]
        self._dice = random.Random(seed)
        self._hashed: set[str] = set()
        self._neighbour: Neighbour | None = None

    def __enter__(self) -> "Siege":
        self._stack = ExitStack()
        self._stack.callback(self._victim.stop)
        for moving in self._moving:
            self._stack.enter_context(moving)
            url = moving.upstream.manifest_url
            make_repository(url=url, name=moving.name, base_path=moving.name, mirror=moving.mirror)
        self._victim.start()
        self._settle([self._request(moving) for moving in self._moving])
        self.figures.rounds = 1
        # Which files there are once all is well: nothing else may come.
        self._known = {file.name for file in self._victim.data.iterdir()} | {"work"}
        self._onlooker = self._stack.enter_context(Onlooker(self._victim.address, self._moving))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- a round --

    def round(self) -> list[str]:
        """Changes the upstreams, asks for jobs, kills, waits until all is at rest; returns what is wrong then."""
        started = time.monotonic()
        kind, moment = self._kind(), self._dice.choice(MOMENTS)
        if kind == "stopped":
            self._neighbour = self._victim.neighbour()
            until(Worker.objects.filter(name__endswith="/neighbour").exists, "the neighbour has signed in")
        for moving in self._moving:
            moving.move(AMOUNT)
        targets = [self._request(moving) for moving in self._moving]
        self._strike(kind, moment, self._dice.choice(targets), targets)
        if kind != "stopped" and not self._in_turn and self._dice.random() < AGAIN:
            # Once more, while it is taken up again.
            again = self._dice.choice(["claimed", "fetching", "recording", "publishing", "published"])
            self._strike(kind, again, self._dice.choice(targets), targets)
        self._settle(targets)
        if self._neighbour:
            self._neighbour.leave()
            self._neighbour = None
        self.figures.rounds += 1
        wrong = self._judge(targets)
        self.figures.seconds += time.monotonic() - started
        self.figures.wrong += wrong
        return [f"({kind} at {moment}) {one}" for one in wrong]

    def _kind(self) -> str:
        if self._in_turn:
            return list(KINDS)[(self.figures.rounds - 1) % len(KINDS)]
        return self._dice.choices(list(KINDS), list(KINDS.values()))[0]

    def _request(self, moving: Moving) -> Target:
        repository = Repository.objects.get(name=moving.name)
        number = repository.latest_version().number + 1
        return Target(moving, jobs.request(repository).job.pk, number)

    def _settle(self, targets: list[Target]) -> None:
        mine = Job.objects.filter(pk__in=[target.job for target in targets])
        until(lambda: not mine.exclude(state__in=ENDED).exists(), "the jobs have ended")

    # -- the kill --

    def _strike(self, kind: str, moment: str, target: Target, targets: list[Target]) -> None:
        reached, deadline = self._moment(moment, target), time.monotonic() + 10
        while not reached() and target.stage() != "ended" and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(self._dice.uniform(0, 1.0) if moment == "any" else self._dice.choice((0, 0, 0.005, 0.02)))
        if kind == "stopped":
            self._stop(target)
        else:
            # How far it is can be seen only before: it goes on as soon as another worker is there.
            self.figures.kills[kind, target.stage()] += 1
            {
                "worker": self._victim.kill_worker,
                "server": self._victim.kill_server,
                "group": self._victim.kill_group,
            }[kind]()
        for each in targets:
            each.moving.mark(self._victim.data / "pool")

    def _stop(self, target: Target) -> None:
        """Stops the worker that runs the job until it is another's, or the worker is killed; then lets it go on."""
        worker, attempt = Job.objects.values_list("worker", "attempt").get(pk=target.job)
        stopped = self._neighbour.pid if self._neighbour and "neighbour" in worker else self._victim.worker()
        self.figures.kills["stopped", target.stage()] += 1
        os.kill(stopped, signal.SIGSTOP)
        mine = Job.objects.filter(pk=target.job, attempt=attempt, state="running")
        deadline = time.monotonic() + 15
        # Should it hold SQLite's lock just now, nobody can take anything from it.
        while mine.exists() and time.monotonic() < deadline and Path(f"/proc/{stopped}").exists():
            time.sleep(0.05)
        if Path(f"/proc/{stopped}").exists():
            os.kill(stopped, signal.SIGCONT)

    def _moment(self, moment: str, target: Target) -> Callable[[], bool]:
        number, name = target.number, target.moving.name
        made = RepositoryVersion.objects.filter(repository__name=name, number=number)
        work, pool = self._victim.data / "work", self._victim.data / "pool"
        before, some = len(list(pool.glob("*/*"))), self._dice.randrange(1, 2 * AMOUNT)

        def running() -> bool:
            return Job.objects.filter(pk=target.job, state="running").exists()

        return {
            "any": lambda: True,
            "claimed": running,
            "listed": lambda: any(work.glob(f"job-{target.job}-*/list")),
            "fetching": lambda: len(list(pool.glob("*/*"))) >= before + some,
            "recording": made.exists,
            "recorded": made.filter(complete=True).exists,
            "publishing": lambda: any(work.glob(f"job-{target.job}-*/metadata")),
            "published": Publication.objects.filter(version__in=made).exists,
            "switched": Distribution.objects.filter(base_path=name, publication__version__in=made).exists,
        }[moment]

    # -- what is found --

    def _judge(self, targets: list[Target]) -> list[str]:
        data, rounds = self._victim.data, self.figures.rounds
        checks = [
            evidence.of_jobs(),
            evidence.of_versions(),
            evidence.of_artifacts(data),
            evidence.of_bytes(data, self._hashed),
            evidence.of_publications(rounds),
            self._left_over(),
            *(evidence.of_downloads(self._base(one.moving), one.moving.expected) for one in targets),
            *(self._asked_again(one.moving) for one in targets),
        ]
        for target in targets:
            self._count(target)
        seen, self._onlooker.wrong = self._onlooker.wrong, []
        return [*chain(*checks), *seen]

    def _base(self, moving: Moving) -> str:
        return f"{self._victim.address}/content/{moving.name}/"

    def _left_over(self) -> evidence.Wrong:
        """What lies about. A worker that lost its job needs a moment to notice, and to clear away behind it."""
        look = partial(evidence.of_leftovers, self._home, self._known)
        deadline = time.monotonic() + 10
        while (left := list(look())) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield from left

    def _asked_again(self, moving: Moving) -> evidence.Wrong:
        refetched = moving.refetched()
        self.figures.refetched += len(refetched)
        yield from (f"{moving.name}: {path} was stored, and fetched again" for path in refetched)

    def _count(self, target: Target) -> None:
        files, again = target.moving.fetched()
        self.figures.jobs += 1
        self.figures.again += Job.objects.get(pk=target.job).attempt > 1
        self.figures.fetched += files
        self.figures.in_flight += again
        self.figures.downloads += sum(evidence.is_downloaded(path) for path in target.moving.expected) + 1
        self.figures.lost = self._victim.lost()

    @property
    def looks(self) -> int:
        return self._onlooker.seen
