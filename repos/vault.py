"""Secrets at rest: sealed with the keys of one file, and sealed anew when that gets a new key.

The file has one Fernet key (https://github.com/fernet/spec) a line, the newest first: that one seals, all of them open.
It is read at each use, so that a key which another process has added is known here at once.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from . import conf, keyfile
from .chunks import ROWS
from .errors.storage import SecretLost
from .models import Remote
from .words import say

if TYPE_CHECKING:
    # It takes long to import, and most processes never see a secret.
    from cryptography.fernet import Fernet


def key_file() -> Path:
    return conf.data() / "secrets" / "remotes.key"


def seal(text: str) -> str:
    """`text` in a form that only the key file opens; of nothing nothing.

    Who stores it seals and commits within `storing()`, or a rotation may drop the key in between.
    """
    if not text:
        return ""
    return _fernets(keyfile.load_or_make(key_file(), _new_key))[0].encrypt(text.encode()).decode()


def reveal(sealed: str) -> str:
    """What was sealed; of nothing nothing. Raises SecretLost where the key file does not open it."""
    if not sealed:
        return ""
    try:
        keys = key_file().read_text(errors="replace")
    except FileNotFoundError:
        raise SecretLost(say("the key file {path} is missing", path=key_file())) from None
    except OSError as error:
        raise SecretLost(
            say("the key file {path} cannot be read ({why})", path=key_file(), why=error.strerror)
        ) from None
    opened = _opened(sealed, _fernets(keys))
    if opened is None:
        raise SecretLost(say("it was sealed with a key that is not in the key file {path}", path=key_file()))
    return opened


@contextmanager
def storing() -> Iterator[None]:
    """While it is held no key is dropped. To be taken outside of the transaction that stores what was sealed."""
    with _locked("remotes.lock", fcntl.LOCK_SH):
        yield


def rotate() -> int:
    """Makes a new key, seals all secrets of all remotes anew with it, drops the old keys; returns how many secrets.

    A process that is killed on the way leaves a file that opens everything: the next rotation does the rest. Whoever
    took an old key before the new one was there has stored what he sealed with it when the keys are dropped.
    """
    with _locked("rotation.lock", fcntl.LOCK_EX):
        new = _new_key()
        fernets = _fernets(both := f"{new}\n{keyfile.load_or_make(key_file(), _new_key)}")
        keyfile.replace(key_file(), both)
        count = _seal_anew(fernets)
        with _locked("remotes.lock", fcntl.LOCK_EX):
            count += _seal_anew(fernets)
            keyfile.replace(key_file(), new)
    return count


def lost() -> list[str]:
    """The names of the remotes with a secret that the key file does not open."""
    fernets = _fernets(key_file().read_text()) if key_file().exists() else []
    rows = Remote.objects.order_by("name").values_list("name", *Remote.SECRETS)
    return [name for name, *row in rows.iterator() if any(one and _opened(one, fernets) is None for one in row)]


def _seal_anew(fernets: "list[Fernet]") -> int:
    """Seals with the first, the newest, what others of them sealed, some rows at a time; returns how many secrets."""
    count = last = 0
    while rows := list(Remote.objects.filter(pk__gt=last).order_by("pk").values("pk", *Remote.SECRETS)[:ROWS]):
        last = rows[-1]["pk"]
        changes = [(row, new) for row in rows if (new := _changed(row, fernets))]
        with transaction.atomic():
            for row, new in changes:
                # What somebody has changed meanwhile stays as it is.
                same = {name: row[name] for name in ("pk", *new)}
                count += Remote.objects.filter(**same).update(**new) * len(new)
    return count


def _changed(row: dict[str, str], fernets: "list[Fernet]") -> dict[str, str]:
    """The secrets of a row that the newest key has not sealed, sealed with it. What no key opens is left as it is."""
    newest, *older = fernets
    found = {}
    for name in Remote.SECRETS:
        if row[name] and _opened(row[name], [newest]) is None:
            text = _opened(row[name], older)
            if text is not None:
                found[name] = newest.encrypt(text.encode()).decode()
    return found


def _opened(sealed: str, fernets: "list[Fernet]") -> str | None:
    """What was sealed with any of the keys; None if none fits."""
    from cryptography.fernet import InvalidToken

    for fernet in fernets:
        try:
            return fernet.decrypt(sealed).decode()
        except InvalidToken:
            continue
    return None


def _fernets(keys: str) -> "list[Fernet]":
    from cryptography.fernet import Fernet

    try:
        found = [Fernet(line.strip()) for line in keys.splitlines() if line.strip()]
    except ValueError:
        found = []
    if not found:
        raise SecretLost(say("the key file {path} is not one key a line", path=key_file()))
    return found


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    folder = key_file().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        fcntl.flock(file, how)
        yield
