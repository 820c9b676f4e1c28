"""All that can be done, in any order, against a model of plain dicts; after each step DESIGN's rules hold.

Deeds are real: real jobs, a real upstream, a real pool. What fails is shrunk to the shortest story that tells it.
"""

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bench import rules
from repos import (
    by_hand,
    chain,
    change,
    deletion,
    distribute,
    distributions,
    jobs,
    pool,
    publish_settings,
    retention,
)
from repos.actions import CLEAN, VERIFY, Actions, Details
from repos.create import make_repository
from repos.errors import MillraceError
from repos.errors.refusals import InUse, Refused
from repos.errors.values import BasePathTaken
from repos.models import Artifact, Content, Distribution, Job, Publication, Repository, RepositoryVersion, Switch
from repos.recover import recover
from tests import factories, fuzzing
from tests.faults.house import Files, House, Place, Published, Series, clash
from tests.running import delete_all_rows
from tests.upstream import Upstream

PATHS = st.sampled_from(["a", "b", "c/a", "c/b", "d"])
BYTES = st.sampled_from([b"", b"1", b"22", b"333", b"4444"])
BASE_PATHS = st.sampled_from(["x", "x/y", "xy", "z/1", "z"])
NAMES = ["one", "two", "three"]
ANY = st.integers(0, 59)
RUNS = st.sampled_from([(False, False), (True, False), (True, True)])
# Past the grace time, and past the protection of what nobody needs.
LONG = timedelta(days=4)


class Killed(BaseException):
    """As if the process were gone: nothing that a job does about errors is done."""


class Life(RuleBasedStateMachine):
    """Whatever people, jobs, upstreams and time do to one installation."""

    upstreams: list[Upstream]
    monkeypatch: pytest.MonkeyPatch

    @initialize()
    def begin(self) -> None:
        self.house = House()
        for number, upstream in enumerate(self.upstreams):
            for path in list(upstream.files):
                upstream.remove(path)
            upstream.write("a", b"%d" % number)
        self._make("one", "x", mirror=False, upstream=0)
        self.run(0, (True, True), b"the first")
        self.add_distribution(0, "z/1")
        self.pin(1, 0)
        self.change_settings(0, mirror=False, keep=1)
        self.run(0, (True, True), b"the second")
        self.run(0, (True, True), b"the third")

    def teardown(self) -> None:
        delete_all_rows()

    # -- choosing --

    def _name(self, number: int) -> str:
        names = sorted(self.house.series)
        return names[number % len(names)]

    def _place(self, number: int) -> str:
        places = sorted(self.house.places)
        return places[number % len(places)]

    def _publication(self, name: str, number: int) -> Published | None:
        found = self.house.series[name].publications
        return found[number % len(found)] if found else None

    # -- the upstream, and time --

    @rule(number=ANY, path=PATHS, data=BYTES)
    def upstream_writes(self, number: int, path: str, data: bytes) -> None:
        self.upstreams[number % 2].write(path, data)

    @rule(number=ANY, path=PATHS)
    def upstream_removes(self, number: int, path: str) -> None:
        files = self.upstreams[number % 2].files
        # An empty list would stop a mirror, and ask: see test_brake.py.
        if path in files and len(files) > 1:
            self.upstreams[number % 2].remove(path)

    @rule()
    def time_passes(self) -> None:
        Switch.objects.update(at=F("at") - LONG)
        Artifact.objects.update(created_at=F("created_at") - LONG, wanted_at=F("wanted_at") - LONG)
        for file in in_pool():
            written = file.stat().st_mtime - LONG.total_seconds()
            os.utime(file, (written, written))
        for place in self.house.places.values():
            place.graced.clear()

    # -- repositories --

    @rule(name=st.sampled_from(NAMES), base_path=BASE_PATHS, mirror=st.booleans(), number=ANY)
    def make(self, name: str, base_path: str, mirror: bool, number: int) -> None:
        if name not in self.house.series:
            self._make(name, base_path, mirror=mirror, upstream=number % 2)

    def _make(self, name: str, base_path: str, *, mirror: bool, upstream: int) -> None:
        url, free = self.upstreams[upstream].manifest_url, self.house.is_free(base_path)
        values: dict[str, Any] = {"name": name, "url": url, "base_path": base_path, "mirror": mirror, "brake": 100}
        if not refused(BasePathTaken, lambda: make_repository(**values), when=not free):
            self.house.series[name] = Series(upstream, mirror)
            self.house.places[base_path] = Place(name)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, mirror=st.booleans(), keep=st.sampled_from([None, 1, 2]))
    def change_settings(self, number: int, mirror: bool, keep: int | None) -> None:
        name = self._name(number)
        change.change_repository(of(name), mirror=mirror, keep_versions=keep)
        self.house.series[name].mirror, self.house.series[name].keep = mirror, keep

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, checksums=st.sampled_from(["", "SUMS"]), everywhere=st.booleans())
    def edit_publish_settings(self, number: int, checksums: str, everywhere: bool) -> None:
        repository = of(self._name(number))
        before = publish_settings.values_of(repository.publish_settings)
        publish_settings.change(
            repository.publish_settings, repositories=None if everywhere else [repository], checksums=checksums
        )
        series = self.house.series[repository.name]
        for one in list(self.house.share(series.settings)) if everywhere else [series]:
            one.settings = checksums
        repository.publish_settings.refresh_from_db()
        assert publish_settings.values_of(repository.publish_settings) == before, "a row is never edited"

    @precondition(lambda self: self.house.series)
    @rule(number=ANY)
    def delete_repository(self, number: int) -> None:
        name = self._name(number)
        serving = any(place.serves for place in self.house.of(name))
        if refused(InUse, lambda: deletion.delete_repository(of(name), with_remote=True), when=serving):
            return
        del self.house.series[name]
        self.house.places = {path: one for path, one in self.house.places.items() if one.repository != name}

    # -- runs --

    def _obstacle(self, name: str, *, distribute: bool) -> bool:
        return distribute and not self.house.followers(name)

    def _synced(self, name: str, *, publish: bool, distribute: bool) -> None:
        series = self.house.series[name]
        wanted = self.upstreams[series.upstream].files
        series.become(wanted if series.mirror else series.versions[series.latest] | wanted)
        self.house.finish(name, publish=publish, distribute=distribute)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, how=RUNS, news=BYTES)
    def run(self, number: int, how: tuple[bool, bool], news: bytes) -> None:
        name, actions = self._name(number), Actions(True, *how)
        self.upstreams[self.house.series[name].upstream].write("news", news)
        when = self._obstacle(name, distribute=how[1])
        if not refused(Refused, lambda: jobs.request(of(name), actions=actions), when=when):
            assert ended(jobs.request(of(name), actions=actions).job).state == "completed"
            self._synced(name, publish=how[0], distribute=how[1])

    @precondition(lambda self: any(self.house.followers(name) for name in self.house.series))
    @rule(number=ANY)
    def run_twice(self, number: int) -> None:
        """4: what is true already is not done again."""
        name = self._name(number)
        if self._obstacle(name, distribute=True):
            return
        for _ in range(2):
            before = figures()
            job = ended(jobs.request(of(name), actions=Actions()).job)
        assert (job.state, job.version, job.publication) == ("completed", None, None)
        assert figures() == before
        self._synced(name, publish=True, distribute=True)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, where=st.sampled_from(["sync", "publish", "distribute", "let_go"]), after=st.booleans())
    def die(self, number: int, where: str, after: bool) -> None:
        """14: killed between two steps; who comes meanwhile waits; then it is taken up again, and both end."""
        name = self._name(number)
        if self._obstacle(name, distribute=True):
            return
        job = jobs.request(of(name), actions=Actions()).job
        with self.monkeypatch.context() as patch:
            module = retention if where == "let_go" else chain
            patch.setattr(module, where, killing(getattr(module, where), after=after))
            with pytest.raises(Killed):
                chain.run(job.pk, "dead")
        assert jobs.request(of(name), actions=Actions()) == jobs.Requested(job, joined=True)
        other = jobs.request(of(name), actions=Actions(publish=False, distribute=False)).job
        assert ended(other).state == "waiting"
        assert not rules.broken()
        assert recover(dead="dead", by="another") == 1
        assert [ended(job).state, ended(other).state] == ["completed"] * 2
        self._synced(name, publish=True, distribute=True)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, how=RUNS)
    def cancel(self, number: int, how: tuple[bool, bool]) -> None:
        name = self._name(number)
        if self._obstacle(name, distribute=how[1]):
            return
        before, job = figures(), jobs.request(of(name), actions=Actions(True, *how)).job
        assert jobs.cancel(job)
        assert ended(job).state == "canceled"
        assert figures() == before

    # -- by hand --

    def _then(self, name: str) -> Actions:
        return by_hand.AND_DISTRIBUTE if self.house.followers(name) else by_hand.AND_PUBLISH

    def _by_hand(
        self,
        name: str,
        files: Files,
        ask: Callable[[Repository, Actions], jobs.Requested],
        named: int | None = None,
    ) -> None:
        """What `ask` asks for is refused of a mirror, and of what is so already; else it makes the next version."""
        series, then = self.house.series[name], self._then(name)
        if series.mirror:
            with pytest.raises(Refused):
                ask(of(name), then)
            return
        job = ended(ask(of(name), then).job)
        assert job.state == "completed", job.error
        series.become(files)
        self.house.finish(name, publish=True, distribute=then.distribute, named=named)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, path=PATHS, data=BYTES)
    def add(self, number: int, path: str, data: bytes) -> None:
        series = self.house.series[name := self._name(number)]
        present = series.versions[series.latest]
        if present.get(path) == data:
            refused(MillraceError, lambda: by_hand.add(of(name), {path: factories.artifact(data)}, replace=True))
            return
        self._by_hand(
            name,
            present | {path: data},
            lambda repository, then: by_hand.add(
                repository, {path: factories.artifact(data)}, replace=True, actions=then
            ),
        )

    @precondition(lambda self: self.house.series)
    @rule(number=ANY)
    def remove(self, number: int) -> None:
        series = self.house.series[name := self._name(number)]
        present = series.versions[series.latest]
        if not present:
            return
        path = sorted(present)[number % len(present)]
        left = {one: data for one, data in present.items() if one != path}
        self._by_hand(name, left, lambda repository, then: by_hand.remove(repository, [path], actions=then))

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, which=ANY)
    def restore(self, number: int, which: int) -> None:
        series = self.house.series[name := self._name(number)]
        chosen = sorted(series.versions)[which % len(series.versions)]
        if chosen in (0, series.latest):
            refused(Refused, lambda: by_hand.restore(of(name), chosen))
            return
        self._by_hand(
            name,
            series.versions[chosen],
            lambda repository, then: by_hand.restore(repository, chosen, actions=then),
            named=chosen,
        )

    # -- publications and what is served --

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, which=ANY)
    def publish_a_version(self, number: int, which: int) -> None:
        series = self.house.series[name := self._name(number)]
        chosen = sorted(series.versions)[which % len(series.versions)]
        publish = Actions(sync=False, publish=True, distribute=False)
        details = Details(of_version=chosen)
        if refused(Refused, lambda: jobs.request(of(name), actions=publish, details=details), when=chosen == 0):
            return
        assert ended(jobs.request(of(name), actions=publish, details=details).job).state == "completed"
        if (chosen, series.settings) not in series.publications:
            series.publications.append((chosen, series.settings))
        self.house.retain(name, named=chosen)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, base_path=BASE_PATHS)
    def add_distribution(self, number: int, base_path: str) -> None:
        name = self._name(number)
        free = self.house.is_free(base_path)
        if not refused(BasePathTaken, lambda: distributions.add_distribution(of(name), base_path=base_path), not free):
            self.house.places[base_path] = Place(name, self.house.series[name].newest())

    @precondition(lambda self: self.house.places)
    @rule(number=ANY, which=ANY)
    def pin(self, number: int, which: int) -> None:
        place = self.house.places[base_path := self._place(number)]
        if published := self._publication(place.repository, which):
            distribute.pin(at(base_path), publication(place.repository, published))
            place.switch(published)
            place.pinned = True

    @precondition(lambda self: self.house.places)
    @rule(number=ANY)
    def follow(self, number: int) -> None:
        place = self.house.places[base_path := self._place(number)]
        distribute.follow(at(base_path))
        if newest := self.house.series[place.repository].newest():
            place.switch(newest)
            place.pinned = False

    @precondition(lambda self: self.house.places)
    @rule(number=ANY, to=BASE_PATHS)
    def move_distribution(self, number: int, to: str) -> None:
        base_path = self._place(number)
        others = [other for other in self.house.places if other != base_path]
        taken = any(clash(to, other) for other in others)
        if not refused(BasePathTaken, lambda: distributions.change_base_path(at(base_path), base_path=to), taken):
            self.house.places[to] = self.house.places.pop(base_path)

    @precondition(lambda self: self.house.places)
    @rule(number=ANY)
    def delete_distribution(self, number: int) -> None:
        base_path = self._place(number)
        deletion.delete_distribution(at(base_path), confirmed=base_path)
        del self.house.places[base_path]

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, which=ANY)
    def delete_publication(self, number: int, which: int) -> None:
        series = self.house.series[name := self._name(number)]
        if one := self._publication(name, which):
            needed = one in self.house.needed(name)
            if not refused(InUse, lambda: deletion.delete_publication(publication(name, one)), when=needed):
                series.publications.remove(one)

    @precondition(lambda self: self.house.series)
    @rule(number=ANY, which=ANY)
    def delete_version(self, number: int, which: int) -> None:
        series = self.house.series[name := self._name(number)]
        chosen = sorted(series.versions)[which % len(series.versions)]
        needed = {one for one, _ in self.house.needed(name)} | {0, series.latest}
        version = of(name).versions.get(number=chosen)
        if not refused(MillraceError, lambda: deletion.delete_version(version), when=chosen in needed):
            series.forget(chosen)

    # -- upkeep --

    @rule()
    def clean_up(self) -> None:
        assert ended(jobs.request(None, actions=CLEAN).job).state == "completed"
        for name in self.house.series:
            self.house.retain(name)
        assert not list(rules.of_strays())

    @precondition(lambda self: self.house.series)
    @rule(number=ANY)
    def damage_and_repair(self, number: int) -> None:
        """What an upstream has still is had anew."""
        series = self.house.series[self._name(number)]
        upstream = self.upstreams[series.upstream].files
        both = [path for path, data in series.versions[series.latest].items() if data and upstream.get(path) == data]
        if both:
            pool.path(digest(upstream[both[0]])).write_bytes(b"wrong")
            verify = jobs.request(None, actions=VERIFY, details=Details(may_repair=True)).job
            assert ended(verify).state == "completed"

    # -- what is always so --

    @invariant()
    def the_rules_hold(self) -> None:
        assert not rules.broken()
        for file in in_pool():
            assert digest(file.read_bytes()) == file.name

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        house = self.house
        assert {one.name: versions_of(one) for one in Repository.objects.all()} == {
            name: {number: digests(files) for number, files in series.versions.items()}
            for name, series in house.series.items()
        }
        assert {one.name: published_by(one) for one in Repository.objects.all()} == {
            name: series.publications for name, series in house.series.items()
        }
        served = Distribution.objects.select_related("repository", "publication__version", "publication__settings")
        assert {one.base_path: (one.repository.name, one.pinned, pair(one.publication)) for one in served} == {
            path: (place.repository, place.pinned, place.serves) for path, place in house.places.items()
        }


# ---- doing, and looking --------------------------------------------------------------------------------


def of(name: str) -> Repository:
    return Repository.objects.select_related("remote", "publish_settings").get(name=name)


def at(base_path: str) -> Distribution:
    return Distribution.objects.get(base_path=base_path)


def publication(name: str, pair: Published) -> Publication:
    found = Publication.objects.select_related("version")
    return found.get(version__repository__name=name, version__number=pair[0], settings__checksums=pair[1])


def refused(kind: type[MillraceError], ask: Callable[[], object], when: bool = True) -> bool:
    """Asks, and holds it against what is to happen; returns whether it was refused."""
    if when:
        with pytest.raises(kind):
            ask()
    else:
        ask()
    return when


def ended(job: Job) -> Job:
    """The job after somebody tried to run it."""
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


def killing(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def killed(*args: Any, **options: Any) -> Any:
        if after:
            step(*args, **options)
        raise Killed

    return killed


def figures() -> tuple[int, int, int]:
    return RepositoryVersion.objects.count(), Publication.objects.count(), Switch.objects.count()


def in_pool() -> list[Path]:
    return list(pool.path("00").parent.parent.glob("*/*"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digests(files: Files) -> dict[str, str]:
    return {path: digest(data) for path, data in files.items()}


def versions_of(repository: Repository) -> dict[int, dict[str, str]]:
    return {
        version.number: {path: sha256 for path, sha256, _ in Content.objects.of(version).in_path_order()}
        for version in repository.versions.complete()
    }


def published_by(repository: Repository) -> list[Published]:
    rows = Publication.objects.filter(version__repository=repository).order_by("pk")
    return list(rows.values_list("version__number", "settings__checksums"))


def pair(publication: Publication | None) -> Published | None:
    return (publication.version.number, publication.settings.checksums) if publication else None


# One thing after the other: what databases do about several at once is in test_races.py.
@pytest.mark.any_database
@pytest.mark.usefixtures("transactional_db", "bell")
def test_whatever_is_done_in_whatever_order_the_rules_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream() as first, Upstream() as second:
        Life.upstreams, Life.monkeypatch = [first, second], monkeypatch
        few = fuzzing.rules(2)
        run_state_machine_as_test(Life, settings=type(few)(few, stateful_step_count=15))
