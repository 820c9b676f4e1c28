"""Changing a repository: what it is called, where its files come from, and how it is run."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import IntegrityError, transaction

from . import names, publish_settings
from .create import check_settings
from .errors.refusals import Stale
from .errors.values import NameTaken
from .models import Repository

# What of a repository may be changed; its publish settings go their own way.
FIELDS = (
    *("name", "remote_id", "mirror", "auto_publish", "auto_distribute", "brake"),
    *("skip_failed_files", "keep_versions", "keep_days", "stale_days"),
)


@transaction.atomic
def change_repository(
    repository: Repository,
    *,
    publish_with: Mapping[str, Any] | None = None,
    for_all: bool = False,
    **values: Any,
) -> Repository:
    """Gives `repository`, as it was read, other `values` (by field: name, remote, mirror, …); returns it as it is then.

    With `publish_with` it moves to publish settings with these values; `for_all` has all that share its own move with
    it. A job that runs goes on with what it began with.

    Raises InvalidName, NameTaken, InvalidValue, and Stale where somebody else changed it since it was read.
    """
    changed = copy(repository)
    for field, value in values.items():
        setattr(changed, field, value)
    changed.name = names.checked(changed.name)
    check_settings(changed)
    _update(repository, changed)
    if publish_with is not None:
        other = publish_settings.having(publish_with)
        publish_settings.move(repository.publish_settings, other, None if for_all else [repository])
    return Repository.objects.get(pk=repository.pk)


def _update(repository: Repository, changed: Repository) -> None:
    as_read = {field: getattr(repository, field) for field in FIELDS}
    wanted = {field: getattr(changed, field) for field in FIELDS}
    same = Repository.objects.filter(pk=repository.pk, publish_settings=repository.publish_settings_id, **as_read)
    try:
        with transaction.atomic():
            updated = same.update(**wanted)
    except IntegrityError:
        if Repository.objects.filter(name=changed.name).exclude(pk=repository.pk).exists():
            raise NameTaken(changed.name) from None
        raise
    if not updated:
        raise Stale(f"“{repository}”")
