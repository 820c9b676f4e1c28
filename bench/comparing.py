"""How long it takes to compare two versions of a million files: few differences, many together, many spread over all.

.venv/bin/python -m bench.comparing [--files 1000000] [--differences 100000] [--rounds 5] [--database-url URL]

Prints a line for each pair of versions and each question: the median and the longest time in milliseconds. A database
that is named has to be empty, and is left full.
"""

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repos.manifest import Entry
    from repos.models import Repository, RepositoryVersion

COLUMNS = "{:<22}{:<22}{:>9}{:>9}"
FEW = 10


def entry(number: int, version: int) -> "Entry":
    sha256 = hashlib.sha256(f"{number} {version}".encode()).hexdigest()
    return f"folder-{number // 5000:04}/file-{number:07}", sha256, 1000 + number % 5000


def write_version(repository: "Repository", files: int, changed: Iterable[int]) -> "RepositoryVersion":
    """The next version, in which the files of these numbers come in the place of what was there."""
    from django.db import transaction
    from django.utils import timezone

    from repos import rows
    from repos.chunks import chunks

    number = repository.latest_version().number + 1
    size = sum(entry(one, number)[2] for one in range(files))
    with transaction.atomic():
        made = repository.versions.create(number=number, complete=True, files=files, size=size)
        for chunk in chunks((entry(one, number) for one in changed), 2000):
            rows.add_artifacts({sha256: length for _, sha256, length in chunk}, timezone.now())
            rows.end_content(made, [path for path, _, _ in chunk])
            rows.add_content(made, chunk)
    return made


def write(chosen: argparse.Namespace) -> dict[str, tuple["RepositoryVersion", "RepositoryVersion"]]:
    """The pairs of versions to compare, by what they differ in."""
    from repos import rows
    from tests import factories

    repository, files, many = factories.repository(), chosen.files, chosen.differences
    first = write_version(repository, files, range(files))
    few = write_version(repository, files, range(files // 2, files // 2 + FEW))
    together = write_version(repository, files, range(files - many, files))
    spread = write_version(repository, files, range(0, files, files // many))
    rows.analyze()
    return {f"{FEW}": (first, few), f"{many:,} together": (few, together), f"{many:,} spread": (together, spread)}


def questions(old: "RepositoryVersion", new: "RepositoryVersion") -> Iterator[tuple[str, Callable[[], object]]]:
    from repos import comparing
    from repos.compare import Kind

    yield "totals", lambda: comparing.totals(old, new)
    yield "first page", lambda: comparing.page(old, new)
    for kind in Kind:
        yield f"first page of {kind}", lambda kind=kind: comparing.page(old, new, kind=kind)  # type: ignore[misc]
    yield "search in vain", lambda: comparing.page(old, new, q="nowhere")


def compare(chosen: argparse.Namespace) -> None:
    pairs = write(chosen)
    print(COLUMNS.format("differences", "question", "ms", "at most"))
    for name, pair in pairs.items():
        for question, ask in questions(*pair):
            took = [timed(ask) for _ in range(chosen.rounds)]
            print(COLUMNS.format(name, question, f"{statistics.median(took):.1f}", f"{max(took):.1f}"))


def timed(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - begun)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--differences", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database-url", default="")
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        os.environ |= {"MILLRACE_DATA": folder, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        os.environ["DATABASE_URL"] = chosen.database_url
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        compare(chosen)


if __name__ == "__main__":
    main(sys.argv[1:])
