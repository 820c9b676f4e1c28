"""What the pages of jobs show of what is going on."""

from datetime import timedelta

from django import template

from dashboard import pace
from repos import joblog, units
from repos.models import Job, ProgressReport
from repos.progress import InHand

register = template.Library()


@register.filter
def seconds(duration: timedelta | None) -> str:
    """For `data-clock`, which goes on from there by itself (see static/js/live.js)."""
    return "" if duration is None else f"{max(duration.total_seconds(), 0):.1f}"


@register.filter
def in_hand(report: ProgressReport | None) -> list[InHand]:
    """The files that it is busy with now."""
    return pace.in_hand(report) if report and report.state == ProgressReport.State.RUNNING else []


@register.filter
def log_of(job: Job) -> list[joblog.Line]:
    """The lines of its log, oldest first."""
    return joblog.lines_of(job)


@register.filter
def files_a_second(report: ProgressReport) -> str:
    """Of a running report with small files: how many come in a second."""
    rate = pace.files_a_second(report)
    return f"{units.counted(round(rate), 'file')}/s" if rate >= 2 else ""
