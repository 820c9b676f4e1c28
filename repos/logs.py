"""Log lines that name the job they are about."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from . import outages

_job: ContextVar[str] = ContextVar("job", default="-")


class JobFilter(logging.Filter):
    """Gives every record the attribute `job`: the id of the job that the line is about, else `-`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.job = _job.get()
        return True


@contextmanager
def about_job(pk: int) -> Iterator[None]:
    """Marks every line that is logged inside, in this thread, with the job's id."""
    token = _job.set(str(pk))
    try:
        yield
    finally:
        _job.reset(token)


class OneLine(logging.Filter):
    """Tells an outage of the database in one line, not by a traceback for each page that is asked for meanwhile."""

    def filter(self, record: logging.LogRecord) -> bool:
        error: Any = record.exc_info[1] if record.exc_info else None
        if error and outages.of(error):
            path = getattr(getattr(record, "request", None), "path", "")
            record.msg, record.args = "%s could not be made: %s", (path, outages.told(error))
            record.exc_info = record.exc_text = None
        return True
