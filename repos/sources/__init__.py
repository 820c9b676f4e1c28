"""Kinds of upstream, one file each. A source knows where its list of files is and how to read it."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from repos.manifest import Entry
from repos.models import Remote

from .manifest import ManifestSource


class Source(Protocol):
    """What a sync asks of an upstream. Fetching is not its business."""

    # The address of the list of files.
    list_url: str
    # What the list is, in words; to be said by words.say.
    what: str

    def entries(self, stream: BinaryIO) -> Iterator[Entry]:
        """Reads the list's bytes. Raises BadList."""

    def url_of(self, path: str) -> str:
        """The address of a file of the list."""


_KINDS = {Remote.Kind.MANIFEST: ManifestSource}


def source_of(remote: Remote) -> Source:
    """The source behind `remote`, by its kind."""
    return _KINDS[Remote.Kind(remote.kind)](remote.url)
