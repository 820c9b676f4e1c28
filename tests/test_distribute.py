"""The third verb: what is served, and its history."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from repos import chain, jobs
from repos.create import make_distribution
from repos.distribute import distribute, follow, pin
from repos.models import Distribution, Publication, Repository, Switch
from repos.progress import Progress
from tests.running import run, served
from tests.upstream import Upstream


@pytest.fixture
def published(repository: Repository, upstream: Upstream) -> Repository:
    upstream.write("a", b"1")
    run(repository, distribute=False)
    return repository


def newest(repository: Repository) -> Publication:
    return Publication.objects.filter(version__repository=repository).latest("pk")


def test_it_works(published: Repository) -> None:
    assert served("files") is None
    switches = distribute(published, newest(published), progress=Progress())
    assert [one.distribution.base_path for one in switches] == ["files"]
    assert served("files") == {"a": b"1"}


def test_what_already_serves_it_is_not_moved(published: Repository) -> None:
    distribute(published, newest(published), progress=Progress())
    assert distribute(published, newest(published), progress=Progress()) == []
    assert Switch.objects.count() == 1


def test_all_that_follow_move_together(published: Repository) -> None:
    make_distribution(published, "other/place")
    with CaptureQueriesContext(connection) as queries:
        assert len(distribute(published, newest(published), progress=Progress())) == 2
    # One transaction: its writes are what stands between one BEGIN and one COMMIT.
    assert sum(query["sql"].startswith("BEGIN") for query in queries) == 1
    assert served("other/place") == served("files") == {"a": b"1"}


def test_a_pinned_one_is_never_moved_by_a_job(published: Repository, upstream: Upstream) -> None:
    make_distribution(published, "stable")
    run(published)
    stable = Distribution.objects.get(base_path="stable")
    assert stable.publication
    pin(stable, stable.publication, reason="release 1")
    upstream.write("a", b"2")
    run(published)
    assert served("files") == {"a": b"2"}
    assert served("stable") == {"a": b"1"}


def test_history_says_who_when_from_to_by_which_job_and_why(published: Repository, upstream: Upstream) -> None:
    user = User.objects.create(username="ann")
    run(published)
    upstream.write("a", b"2")
    job = jobs.request(published, by=user).job
    chain.run(job.pk, "test")
    switch = Switch.objects.first()
    assert switch and switch.earlier and switch.later
    assert (switch.by, switch.job, switch.reason) == (user, job, "published version 2")
    assert (switch.earlier.version.number, switch.later.version.number) == (1, 2)


def test_rolling_back_is_pinning_an_earlier_publication(published: Repository, upstream: Upstream) -> None:
    run(published)
    first = newest(published)
    upstream.write("a", b"2")
    run(published)
    files = Distribution.objects.get(base_path="files")
    switch = pin(files, first, reason="2 is broken")
    assert switch and switch.reason == "2 is broken"
    assert served("files") == {"a": b"1"}
    assert pin(files, first, reason="again") is None


def test_following_again_serves_the_newest_at_once(published: Repository, upstream: Upstream) -> None:
    run(published)
    files = Distribution.objects.get(base_path="files")
    pin(files, newest(published), reason="hold")
    upstream.write("a", b"2")
    run(published, distribute=False)
    assert served("files") == {"a": b"1"}
    assert follow(files, reason="go on")
    assert served("files") == {"a": b"2"}


def test_an_error_in_the_middle_moves_none(published: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    make_distribution(published, "other")
    create, made = Switch.objects.create, []

    def fail_at_the_second(**values: object) -> Switch:
        made.append(values)
        if len(made) == 2:
            raise OSError("the machine stops here")
        return create(**values)

    monkeypatch.setattr(Switch.objects, "create", fail_at_the_second)
    with pytest.raises(OSError, match="stops here"):
        distribute(published, newest(published), progress=Progress())
    assert served("files") is None
    assert served("other") is None
    assert not Switch.objects.exists()
