"""Secrets at rest: sealed, revealed, sealed anew; and nothing lost whenever a rotation is killed."""

import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from repos import keyfile, vault
from repos.errors.storage import SecretLost
from repos.models import Remote

SECRET = "pässword with\nlines"


def remote(name: str, **secrets: str) -> Remote:
    sealed = {field: vault.seal(text) for field, text in secrets.items()}
    return Remote.objects.create(name=name, url="http://host/", **sealed)


def revealed(remote: Remote) -> dict[str, str]:
    remote.refresh_from_db()
    return {field: text for field in Remote.SECRETS if (text := vault.reveal(getattr(remote, field)))}


def keys() -> list[str]:
    return vault.key_file().read_text().split()


def test_it_works() -> None:
    sealed = vault.seal(SECRET)
    assert "pässword" not in sealed
    assert vault.reveal(sealed) == SECRET
    assert vault.seal(SECRET) != sealed


def test_nothing_is_sealed_as_nothing() -> None:
    assert vault.seal("") == vault.reveal("") == ""
    assert not vault.key_file().exists()


def test_only_its_owner_may_read_the_key() -> None:
    vault.seal(SECRET)
    assert stat.S_IMODE(vault.key_file().stat().st_mode) == 0o600
    keyfile.replace(vault.key_file(), "other")
    assert stat.S_IMODE(vault.key_file().stat().st_mode) == 0o600
    assert [file.name for file in vault.key_file().parent.iterdir()] == ["remotes.key"]


def test_the_newest_key_seals_and_all_of_them_open() -> None:
    before = vault.seal(SECRET)
    new = Fernet.generate_key().decode()
    vault.key_file().write_text(f"{new}\n\n{keys()[0]}\n")
    assert vault.reveal(before) == SECRET
    assert Fernet(new).decrypt(vault.seal(SECRET)).decode() == SECRET


def test_a_missing_key_file_is_told() -> None:
    sealed = vault.seal(SECRET)
    vault.key_file().unlink()
    with pytest.raises(SecretLost, match=r"the key file .*remotes\.key is missing\. Bring the right key file back, or"):
        vault.reveal(sealed)
    assert not vault.key_file().exists()


def test_a_key_file_that_may_not_be_read_is_told() -> None:
    sealed = vault.seal(SECRET)
    vault.key_file().unlink()
    vault.key_file().mkdir()
    with pytest.raises(SecretLost, match=r"remotes\.key cannot be read \(Is a directory\)\. "):
        vault.reveal(sealed)


def test_a_key_file_that_does_not_fit_is_told() -> None:
    sealed = vault.seal(SECRET)
    vault.key_file().write_text(Fernet.generate_key().decode())
    with pytest.raises(SecretLost, match=r"with a key that is not in the key file .*remotes\.key"):
        vault.reveal(sealed)


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "é"])
def test_a_key_file_that_cannot_be_read_is_told(text: str) -> None:
    sealed = vault.seal(SECRET)
    vault.key_file().write_text(text)
    for act in (vault.seal, vault.reveal):
        with pytest.raises(SecretLost, match="is not one key a line"):
            act(sealed)


def test_all_who_seal_first_at_once_seal_with_the_same_key() -> None:
    barrier = threading.Barrier(4)

    def seal() -> str:
        barrier.wait(10)
        return vault.seal(SECRET)

    with ThreadPoolExecutor(4) as threads:
        sealed = [future.result() for future in [threads.submit(seal) for _ in range(4)]]
    assert [vault.reveal(one) for one in sealed] == [SECRET] * 4


# ---- rotation --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_everything_is_sealed_anew_and_the_old_key_is_dropped() -> None:
    one = remote("one", password=SECRET, headers="A: b")
    two = remote("two", token="t0ken", proxy_password="x")
    bare = remote("bare")
    before = keys()
    assert vault.rotate() == 4
    assert revealed(one) == {"password": SECRET, "headers": "A: b"}
    assert revealed(two) == {"token": "t0ken", "proxy_password": "x"}
    assert revealed(bare) == {}
    assert len(keys()) == 1
    assert not set(before) & set(keys())


@pytest.mark.django_db
def test_a_rotation_of_nothing_makes_a_key() -> None:
    assert vault.rotate() == 0
    assert len(keys()) == 1


@pytest.mark.django_db
def test_more_remotes_than_are_sealed_at_once_are_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "ROWS", 3)
    made = [remote(f"{number}", token=f"{number}") for number in range(10)]
    assert vault.rotate() == 10
    assert [revealed(one)["token"] for one in made] == [f"{number}" for number in range(10)]


@pytest.mark.django_db
def test_what_no_key_opens_is_left_and_told() -> None:
    lost, kept = remote("lost", password=SECRET), remote("kept", password="new")
    Remote.objects.filter(pk=lost.pk).update(password=(alien := Fernet(Fernet.generate_key()).encrypt(b"x").decode()))
    assert vault.lost() == ["lost"]
    assert vault.rotate() == 1
    lost.refresh_from_db()
    assert (lost.password, revealed(kept)) == (alien, {"password": "new"})
    assert vault.lost() == ["lost"]


@pytest.mark.django_db
def test_without_a_key_file_all_that_is_sealed_is_lost() -> None:
    remote("one", password=SECRET)
    remote("bare")
    vault.key_file().unlink()
    assert vault.lost() == ["one"]


class Killed(BaseException):
    pass


def dying(act: Callable[..., Any], *, after: int) -> Callable[..., Any]:
    """`act` that works `after` times, and is then the end of the process."""
    left = [after]

    def acts(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return act(*arguments, **options)

    return acts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("where", "name", "after"),
    [
        (keyfile, "replace", 0),
        (vault, "_seal_anew", 0),
        (vault, "_changed", 0),
        (vault, "_changed", 2),
        (vault, "_changed", 5),
        (vault, "_seal_anew", 1),
        (keyfile, "replace", 1),
    ],
    ids=str,
)
def test_a_rotation_that_is_killed_loses_nothing_and_is_completed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, after: int
) -> None:
    made = [remote(f"{number}", token=f"{number}") for number in range(4)]
    before = keys()
    with monkeypatch.context() as patched:
        patched.setattr(vault, "ROWS", 1)
        patched.setattr(where, name, dying(getattr(where, name), after=after))
        with pytest.raises(Killed):
            vault.rotate()
    assert [revealed(one)["token"] for one in made] == ["0", "1", "2", "3"]
    vault.rotate()
    assert [revealed(one)["token"] for one in made] == ["0", "1", "2", "3"]
    assert len(keys()) == 1
    assert not set(before) & set(keys())


@pytest.mark.django_db
def test_what_somebody_changes_meanwhile_is_his(monkeypatch: pytest.MonkeyPatch) -> None:
    made = remote("one", token="old", proxy_password="kept")
    changed = vault._changed

    def meanwhile(row: Any, fernets: Any) -> Any:
        found = changed(row, fernets)
        monkeypatch.setattr(vault, "_changed", changed)
        Remote.objects.filter(pk=made.pk).update(token=vault.seal("new"))
        return found

    monkeypatch.setattr(vault, "_changed", meanwhile)
    assert vault.rotate() == 1
    assert revealed(made) == {"token": "new", "proxy_password": "kept"}


@pytest.mark.django_db(transaction=True)
def test_no_key_is_dropped_while_somebody_stores_what_he_sealed_with_it() -> None:
    made = remote("one", token="old")
    before = keys()
    rotated: list[int] = []

    def rotate() -> None:
        try:
            rotated.append(vault.rotate())
        finally:
            connection.close()

    with vault.storing():
        sealed = vault.seal("new")
        thread = threading.Thread(target=rotate)
        thread.start()
        while not Remote.objects.filter(pk=made.pk).exclude(token=made.token).exists():
            assert thread.is_alive()
        # It has sealed anew what it found, and waits for us.
        assert keys()[1:] == before
        Remote.objects.filter(pk=made.pk).update(token=sealed)
    thread.join(10)
    assert rotated == [2]
    assert revealed(made) == {"token": "new"}
    assert not set(before) & set(keys())


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_lose_nothing() -> None:
    made = [remote(f"{number}", token=f"{number}") for number in range(20)]

    def rotate() -> None:
        try:
            vault.rotate()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(rotate) for _ in range(4)]:
            future.result()
    assert [revealed(one)["token"] for one in made] == [f"{number}" for number in range(20)]
    assert len(keys()) == 1


@pytest.mark.django_db(transaction=True)
def test_those_who_store_while_keys_are_rotated_lose_nothing() -> None:
    made = remote("one", token="0")
    stop = threading.Event()

    def store() -> int:
        number = 0
        try:
            while not stop.is_set():
                with vault.storing():
                    number += 1
                    Remote.objects.filter(pk=made.pk).update(token=vault.seal(f"{number}"))
                assert revealed_anew(made) == f"{number}"
        finally:
            connection.close()
        return number

    with ThreadPoolExecutor(1) as threads:
        storing = threads.submit(store)
        try:
            for _ in range(10):
                vault.rotate()
        finally:
            stop.set()
        last = storing.result()
    assert revealed(made) == {"token": f"{last}"}


def revealed_anew(made: Remote) -> str:
    """The token, read again where its key was dropped between the row and the file."""
    try:
        return revealed(made)["token"]
    except SecretLost:
        return revealed(made)["token"]
