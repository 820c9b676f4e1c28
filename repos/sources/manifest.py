"""An upstream with a PULP_MANIFEST: the list, and the files beside and below it."""

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote, urlsplit, urlunsplit

from repos import manifest
from repos.manifest import Entry
from repos.words import later

NAME = "PULP_MANIFEST"


class ManifestSource:
    """`url` is that of the manifest, or of the folder that has one (it then ends in a slash)."""

    what = later("PULP_MANIFEST: a line with path, sha256 and size for each file")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        folder, _, name = parts.path.rpartition("/")
        self.list_url = urlunsplit(parts._replace(path=f"{folder}/{name or NAME}", fragment=""))
        self._base = urlunsplit((parts.scheme, parts.netloc, f"{folder}/", "", ""))

    def entries(self, stream: BinaryIO) -> Iterator[Entry]:
        return manifest.read(stream, self.list_url)

    def url_of(self, path: str) -> str:
        return self._base + quote(path)
