"""A whole Millrace while what it stands on fails: its database, its Redis, its disk. It waits, says so, and goes on."""

import re
import subprocess
from collections.abc import Iterator

import pytest
import requests

from tests.running import until
from tests.serving import MANAGE, PASSWORD, Millrace
from tests.stoppable import PostgreSQL, Redis, running_postgresql, running_redis
from tests.upstream import Gate, Upstream

pytestmark = [pytest.mark.server, pytest.mark.any_database]

FILES = 20


@pytest.fixture
def filled(upstream: Upstream) -> Upstream:
    for number in range(FILES):
        upstream.write(f"{number}", b"%d" % number * 30)
    return upstream


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL) -> Iterator[Millrace]:
    it = Millrace(tmp_path_factory.mktemp("on-postgresql"), postgresql.url)
    it.start()
    yield it
    it.stop()


def signed_in(millrace: Millrace) -> requests.Session:
    session = requests.Session()
    session.get(f"{millrace.address}/login/", timeout=10)
    form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    assert session.post(f"{millrace.address}/login/", form, timeout=10).url == f"{millrace.address}/"
    return session


def in_the_middle(millrace: Millrace, upstream: Upstream) -> Gate:
    """Has the server run a job, and waits until all but one of its files are stored."""
    gate = upstream.hold("7")
    command = [*MANAGE, "mirror", upstream.manifest_url, "files", "files"]
    with subprocess.Popen(command, env=millrace.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        until(lambda: len(list((millrace.data / "pool").glob("*/*"))) == FILES - 1, "all but one file are stored")
        client.kill()
    return gate


def test_postgresql_goes_and_comes_back(
    on_postgresql: Millrace, postgresql: PostgreSQL, filled: Upstream, subtests: pytest.Subtests
) -> None:
    millrace, session = on_postgresql, signed_in(on_postgresql)
    worker, gate = millrace.worker(), in_the_middle(millrace, filled)
    postgresql.stop()
    gate.release()
    until(lambda: "when the database answers" in millrace.said(), "the job notices")
    with subtests.test("pages say so"):
        page = session.get(f"{millrace.address}/", timeout=10)
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert "The database does not answer. Try again soon." in page.text
        assert "Content-Security-Policy" in page.headers
    with subtests.test("so do live parts, deeds and programs, in a line"):
        for path, headers in (("running/", {"HX-Request": "true"}), ("status.json", {"Accept": "application/json"})):
            answer = session.get(f"{millrace.address}/{path}", headers=headers, timeout=10)
            assert (answer.status_code, answer.text) == (503, "The database does not answer. Try again soon.\n"), path
        assert requests.get(f"{millrace.address}/healthz", timeout=10).status_code == 503
        assert requests.get(f"{millrace.address}/content/files/1", timeout=10).status_code == 503
    with subtests.test("a command says it in a sentence"):
        told = millrace.manage("repository", "list")
        assert told.returncode == 1
        assert re.fullmatch(r"The database does not answer\. Try again soon\. It said: [^\n]+\n", told.stderr)
    postgresql.start()
    until(lambda: millrace.job()[:2] == ("completed", 0), "the job goes on by itself, and nobody died over it")
    assert session.get(f"{millrace.address}/content/files/7", timeout=10).content == filled.files["7"]
    assert session.get(f"{millrace.address}/", timeout=10).status_code == 200
    assert millrace.worker() == worker, "the same worker all the time"
    assert "Traceback" not in millrace.said()
    assert {path for path in filled.files if filled.count(path) > 1} <= {"7"}, "nothing that was there came again"


def test_a_worker_waits_for_a_database_that_is_not_there_yet(on_postgresql: Millrace, postgresql: PostgreSQL) -> None:
    on_postgresql.stop()
    postgresql.stop()
    command = [*MANAGE, "worker", "--until-eof"]
    with subprocess.Popen(
        command, env=on_postgresql.env(), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin and worker.stderr
        assert "The database cannot be reached" in worker.stderr.readline()
        postgresql.start()
        until(lambda: on_postgresql.query("SELECT pid FROM repos_worker") == [(worker.pid,)], "it has signed in")
        worker.stdin.close()
        assert worker.wait(20) == 0


def run_again(millrace: Millrace, session: requests.Session) -> requests.Response:
    """Presses “Run” on the repository's page."""
    form = {"actions": "default", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(f"{millrace.address}/repositories/1/run/", form, timeout=20)


def queue_length(millrace: Millrace, session: requests.Session) -> int | None:
    length: int | None = session.get(f"{millrace.address}/status.json", timeout=20).json()["queue"]["length"]
    return length


def completed(millrace: Millrace, pk: int) -> None:
    until(lambda: millrace.job(pk)[0] == "completed", f"job {pk} is completed")


def test_redis_goes_and_comes_back(
    millrace: Millrace, redis: Redis, filled: Upstream, subtests: pytest.Subtests
) -> None:
    millrace.start(MILLRACE_REDIS_URL=redis.url)
    session = signed_in(millrace)
    millrace.manage("mirror", filled.manifest_url, "files", "files")
    with subtests.test("it is used while it is there"):
        assert run_again(millrace, session).ok
        completed(millrace, 2)
        assert queue_length(millrace, session) == 0
        assert "does not answer" not in millrace.said()
    redis.stop()
    with subtests.test("without it, jobs are found by the worker's own look"):
        answer = run_again(millrace, session)
        assert (answer.status_code, answer.url) == (200, f"{millrace.address}/jobs/3/")
        completed(millrace, 3)
        assert queue_length(millrace, session) is None
        assert "The queue does not answer, so workers look for waiting jobs themselves" in millrace.said()
    with subtests.test("without it, pages and downloads go on"):
        assert session.get(f"{millrace.address}/", timeout=10).status_code == 200
        part = requests.get(f"{millrace.address}/content/files/7", headers={"Range": "bytes=3-"}, timeout=10)
        assert (part.status_code, part.content) == (206, filled.files["7"][3:])
    redis.start()
    with subtests.test("it is used again once it is back"):
        until(lambda: queue_length(millrace, session) == 0, "the queue answers")
        run_again(millrace, session)
        completed(millrace, 4)
    redis.freeze()
    with subtests.test("one that hangs holds up nobody for long"):
        assert run_again(millrace, session).elapsed.total_seconds() < 10
        completed(millrace, 5)
    assert "Traceback" not in millrace.said()
