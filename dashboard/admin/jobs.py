"""Jobs and what belongs to them, and the workers that run them."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from dashboard.views.http import Request
from repos import jobs
from repos.errors.refusals import Refused
from repos.models import DryRun, FailedFile, Job, LogLine, ProgressReport, RequestedChange, Reservation, Worker

from .base import MillraceAdmin, Said, anchor, link


@admin.register(Job)
class JobAdmin(MillraceAdmin):
    list_display = ["id", "of", "asked", "state", "requested_at", "by", "finished_at", "error_code"]
    list_display_links = ["id"]
    list_select_related = ["repository", "requested_by"]
    list_filter = ["state", "error_code"]
    search_fields = ["repository__name", "error", "worker"]
    date_hierarchy = "requested_at"
    page = "job"
    actions = ["cancel", "again"]

    @admin.display(description="repository", ordering="repository__name")
    def of(self, job: Job) -> str:
        return link(job.repository) if job.repository else job.subject

    @admin.display(description="actions")
    def asked(self, job: Job) -> str:
        return ", ".join(job.actions)

    @admin.display(description="requested by")
    def by(self, job: Job) -> str:
        return job.requested_by.get_username() if job.requested_by else "–"

    @admin.action(description="Cancel selected jobs", permissions=["act"])
    def cancel(self, request: Request, queryset: QuerySet[Job]) -> None:
        self.each(request, queryset, lambda job: self._canceled(request, job))

    def _canceled(self, request: Request, job: Job) -> Said:
        if not jobs.cancel(job):
            raise Refused(jobs.NOTHING_TO_CANCEL)
        self.log_change(request, job, "Canceled.")
        return messages.SUCCESS, format_html("{}: canceled, or told to stop where it is running.", job_link(job))

    @admin.action(description="Run selected jobs again", permissions=["act"])
    def again(self, request: Request, queryset: QuerySet[Job]) -> None:
        self.each(request, queryset, lambda job: requested(jobs.again(job, by=request.user), after=job))


def requested(asked: jobs.Requested, *, after: object) -> Said:
    """What came of asking for a run, with a link to it; `after` is what was chosen."""
    if asked.joined:
        text = format_html("“{}”: the same run is already {}, as {}.", after, asked.job.state, job_link(asked.job))
        return messages.INFO, text
    return messages.SUCCESS, format_html("“{}”: {} was requested.", after, job_link(asked.job))


def job_link(job: Job) -> str:
    return anchor(reverse("job", args=[job.pk]), job)


class OfJobAdmin(MillraceAdmin):
    """What belongs to a job."""

    list_select_related = ["job"]
    ordering = ["-pk"]

    @admin.display(description="job", ordering="job")
    def of(self, row: RequestedChange | Reservation | ProgressReport | FailedFile | LogLine | DryRun) -> str:
        return link(row.job)


@admin.register(RequestedChange)
class RequestedChangeAdmin(OfJobAdmin):
    list_display = ["path", "of", "bytes"]
    list_filter = [("artifact", admin.EmptyFieldListFilter)]
    list_select_related = ["job", "artifact"]
    search_fields = ["path"]

    @admin.display(description="puts")
    def bytes(self, change: RequestedChange) -> str:
        return link(change.artifact) if change.artifact else "removes the file"


@admin.register(Reservation)
class ReservationAdmin(OfJobAdmin):
    list_display = ["resource", "of", "held"]
    list_filter = ["held"]
    search_fields = ["resource"]


@admin.register(ProgressReport)
class ProgressReportAdmin(OfJobAdmin):
    list_display = ["code", "message", "of", "state", "done", "total", "started_at", "finished_at"]
    list_filter = ["action", "state"]
    search_fields = ["code", "message", "suffix"]


@admin.register(FailedFile)
class FailedFileAdmin(OfJobAdmin):
    list_display = ["path", "of", "cause", "message", "tries"]
    list_filter = ["cause"]
    search_fields = ["path", "url", "cause", "message"]


@admin.register(LogLine)
class LogLineAdmin(OfJobAdmin):
    list_display = ["at", "of", "level", "message"]
    list_filter = ["level"]
    search_fields = ["message"]


@admin.register(DryRun)
class DryRunAdmin(OfJobAdmin):
    list_display = ["id", "of", "base", "added", "removed", "changed", "fetched_files", "fetched_bytes", "brake"]
    list_filter = ["brake"]


@admin.register(Worker)
class WorkerAdmin(MillraceAdmin):
    list_display = ["name", "pid", "threads", "started_at", "heartbeat_at", "lives"]
    list_filter = ["heartbeat_at"]
    search_fields = ["name"]
    ordering = ["-heartbeat_at"]

    @admin.display(description="alive", boolean=True)
    def lives(self, worker: Worker) -> bool:
        return worker.alive
