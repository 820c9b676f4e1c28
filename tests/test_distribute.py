"""The third verb: what is served, and its history."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from repos import chain, jobs
from repos.distribute import MAX_REASON, distribute, follow, newest_publication, pin, promote
from repos.distributions import make_distribution, protect
from repos.errors.refusals import Refused, Stale
from repos.errors.values import InvalidValue
from repos.models import Distribution, Publication, PublishSettings, Repository, Switch
from repos.progress import Progress
from tests import factories
from tests.running import PATIENCE, run, served
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


# ---- by hand -----------------------------------------------------------------------------------------------


@pytest.fixture
def two(db: None) -> tuple[Distribution, Publication, Publication]:
    """A distribution that follows, at the second of two publications of its repository."""
    made = factories.repository()
    first, second = factories.serve(made, {"a": b"1"}), factories.serve(made, {"a": b"2"})
    return made.distributions.get(), first, second


Two = tuple[Distribution, Publication, Publication]


def test_a_note_is_kept_and_without_one_the_history_says_what_was_done(two: Two) -> None:
    distribution, first, _ = two
    pin(distribution, first)
    follow(distribution, reason="2 is mended")
    reasons = distribution.history.values_list("reason", flat=True)
    assert list(reasons[:2]) == ["2 is mended", "pinned to version 1"]


def test_a_note_that_is_too_long_is_refused(two: Two) -> None:
    distribution, first, _ = two
    with pytest.raises(InvalidValue, match="500 characters"):
        pin(distribution, first, reason="x" * (MAX_REASON + 1))
    assert pin(distribution, first, reason="x" * MAX_REASON)


def test_a_publication_of_another_repository_is_refused(two: Two) -> None:
    other = factories.publication(factories.version(factories.repository("other", "other"), {"b": b"3"}))
    with pytest.raises(Refused, match="“files” is of another repository"):
        pin(two[0], other)
    assert served("files") == {"a": b"2"}


def test_a_publication_that_was_deleted_meanwhile_is_refused(two: Two) -> None:
    distribution, first, _ = two
    Publication.objects.filter(pk=first.pk).delete()
    with pytest.raises(Refused, match="publication of version 1 was deleted meanwhile"):
        pin(distribution, first)


@pytest.mark.parametrize("deed", ["pin", "follow"])
def test_a_distribution_that_was_deleted_meanwhile_is_refused(two: Two, deed: str) -> None:
    distribution, first, _ = two
    Distribution.objects.filter(pk=distribution.pk).delete()
    with pytest.raises(Refused, match="“files” was deleted meanwhile"):
        pin(distribution, first) if deed == "pin" else follow(distribution)


def test_following_where_nothing_is_published_changes_nothing(db: None) -> None:
    distribution = factories.repository().distributions.get()
    assert follow(distribution) is None
    assert not Switch.objects.exists()


def test_of_several_publications_of_a_version_that_is_followed_which_a_job_would_serve(two: Two) -> None:
    distribution, first, second = two
    other = PublishSettings.objects.matching(manifest="OTHER")
    Publication.objects.create(version=second.version, settings=other)
    pin(distribution, first)
    follow(distribution)
    assert Distribution.objects.get().publication == second


def test_the_newest_published_version_is_followed_whatever_its_settings(two: Two) -> None:
    """The repository may have got other settings, of which only an old version was published since."""
    distribution, first, second = two
    repository = distribution.repository
    repository.publish_settings = PublishSettings.objects.matching(manifest="OTHER")
    repository.save()
    Publication.objects.create(version=first.version, settings=repository.publish_settings)
    assert newest_publication(repository) == second
    latest = Publication.objects.create(version=second.version, settings=repository.publish_settings)
    assert newest_publication(repository) == latest


# ---- at once -----------------------------------------------------------------------------------------------


def distributed_meanwhile(repository: Repository, publication: Publication) -> threading.Thread:
    """A job's last step, in a thread; it has to wait for the transaction that the caller is in."""

    def work() -> None:
        try:
            distribute(repository, publication, progress=Progress())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    # It cannot end before the transaction does; if it could, this would be time enough.
    thread.join(0.2)
    assert thread.is_alive()
    return thread


@pytest.mark.django_db(transaction=True)
def test_what_is_pinned_while_a_job_distributes_stays_where_it_was_pinned() -> None:
    repository = factories.repository()
    distribution, first = repository.distributions.get(), factories.serve(repository, {"a": b"1"})
    second = factories.publication(factories.version(repository, {"a": b"2"}))
    with transaction.atomic():
        pin(distribution, first)
        job = distributed_meanwhile(repository, second)
    job.join(PATIENCE)
    assert served("files") == {"a": b"1"}


@pytest.mark.django_db(transaction=True)
def test_what_comes_to_follow_while_a_job_distributes_is_moved_with_the_others() -> None:
    repository = factories.repository()
    distribution, first = repository.distributions.get(), factories.serve(repository, {"a": b"1"})
    pin(distribution, first)
    # Published after its newest publication was looked for.
    second = factories.publication(factories.version(repository, {"a": b"2"}))
    with transaction.atomic():
        follow(distribution)
        Distribution.objects.filter(pk=distribution.pk).update(publication=first)
        job = distributed_meanwhile(repository, second)
    job.join(PATIENCE)
    assert served("files") == {"a": b"2"}


# ---- what another serves -----------------------------------------------------------------------------------


@pytest.fixture
def staging() -> Distribution:
    """Serves version 2 of the repository of “files”, which serves version 1, pinned."""
    repository = factories.repository()
    first = factories.serve(repository, {"a": b"1"})
    made = make_distribution(repository, "staging")
    factories.serve(repository, {"a": b"2"})
    pin(repository.distributions.get(base_path="files"), first)
    return made


def files_of(staging: Distribution) -> Distribution:
    return staging.repository.distributions.get(base_path="files")


@pytest.mark.django_db
def test_what_one_serves_is_promoted_to_another(staging: Distribution, django_user_model: type[User]) -> None:
    ada = django_user_model.objects.create(username="ada")
    switch = promote(files_of(staging), staging, by=ada)
    assert switch
    assert (switch.by, switch.reason) == (ada, "version 2, as served at “staging”")
    assert (served("files"), files_of(staging).pinned) == ({"a": b"2"}, True)
    assert promote(files_of(staging), staging, reason="tested") is None


@pytest.mark.django_db
def test_only_what_was_seen_is_promoted(staging: Distribution) -> None:
    staging.refresh_from_db()
    with pytest.raises(Stale, match="What “staging” serves"):
        promote(files_of(staging), staging, shown=0)
    with pytest.raises(Stale, match="What “files” serves"):
        promote(files_of(staging), staging, instead_of=0)
    promote(files_of(staging), staging, shown=staging.publication_id, instead_of=files_of(staging).publication_id)
    assert served("files") == {"a": b"2"}


@pytest.mark.django_db
def test_what_serves_nothing_or_other_files_is_not_promoted(staging: Distribution) -> None:
    nothing = factories.repository("other", "other").distributions.get()
    with pytest.raises(Refused, match="serves nothing yet"):
        promote(files_of(staging), nothing)
    factories.serve(nothing.repository, {"b": b"1"})
    with pytest.raises(Refused, match="is of another repository"):
        promote(files_of(staging), nothing)
    nothing.delete()
    with pytest.raises(Refused, match="was deleted meanwhile"):
        promote(files_of(staging), Distribution(pk=10**6, base_path="gone"))


@pytest.mark.django_db
def test_where_to_roll_back_to_is_what_was_served_before(staging: Distribution) -> None:
    files = files_of(staging)

    def before() -> int | None:
        found = Switch.objects.before(files_of(staging))
        return found.version.number if found else None

    assert before() == 2
    promote(files, staging)
    assert before() == 1
    # To protect it moves nothing.
    protect(files_of(staging), protected=True)
    assert before() == 1
    assert Switch.objects.before(factories.repository("new", "new").distributions.get()) is None
