"""Our own disk, which does not take what comes."""

import errno
import os
import re
from pathlib import Path

import pytest
from django.test import override_settings

from repos import pool
from tests.bad_input.case import Case, Section
from tests.bad_input.lists import line
from tests.bad_input.mirror import Mirror

LOOK = "Look at this server's disk and at the rights of its data folder, then try again."


def _too_much(mirror: Mirror) -> str:
    mirror.upstream.manifest = line("huge.img", digest="1" * 64, size=str(10**15))
    with override_settings(MILLRACE_RESERVE_BYTES=256 * 10**6):
        return re.sub(r"[\d.]+ \wB of the disk", "‹room› of the disk", mirror.sync())


def _fails(number: int) -> Case[Mirror]:
    """A disk that says so when the bytes of a file are to be kept."""
    said = os.strerror(number)

    def keep(file: Path, sha256: str) -> None:
        raise OSError(number, said)

    def run(mirror: Mirror) -> str:
        mirror.upstream.write("new.txt", b"new")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(pool, "keep", keep)
            return mirror.sync()

    answer = f"The bytes could not be stored here: {said}. Nothing was changed. {LOOK}"
    return Case(f"A disk that says “{said}”", answer, run)


DISK = Section(
    "Our own disk",
    "The job ends at once, for no other file would be taken either. What was verified before is kept.",
    (
        Case(
            "A list of more bytes than there is room for",
            "1.0 PB are to be stored here: ‹room› of the disk are free, and 256 MB are kept in reserve. "
            "Make room on the disk, then try again.",
            _too_much,
        ),
        _fails(errno.ENOSPC),
        _fails(errno.EROFS),
    ),
    on_each_database=False,
)
