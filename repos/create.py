"""Making a repository with all that it needs to be mirrored and served, in one transaction."""

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from . import paths, urls
from .errors import BasePathTaken, InvalidName, NameTaken
from .models import Distribution, PublishSettings, Remote, Repository

# The key of PostgreSQL's advisory lock under which base paths are compared and added; any number of our own.
_BASE_PATHS = 0x4D494C4C
MAX_NAME = 200


@transaction.atomic
def make_repository(*, url: str, name: str, base_path: str, mirror: bool = False) -> Repository:
    """Makes remote, repository, version 0 and a distribution that follows; publish settings are the default ones.

    Raises InvalidUrl, InvalidName, NameTaken, InvalidPath and BasePathTaken; then nothing was made.
    """
    remote = _make_remote(_checked_name(name), urls.checked(url.strip()))
    repository = Repository.objects.create(
        name=remote.name, remote=remote, mirror=mirror, publish_settings=PublishSettings.objects.matching()
    )
    repository.versions.create(number=0, complete=True)
    make_distribution(repository, base_path)
    return repository


def _checked_name(name: str) -> str:
    if not (name := name.strip()) or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(f"A name has 1 to {MAX_NAME} characters, all of which can be printed.")
    return name


def _make_remote(name: str, url: str) -> Remote:
    if Repository.objects.filter(name=name).exists():
        raise NameTaken(name)
    try:
        with transaction.atomic():
            return Remote.objects.create(name=name, url=url)
    except IntegrityError:
        if Remote.objects.filter(name=name).exists():
            raise NameTaken(name) from None
        raise


@transaction.atomic
def make_distribution(repository: Repository, base_path: str) -> Distribution:
    """Makes a distribution that follows `repository`. Raises InvalidPath and BasePathTaken."""
    path = paths.base_path(base_path)
    _lock_base_paths()
    if other := clashing(path):
        raise BasePathTaken(path, other.base_path)
    return Distribution.objects.create(base_path=path, repository=repository)


def clashing(base_path: str) -> Distribution | None:
    """The distribution whose base path equals `base_path`, lies in it or lies above it, if there is one."""
    near = Distribution.objects.filter(
        Q(base_path__in=paths.prefixes(base_path)) | Q(base_path__startswith=f"{base_path}/")
    )
    # A database may compare without case; we do not.
    return next((one for one in near if paths.clash(base_path, one.base_path)), None)


def _lock_base_paths() -> None:
    """Until the transaction ends, nobody else adds a base path: no constraint can tell that one lies in another.

    SQLite's write transactions come one after another anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_BASE_PATHS])
