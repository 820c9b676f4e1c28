"""What retention lets go: versions that their repository's settings keep no longer, unless something needs them."""

from .models import Repository
from .progress import Progress


def let_go(repository: Repository, *, progress: Progress) -> None:
    """Deletes the versions of `repository` that its retention lets go. The last step of every run."""
