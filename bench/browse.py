"""How quick a version's files are found, and what counting and deleting cost, with a million files.

.venv/bin/python -m bench.browse [--files 1000000]

Uses the database that DATABASE_URL names, which has to be empty, else SQLite in a fresh folder. Rows are made by SQL:
version 1 brings all files, 2 adds one in a thousand, 3 takes them out again, 4 replaces a tenth.
"""

# ruff: noqa: E402 - Django wants to be set up before what needs it is imported

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

FOLDER = tempfile.mkdtemp(prefix="millrace-browse-")
os.environ["MILLRACE_DATA"] = FOLDER
os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from repos import browse, clean_plan, deletion, stored, unneeded
from repos.models import Artifact, Content, PublishSettings, Repository, RepositoryVersion
from repos.models.content import ContentQuerySet

# One number for each file, without a table of numbers.
NUMBERS = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series(1, {count}) AS n (i)",
}
SHA256 = {"sqlite": "printf('%064x', {})", "postgresql": "lpad(to_hex({}), 64, '0')"}
PATH = {"sqlite": "printf('pool/%03d/%03d/package-%07d.tar.gz', {0} / 10000, {0} / 100 % 100, {0})"}
PATH["postgresql"] = (
    "format('pool/%s/%s/package-%s.tar.gz', lpad(({0} / 10000)::text, 3, '0'), "
    "lpad(({0} / 100 % 100)::text, 3, '0'), lpad(({0})::text, 7, '0'))"
)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def make_artifacts(first: int, count: int) -> None:
    kind = connection.vendor
    sha256 = SHA256[kind].format(f"({first} + i)")
    run(
        "INSERT INTO repos_artifact (id, sha256, size, created_at, wanted_at, doomed) "
        f"SELECT {first} + i, {sha256}, 1000 + i % 1000, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, FALSE "
        f"FROM ({NUMBERS[kind].format(count=count)}) AS numbers"
    )


def make_content(repository: Repository, first: int, count: int, *, added: int, step: int = 1, path: str = "") -> None:
    kind = connection.vendor
    path = path or PATH[kind].format(f"(i * {step})")
    run(
        "INSERT INTO repos_content (repository_id, path, artifact_id, added, removed) "
        f"SELECT {repository.pk}, {path}, {first} + i, {added}, {Content.FOREVER} "
        f"FROM ({NUMBERS[kind].format(count=count)}) AS numbers"
    )


def make(name: str, files: int, first: int) -> Repository:
    """A repository of four versions; its artifacts have numbers from `first` on."""
    settings = PublishSettings.objects.matching()
    repository = Repository.objects.create(name=name, publish_settings=settings)
    few, tenth = files // 1000, files // 10
    for number, count in enumerate([0, files, files + few, files, files]):
        repository.versions.create(number=number, complete=True, files=count, size=count * 1500)
    make_artifacts(first, files + few + tenth)
    make_content(repository, first, files, added=1)
    make_content(repository, first + files, few, added=2, path="'extra/' || i")
    present = Content.objects.filter(repository=repository)
    present.filter(added=2).update(removed=3)
    run(
        f"UPDATE repos_content SET removed = 4 WHERE repository_id = {repository.pk} AND added = 1 "
        "AND artifact_id % 10 = 0"
    )
    make_content(repository, first + files + few, tenth, added=4, step=10)
    return repository


@contextmanager
def timed(what: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    print(f"{what:55} {(time.perf_counter() - begun) * 1000:10.1f} ms", flush=True)


def measure(what: str, look: Callable[[], object], times: int = 5) -> None:
    """The best and the worst of some; the first one has a cold cache."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        found = look()
        taken.append((time.perf_counter() - begun) * 1000)
    print(f"{what:55} {min(taken):10.1f} ms, worst {max(taken):.1f} ms   {str(found)[:60]}", flush=True)


def measure_pages(version: RepositoryVersion, files: int) -> None:
    deep = f"pool/{files // 20000:03}/050/"

    def look(q: str = "", after: str = "") -> str:
        page = browse.files_of(version, q=q, after=after)
        return f"{len(page.files)} rows, next {page.after}"

    for what, q, after in (
        ("first page", "", ""),
        ("page in the middle", "", deep),
        ("last page", "", f"pool/{files // 10000 - 1:03}/99/"),
        ("beginning, found", f"/{deep}", ""),
        ("beginning, nothing found", "/zzz", ""),
        ("part, common", "package", ""),
        ("part, in the middle", f"-{files // 2:07}", ""),
        ("part, nothing found", "no-such-file", ""),
        ("part, nothing found, from the middle on", "no-such-file", deep),
    ):
        measure(f"version {version.number}: {what}", partial(look, q, after))


def measure_deletion(repository: Repository) -> None:
    for number in (1, 2, 3):
        version = repository.versions.get(number=number)
        measure(f"consequences of deleting version {number}", partial(deletion.of_version, version), 2)
    measure("consequences of deleting the repository", partial(deletion.of_repository, repository), 2)
    measure("bytes of the repository alone", partial(unneeded.bytes_of_repository, repository), 2)
    measure("what only single versions have", partial(stored.only_in, repository), 2)
    measure("what is stored, and who needs it", lambda: str(stored.stored().total), 2)
    measure("the dry run of a clean-up", lambda: str(clean_plan.plan().freed), 2)
    for number in (2, 1):
        with timed(f"deleting version {number}"):
            deletion.delete_version(repository.versions.get(number=number))
    with timed("deleting the repository"):
        deletion.delete_repository(repository)


def main(files: int) -> None:
    call_command("migrate", verbosity=0)
    assert not Repository.objects.exists(), "the database is not empty"
    # A second one, so that nothing is quick only because it is alone.
    with timed(f"making rows: 2 x {files:,} files"):
        make("other", files, 0)
        repository = make("files", files, 10 * files)
    if connection.vendor == "postgresql":
        run("ANALYZE")
    assert ContentQuerySet(Content).of(repository.latest_version()).count() == files
    assert Artifact.objects.exists()
    for number in (4, 1, 0):
        measure_pages(repository.versions.get(number=number), files)
    measure_deletion(repository)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    try:
        main(parser.parse_args().files)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
