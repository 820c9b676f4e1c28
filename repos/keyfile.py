"""Secrets in files of their own: made up at the first use, readable only by their owner."""

import os
import secrets
import tempfile
from pathlib import Path


def load_or_make(path: Path) -> str:
    """The secret in `path`; where there is none, 50 random bytes (URL-safe base64) are put there, mode 0600.

    The file appears whole or not at all, and the first of two processes that make it at once wins.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            Path(beside).unlink()
    return path.read_text()
