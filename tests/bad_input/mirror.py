"""The stage of what comes from upstreams: a repository that was mirrored once, and is served."""

import re
from hashlib import sha256
from urllib.parse import quote

from repos import conf, paths, pool
from repos.models import FailedFile, Remote, Repository
from tests import factories
from tests.content_server import Client
from tests.running import run
from tests.upstream import Upstream

# What the upstream has from the start; its list is the lines of these two.
FILES = {"folder/other.txt": b"other", "old.txt": b"old"}


class Mirror:
    """`upstream` may be made to send anything; `sync` then runs the real job."""

    def __init__(self, upstream: Upstream, repository: Repository, get: Client) -> None:
        self.upstream = upstream
        self.words = {upstream.url: "‹upstream›/", f"127.0.0.1:{upstream.port}": "‹upstream›"}
        self._repository = repository
        self._get = get
        for path, data in FILES.items():
            upstream.write(path, data)
        factories.serve(repository, FILES)
        self._before = self._state()

    def sync(self) -> str:
        """Runs sync, publish and distribute; returns what the job says when it fails."""
        self._repository.refresh_from_db()
        job = run(self._repository)
        assert (job.state == "failed") == bool(job.error), (job.state, job.error)
        return job.error

    def normal(self, text: str) -> str:
        """`text` with words in place of what is another in each run."""
        for found, word in sorted(self.words.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(found, word)
        return re.sub(r"\b[0-9a-f]{64}\b", "‹sha256›", text)

    def remote(self, **values: object) -> None:
        """Sets up the remote in another way."""
        Remote.objects.update(**values)

    def sync_from(self, url: str, **values: object) -> str:
        """Runs the job with another remote, and puts the former one back."""
        before = Remote.objects.values().get()
        self.remote(url=url, tries=1, **values)
        try:
            return self.sync()
        finally:
            self.remote(**before)

    def repository(self, **values: object) -> None:
        """Sets up the repository in another way."""
        Repository.objects.update(**values)

    # -- what must be so afterwards --

    def check_that_nothing_is_lost(self) -> None:
        """What was served still is, byte for byte; no version was made, nothing lies about, verified bytes stay."""
        assert self._state() == self._before
        check_the_folders()
        for failed in FailedFile.objects.all():
            assert failed.url == self.upstream.url + quote(failed.path)
            assert failed.message

    def check_that_all_is_served(self) -> None:
        """What the upstream has is what is served."""
        assert self._served() == self.upstream.files
        check_the_folders()

    def check_that_the_next_run_brings_the_rest(self) -> None:
        """The upstream is mended: what was fetched and verified before is not asked for again."""
        verified = [path for path, digest in self.upstream.digests.items() if pool.path(digest).exists()]
        self.upstream.heal()
        self.upstream.manifest = None
        self.upstream.reset_log()
        assert self.sync() == ""
        self.check_that_all_is_served()
        assert not {request.path for request in self.upstream.requests} & set(verified)

    def _state(self) -> tuple[int, dict[str, bytes]]:
        return self._repository.latest_version().number, self._served()

    def _served(self) -> dict[str, bytes]:
        """All that a downloader gets who follows the published list."""
        listed = self.body("PULP_MANIFEST").decode().splitlines()
        return {path: self.body(path) for path in [line.rsplit(",", 2)[0] for line in listed]}

    def body(self, path: str) -> bytes:
        """What a downloader gets."""
        answer = self._get(paths.content_url("files", path))
        assert answer.status == 200, (path, answer.status)
        return answer.body

    _body = body

    def ask(self, address: str, method: str = "GET") -> str:
        """The status of an answer, and what it says in plain text; nothing when all is well."""
        answer = self._get(address, method, Accept="text/plain")
        return "" if answer.status == 200 else f"{answer.status}, {answer.body.decode().strip()}"

    def listing(self) -> str:
        """The page of the top folder, as a browser gets it."""
        return self._get(paths.content_url("files"), Accept="text/html").body.decode()


def check_the_folders() -> None:
    """No working directory is left, and no half upload; what is in the pool is what its name says."""
    assert not [one for name in ("work", "arrivals") for one in (conf.data() / name).glob("*") if one.is_dir()]
    for file in (conf.data() / "pool").glob("*/*"):
        assert sha256(file.read_bytes()).hexdigest() == file.name
