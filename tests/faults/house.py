"""What ought to be, as plain dicts: the rules of DESIGN in a second, much simpler form, without a database."""

from collections.abc import Iterator
from dataclasses import dataclass, field

Files = dict[str, bytes]
# A publication: the number of the version, and by what name its settings have a file of checksums.
Published = tuple[int, str]


def clash(one: str, other: str) -> bool:
    """Whether one base path is the other, or lies inside it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


@dataclass
class Place:
    """A distribution. `graced` are publications that were superseded here within the grace time."""

    repository: str
    serves: Published | None = None
    pinned: bool = False
    graced: set[Published] = field(default_factory=set)

    def switch(self, to: Published) -> None:
        if self.serves and self.serves != to:
            self.graced.add(self.serves)
        self.serves = to


@dataclass
class Series:
    """A repository. `publications` are in the order in which they were made."""

    upstream: int
    mirror: bool
    settings: str = ""
    keep: int | None = None
    versions: dict[int, Files] = field(default_factory=lambda: {0: {}})
    publications: list[Published] = field(default_factory=list)

    @property
    def latest(self) -> int:
        return max(self.versions)

    def become(self, files: Files) -> None:
        """Makes the next version, if that is another than the latest."""
        if files != self.versions[self.latest]:
            self.versions[self.latest + 1] = dict(files)

    def publish(self) -> Published:
        made = (self.latest, self.settings)
        if made not in self.publications:
            self.publications.append(made)
        return made

    def newest(self) -> Published | None:
        """What a distribution that follows serves: as a job makes it, if there is that."""
        found = enumerate(self.publications)
        return max(found, key=lambda one: (one[1][0], one[1][1] == self.settings, one[0]), default=(0, None))[1]

    def forget(self, number: int) -> None:
        del self.versions[number]
        self.publications = [one for one in self.publications if one[0] != number]


@dataclass
class House:
    """Repositories by name, distributions by base path."""

    series: dict[str, Series] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def is_free(self, base_path: str) -> bool:
        return not any(clash(base_path, other) for other in self.places)

    def of(self, name: str) -> list[Place]:
        return [place for place in self.places.values() if place.repository == name]

    def followers(self, name: str) -> list[Place]:
        return [place for place in self.of(name) if not place.pinned]

    def needed(self, name: str) -> set[Published]:
        """What is served, or was within the grace time."""
        return {one for place in self.of(name) for one in ({place.serves} | place.graced) if one}

    def finish(self, name: str, *, publish: bool, distribute: bool, named: int | None = None) -> None:
        """What follows every new version: publish, distribute, retention. The job itself may have `named` a version."""
        series = self.series[name]
        if publish:
            made = series.publish()
            for place in self.followers(name) if distribute else ():
                place.switch(made)
        self.retain(name, named)

    def retain(self, name: str, named: int | None = None) -> None:
        for number in self._going(name):
            if number != named:
                self.series[name].forget(number)

    def _going(self, name: str) -> list[int]:
        series = self.series[name]
        if series.keep is None:
            return []
        needed = {number for number, _ in self.needed(name)}
        newest = sorted(series.versions, reverse=True)[: series.keep]
        return [number for number in series.versions if number and number not in newest and number not in needed]

    def share(self, settings: str) -> Iterator[Series]:
        return (series for series in self.series.values() if series.settings == settings)
