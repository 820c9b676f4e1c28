"""Making a repository with all that it needs to be mirrored and served, in one transaction."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import base_paths, jobs, names, paths, publish_settings, remotes, units, urls, vault
from .distributions import make_distribution
from .errors import MillraceError
from .errors.values import BasePathTaken, InvalidValue, NameTaken
from .models import Job, Remote, Repository
from .words import later, say

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# For how long the same request, sent again, means what it has made already.
MOMENT = timedelta(minutes=1)
# Of versions and of days: as many as a database takes, and as can be reckoned back from today.
MAX_NUMBER = 100_000
_DAYS = later("Give a whole number of days from 1 to {most}, or none at all.")
_AT_LEAST_1 = {
    "keep_versions": later("Give a whole number of versions from 1 to {most}, or none at all."),
    "keep_days": _DAYS,
    "stale_days": _DAYS,
}


@dataclass(frozen=True, slots=True)
class Made:
    """A repository, its first job if one was asked for, and whether all that was there before."""

    repository: Repository
    job: Job | None
    joined: bool = False


def make_and_run(*, run: bool = True, by: "User | None" = None, **values: Any) -> Made:
    """Makes a repository of `values` (see make_repository) and asks for its first job, or does neither.

    What the very same values made a moment ago is not made again, nor is it an error: the click came twice.
    """
    try:
        with _storing(values.get("reach")), transaction.atomic():
            repository = make_repository(**values)
            return Made(repository, jobs.request(repository, by=by).job if run else None)
    except (NameTaken, BasePathTaken):
        if made := _made_just_now(**values):
            return Made(made, made.jobs.order_by("pk").first(), joined=True)
        raise


def make_repository(*, reach: Mapping[str, Any] | None = None, **values: Any) -> Repository:
    """Makes a repository, its version 0, a remote for `url`, and a distribution that follows at `base_path`.

    Without `url` it has the `remote` that is given, or none; without `base_path` it is served nowhere yet; `protected`
    closes that to all without a login or a token. `reach` are further values of the new remote (see remotes.make),
    `publish_with` those of its publish settings, by default the default ones; all others are those of check_settings.

    Raises InvalidName, NameTaken, InvalidUrl, InvalidPath, BasePathTaken, InvalidValue; then nothing was made.
    """
    with _storing(reach), transaction.atomic():
        return _make_repository(reach=reach, **values)


def _storing(reach: Mapping[str, Any] | None) -> AbstractContextManager[None]:
    """To be held around a transaction in which secrets are sealed."""
    return vault.storing() if reach else nullcontext()


def _make_repository(
    *,
    name: str,
    reach: Mapping[str, Any] | None = None,
    url: str | None = None,
    remote: Remote | None = None,
    base_path: str | None = None,
    protected: bool = False,
    publish_with: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Repository:
    name = names.checked(name)
    if url is not None:
        remote = _make_remote(name, urls.checked(url.strip()), reach or {})
    repository = Repository(name=name, remote=remote, **settings)
    check_settings(repository)
    repository.publish_settings = publish_settings.having(publish_with or {})
    _save_new(repository)
    repository.versions.create(number=0, complete=True)
    if base_path is not None:
        make_distribution(repository, base_path, protected=protected)
    return repository


def check_settings(repository: Repository) -> None:
    """Raises InvalidValue where mode, toggles, brake, retention or freshness cannot be, or not together."""
    if repository.mirror and repository.remote is None:
        raise InvalidValue(
            "mirror", say("A mirror is exactly its upstream, so it needs one. Choose a remote, or additive.")
        )
    if repository.auto_distribute and not repository.auto_publish:
        raise InvalidValue(
            "auto_distribute", say("Only what is published can be distributed. Turn on both, or turn this off.")
        )
    if not 0 <= repository.brake <= 100:
        raise InvalidValue("brake", say("The brake is a percentage. Give a whole number from 0 to 100."))
    for field, why in _AT_LEAST_1.items():
        number = getattr(repository, field)
        if number is not None and not 1 <= number <= MAX_NUMBER:
            raise InvalidValue(
                field,
                say(why, most=units.number(MAX_NUMBER)),
            )


def _made_just_now(
    *,
    name: str,
    reach: Mapping[str, Any] | None = None,
    url: str | None = None,
    remote: Remote | None = None,
    base_path: str | None = None,
    protected: bool = False,
    publish_with: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Repository | None:
    """The repository that these values made a moment ago and that is as it was made, if there is one."""
    name = name.strip()
    upstream = {"remote": remote} if url is None else {"remote__name": name, "remote__url": url.strip()}
    published = publish_settings.checked(publish_with or {})
    made = Repository.objects.filter(
        **settings,
        **upstream,
        **{f"publish_settings__{field}": value for field, value in published.items()},
        name=name,
        created_at__gte=timezone.now() - MOMENT,
    ).first()
    if made and reach and not (made.remote and remotes.is_already(made.remote, **reach)):
        return None
    served = [] if base_path is None else [(paths.base_path(base_path), protected)]
    if made and [(one.base_path, one.protected) for one in made.distributions.all()] == served:
        return made
    return None


def _make_remote(name: str, url: str, reach: Mapping[str, Any]) -> Remote:
    _refuse_taken(name)
    try:
        return remotes.make(name=name, url=url, **reach)
    except NameTaken:
        # Of both names, the repository's is the one to tell of.
        _refuse_taken(name)
        raise


def _save_new(repository: Repository) -> None:
    _refuse_taken(repository.name)
    try:
        with transaction.atomic():
            repository.save()
    except IntegrityError:
        _refuse_taken(repository.name)
        raise


def taken(name: str | None, base_path: str | None) -> list[MillraceError]:
    """What make_repository would say against these, of which either may be missing: each is somebody else's already."""
    found: list[MillraceError] = []
    for value, refuse in ((name, _refuse_taken), (base_path, base_paths.refuse_taken)):
        try:
            if value:
                refuse(value)
        except (NameTaken, BasePathTaken) as error:
            found.append(error)
    return found


def _refuse_taken(name: str) -> None:
    if Repository.objects.filter(name=name).exists():
        raise NameTaken(name)
