"""The figures of the first page: how much there is of everything."""

from dataclasses import dataclass

from django.db.models import Sum

from repos.models import Job, Repository

from . import storage


@dataclass(frozen=True)
class Figures:
    """`files` are those of the newest versions; `stored` and `saved` are bytes."""

    repositories: int
    files: int
    stored: int
    saved: int
    jobs_today: int


def figures() -> Figures:
    stored = storage.used()[1]
    return Figures(
        repositories=Repository.objects.count(),
        files=storage.remembered("files", _files)[0],
        stored=stored,
        saved=storage.saved(stored),
        jobs_today=Job.objects.requested_today().count(),
    )


def _files() -> int:
    newest = Repository.objects.for_overview().aggregate(files=Sum("newest_files"))
    return int(newest["files"] or 0)
