"""What is known to be damaged, and that nobody is served it."""

import os
import stat
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest

from dashboard import part
from repos import chain, damage, jobs, pool, quarantine
from repos.actions import VERIFY
from repos.damage import note, note_unserved, with_places
from repos.faults import Fault, Identity, fault_of
from repos.models import Artifact, Damage, Repository
from repos.published import File
from tests import decay, factories
from tests.content_server import Client, serving

pytestmark = pytest.mark.django_db
DATA = bytes(range(256)) * 4000
MISSING = Fault("missing", "it is not in the pool")
WRONG = Fault("digest", "its sha256 is another")


@pytest.fixture
def files(db: None) -> Repository:
    made = factories.repository()
    factories.serve(made, {"data.bin": DATA, "a": b"1"})
    return made


@pytest.fixture
def get(transactional_db: None, bell: list[int]) -> Iterator[Client]:
    factories.serve(factories.repository(), {"data.bin": DATA})
    with serving() as client:
        yield client


def known() -> list[tuple[str, bool]]:
    return [(one.cause, one.quarantined) for one in Damage.objects.all()]


def test_it_works(files: Repository) -> None:
    artifact = decay.artifact(DATA)
    assert note(artifact.pk, WRONG, quarantined=True)
    assert known() == [("digest", True)]
    (found,) = with_places([Damage.objects.get()])
    assert ([row.path for row in found.content], found.metadata, found.more) == (["data.bin"], [], False)
    damage.healed(artifact.pk)
    assert known() == []


def test_news_replaces_what_was_known_but_that_it_is_missing_is_none(files: Repository) -> None:
    number = decay.artifact(DATA).pk
    note(number, MISSING)
    note(number, WRONG, quarantined=True)
    note(number, MISSING)
    assert known() == [("digest", True)]


def test_nothing_is_noted_of_an_artifact_that_is_gone() -> None:
    assert not note(4711, MISSING)
    note_unserved("0" * 64)
    assert known() == []


@pytest.mark.parametrize(("spoil", "cause"), [(decay.delete, "missing"), (decay.truncate, "size"), (decay.flip, None)])
def test_what_could_not_be_served_is_noted_by_a_glance(files: Repository, spoil: object, cause: str | None) -> None:
    assert callable(spoil)
    spoil(DATA)
    for _ in range(2):
        note_unserved(decay.artifact(DATA).sha256)
    assert [one.cause for one in Damage.objects.all()] == ([cause] if cause else [])


def test_the_places_are_the_first_and_say_if_there_are_more(files: Repository) -> None:
    for number in range(4):
        factories.version(files, {f"again {number}": b"1"})
    note(decay.artifact(b"1").pk, MISSING)
    (found,) = with_places(list(Damage.objects.all()), most=3)
    assert ([row.path for row in found.content], found.more) == (["a", "again 0", "again 1"], True)


# ---- quarantine ----


def test_only_the_very_file_that_was_read_is_taken(files: Repository) -> None:
    place = decay.place(DATA)
    wrong = Identity.at(place)
    fresh = place.with_name("fresh")
    fresh.write_bytes(DATA)
    fresh.replace(place)
    assert wrong
    assert not quarantine.take(place.name, wrong, 1)
    assert decay.is_whole(DATA)


def test_right_bytes_that_come_between_the_look_and_the_move_are_put_back(
    files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = decay.place(DATA)
    wrong = Identity.at(place)
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        fresh = self.with_name("fresh")
        fresh.write_bytes(DATA)
        fresh.replace(self)
        return rename(self, target)

    assert wrong
    monkeypatch.setattr(Path, "rename", late)
    assert not quarantine.take(place.name, wrong, 1)
    assert decay.is_whole(DATA)
    assert list(quarantine.folder().iterdir()) == []


def test_a_file_that_goes_meanwhile_is_not_taken(files: Repository) -> None:
    place = decay.place(DATA)
    wrong = Identity.at(place)
    place.unlink()
    assert wrong
    assert not quarantine.take(place.name, wrong, 1)


def test_a_pipe_in_the_place_of_bytes_holds_nobody_up(files: Repository) -> None:
    place = decay.place(DATA)
    place.unlink()
    os.mkfifo(place)
    fault = fault_of(place.name, len(DATA), tick=lambda size: None)
    assert fault
    assert (fault.cause, fault.wrong) == ("unreadable", Identity.at(place))
    assert stat.S_ISFIFO(place.lstat().st_mode)


# ---- what downloaders meet ----


def served() -> File:
    artifact = decay.artifact(DATA)
    return File(artifact.sha256, artifact.size, artifact.created_at)


def test_a_download_that_runs_breaks_off_when_its_bytes_are_found_to_be_wrong(files: Repository) -> None:
    decay.flip(DATA)
    with part.Part(served(), range(len(DATA))) as running:
        assert running.read(1000)
        wrong = Identity.at(decay.place(DATA))
        assert wrong
        assert quarantine.take(served().sha256, wrong, 1)
        with pytest.raises(part.Damaged, match="found to be damaged"):
            running.read(1000)


def test_one_whose_bytes_are_only_replaced_or_cleaned_away_goes_on(files: Repository) -> None:
    with part.Part(served(), range(len(DATA))) as running:
        pool.path(served().sha256).unlink()
        assert running.readall() == DATA


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-9"}], ids=["whole", "range"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nobody_gets_it_from_the_moment_it_is_found(get: Client, method: str, headers: dict[str, str]) -> None:
    decay.flip(DATA)
    assert get("/content/files/data.bin", method, **headers).status in (200, 206)
    chain.run(jobs.request(None, actions=VERIFY).job.pk, "test")
    answer = get("/content/files/data.bin", method, **headers)
    assert answer.status == 503
    assert method == "HEAD" or b"This file is damaged here" in answer.body
    assert known() == [("digest", True)]


@pytest.mark.django_db(transaction=True)
def test_a_downloader_in_the_middle_of_it_is_cut_off(get: Client) -> None:
    decay.flip(DATA)
    connection = HTTPConnection("127.0.0.1", get.port, timeout=10)
    connection.request("GET", "/content/files/data.bin")
    response = connection.getresponse()
    assert response.read(1000)
    wrong = Identity.at(decay.place(DATA))
    assert wrong
    assert quarantine.take(served().sha256, wrong, 1)
    with pytest.raises(IncompleteRead):
        response.read()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_what_a_downloader_finds_missing_is_noted(get: Client) -> None:
    decay.delete(DATA)
    for _ in range(3):
        assert get("/content/files/data.bin").status == 503
    assert known() == [("missing", False)]
    assert Artifact.objects.get(damage__isnull=False).sha256 == decay.artifact(DATA).sha256
