"""What a run is to do, and what it is about: as plain values, asked for, kept in a job's row, and read from it."""

from dataclasses import dataclass
from typing import Self

from .models import Artifact, Job, PublishSettings, Repository


@dataclass(frozen=True, slots=True)
class Actions:
    """What a run does: a new version by sync or by hand (`modify`), then publish, then distribute.

    Or else, and alone, one of the two kinds of upkeep.
    """

    sync: bool = True
    publish: bool = True
    distribute: bool = True
    modify: bool = False
    verify: bool = False
    clean: bool = False

    @classmethod
    def by_default(cls, repository: Repository) -> Self:
        """Where nothing else is chosen: sync, if there is a remote, then what the toggles say."""
        return cls(repository.remote_id is not None, repository.auto_publish, repository.auto_distribute)

    @classmethod
    def of(cls, job: Job) -> Self:
        """What `job` was asked to do."""
        return cls(**{column.removeprefix("with_"): getattr(job, column) for column in cls().columns()})

    def columns(self) -> dict[str, bool]:
        """The same by the names that a job's row has."""
        return {
            "with_sync": self.sync,
            "with_modify": self.modify,
            "with_publish": self.publish,
            "with_distribute": self.distribute,
            "with_verify": self.verify,
            "with_clean": self.clean,
        }

    def words(self) -> list[str]:
        return [column.removeprefix("with_") for column, wanted in self.columns().items() if wanted]


VERIFY = Actions(sync=False, publish=False, distribute=False, verify=True)
CLEAN = Actions(sync=False, publish=False, distribute=False, clean=True)
SYNC_ONLY = Actions(sync=True, publish=False, distribute=False)

# What a change by hand does at a path: puts these bytes there, or (None) removes the file.
Change = tuple[str, Artifact | None]


@dataclass(frozen=True, slots=True)
class Details:
    """What a run is about, besides its actions (see the fields of the same names in models/job.py)."""

    of_version: int | None = None
    publish_settings: PublishSettings | None = None
    may_remove: int | None = None
    may_replace: bool = False
    may_repair: bool = False
    rate: int | None = None
    dry_run: bool = False

    @classmethod
    def of(cls, job: Job) -> Self:
        """What `job` was asked to be about; the settings that it took from its repository were not asked for."""
        settings = job.publish_settings if names_settings(job) else None
        return cls(job.of_version, settings, job.may_remove, job.may_replace, job.may_repair, job.rate, job.dry_run)

    def words(self) -> list[str]:
        """Those that make a difference between two requests."""
        said = {
            "version": self.of_version,
            "settings": self.publish_settings and self.publish_settings.pk,
            "removing": self.may_remove,
            "repair": True if self.may_repair else None,
            "rate": self.rate,
            "dry": True if self.dry_run else None,
        }
        return [f"{name}={value}" for name, value in said.items() if value is not None]


NO_DETAILS = Details()
# With SYNC_ONLY, a run that only says what a sync would do (see dry_run.py).
DRY_RUN = Details(dry_run=True)


def in_words(actions: Actions, details: Details) -> str:
    """All of a request, as a job's row has it: two with the same words are identical."""
    return " ".join(actions.words() + details.words())


def names_settings(job: Job) -> bool:
    """Whether the request of `job` named publish settings, which may be deleted by now."""
    return " settings=" in job.request
