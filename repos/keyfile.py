"""Secrets in files of their own: made up at the first use, readable only by their owner."""

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def random_text() -> str:
    """50 random bytes, as URL-safe base64."""
    return secrets.token_urlsafe(50)


def load_or_make(path: Path, make: Callable[[], str] = random_text) -> str:
    """The secret in `path`; where there is none, what `make` returns is put there, mode 0600.

    The file appears whole or not at all, and the first of two processes that make it at once wins.
    """
    if not path.exists():
        beside = _write_beside(path, make())
        try:
            with suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink()
        _settle(path.parent)
    return path.read_text()


def replace(path: Path, text: str) -> None:
    """Puts `text` in place of what is in `path`, mode 0600, whole or not at all; it is on the disk on return."""
    _write_beside(path, text).replace(path)
    _settle(path.parent)


def _write_beside(path: Path, text: str) -> Path:
    """A new file in the folder of `path`, on the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    return Path(beside)


def _settle(folder: Path) -> None:
    """What is sealed with a key must not outlive a power failure that the key's name in its folder does not."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
