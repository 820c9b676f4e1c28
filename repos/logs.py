"""Log lines that name the job they are about."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
