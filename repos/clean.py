"""The clean-up: what nothing needs any more is taken out of the pool."""

from .models import Job
from .progress import Progress


def clean(job: Job, *, progress: Progress) -> None:
    """Lets go what the retention of every repository lets go, then the bytes that nothing needs."""
