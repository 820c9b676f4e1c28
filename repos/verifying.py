"""The verify: reads what is stored, finds what is damaged, and repairs what can be."""

from pathlib import Path

from .models import Job
from .progress import Progress


def verify(job: Job, folder: Path, *, progress: Progress) -> None:
    """Reads the bytes that `job` is for: of a version, of a repository, or all."""
