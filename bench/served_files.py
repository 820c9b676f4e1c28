"""What bench/serving.py has served: a data folder with many small files, few, one large one, and a long folder."""

import os
import random
from hashlib import sha256
from pathlib import Path

LARGE = 100 << 20
SMALL = 1024
LISTED = 50_000
PASSWORD = "only-for-this-measurement"
# How many files have a folder of their own in wrk's lists; and in how many versions the long folder has been.
FOLDER = 1000
VERSIONS = 20


def prepared(folder: Path, files: int) -> Path:
    """The folder, with a migrated database, the pool's files and the rows that publish them."""
    os.environ |= {"MILLRACE_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    os.environ.setdefault("DATABASE_URL", "")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connections

    from repos.models import Distribution

    known = set(Distribution.objects.values_list("base_path", flat=True))
    if "all" not in known:
        serve("all", files)
        serve("tenth", files // 10)
    if "closed" not in known:
        serve("closed", files // 10, protected=True)
    if "listed" not in known:
        list_long()
    administrator()
    connections.close_all()
    return folder


def administrator() -> None:
    """One who can sign in with PASSWORD, whoever made the folder."""
    from django.contrib.auth import get_user_model

    user, _ = get_user_model().objects.get_or_create(username="admin", defaults={"is_superuser": True})
    user.set_password(PASSWORD)
    user.save()


def serve(name: str, count: int, *, protected: bool = False) -> None:
    """A version of so many small files and the large one, published at `name`."""
    from repos.models import Artifact, Content

    digests = [keep(data(number)) for number in range(count)]
    rows = (Artifact(sha256=digest, size=SMALL) for digest in digests)
    Artifact.objects.bulk_create([*rows, Artifact(sha256=keep(large()), size=LARGE)], ignore_conflicts=True)
    made = dict(Artifact.objects.values_list("sha256", "pk"))
    named = [*((small_path(number), digest) for number, digest in enumerate(digests)), ("large.bin", keep(large()))]
    repository, version = repository_of(name, count + 1)
    Content.objects.bulk_create(
        (Content(repository=repository, path=path, artifact_id=made[digest], added=1) for path, digest in named),
        batch_size=500,
    )
    publish(repository, version, protected=protected)


def list_long() -> None:
    """LISTED files in one folder, of which each tenth had other bytes in each of VERSIONS versions."""
    from repos.models import Artifact, Content

    bytes_of = [Artifact.objects.get_or_create(sha256=keep(data(n)), defaults={"size": SMALL})[0] for n in range(50)]
    repository, version = repository_of("listed", LISTED, number=VERSIONS)
    rows = (
        Content(
            repository=repository,
            path=f"many/file-{number:06}.bin",
            artifact=bytes_of[(number + past) % 50],
            added=past,
            removed=Content.FOREVER if past == VERSIONS else past + 1,
        )
        for number in range(LISTED)
        for past in range(1 if number % 10 == 0 else VERSIONS, VERSIONS + 1)
    )
    Content.objects.bulk_create(rows, batch_size=500)
    publish(repository, version)


def repository_of(name: str, files: int, number: int = 1):  # type: ignore[no-untyped-def]
    from repos.models import PublishSettings, Repository

    repository = Repository.objects.create(name=name, publish_settings=PublishSettings.objects.matching())
    return repository, repository.versions.create(number=number, complete=True, files=files, added=files)


def publish(repository, version, *, protected: bool = False) -> None:  # type: ignore[no-untyped-def]
    from repos.models import Publication

    publication = Publication.objects.create(version=version, settings=repository.publish_settings)
    repository.distributions.create(base_path=repository.name, publication=publication, protected=protected)


def token() -> str:
    """The secret of a new one, which opens everything."""
    from repos import tokens

    return tokens.make("bench", everything=True).secret


def data(number: int) -> bytes:
    return random.Random(number).randbytes(SMALL)


def large() -> bytes:
    return random.Random("large").randbytes(LARGE)


def small_path(number: int) -> str:
    return f"d{number // FOLDER:04}/f{number:07}.bin"


def keep(content: bytes) -> str:
    from repos import pool

    digest = sha256(content).hexdigest()
    if not pool.has(digest, len(content)):
        pool.path(digest).parent.mkdir(parents=True, exist_ok=True)
        pool.path(digest).write_bytes(content)
    return digest


def warm(folder: Path) -> None:
    """Reads all once: what is measured is serving and not the disk."""
    for file in (folder / "pool").glob("*/*"):
        with file.open("rb", buffering=0) as stream:
            while stream.read(1 << 20):
                pass
