"""Changing a repository, whole or not at all, and by whom it was read last."""

from typing import Any

import pytest

from repos import chain, jobs
from repos.change import change_repository
from repos.create import make_repository
from repos.errors import MillraceError
from repos.errors.refusals import Stale
from repos.errors.values import InvalidName, InvalidValue, NameTaken
from repos.models import PublishSettings, Remote, Repository, SyncState
from tests import factories
from tests.running import files, run
from tests.upstream import Upstream

SUMS = {"checksums": "SHA256SUMS"}


@pytest.fixture
def other(db: None) -> Repository:
    return factories.repository("other", "other")


@pytest.fixture
def shared(other: Repository) -> Repository:
    """It has its publish settings in common with `other`."""
    return factories.repository()


def test_it_works(shared: Repository, other: Repository) -> None:
    values: dict[str, Any] = {
        "name": "new",
        "remote": other.remote,
        "mirror": True,
        "auto_distribute": False,
        "brake": 7,
    }
    changed = change_repository(shared, **values)
    assert {field: getattr(changed, field) for field in values} == values


def test_what_is_not_named_stays(shared: Repository) -> None:
    changed = change_repository(shared, brake=7)
    assert (changed.name, changed.mirror, changed.auto_publish) == ("files", False, True)
    assert (changed.remote, changed.publish_settings) == (shared.remote, shared.publish_settings)


@pytest.mark.parametrize(
    ("error", "values"),
    [
        (NameTaken, {"name": "other"}),
        (NameTaken, {"name": " other\n"}),
        (InvalidName, {"name": ""}),
        (InvalidName, {"name": "a\0b"}),
        (InvalidName, {"name": "x" * 201}),
        (InvalidValue, {"brake": 101}),
        (InvalidValue, {"brake": -1}),
        (InvalidValue, {"auto_publish": False}),
        (InvalidValue, {"mirror": True, "remote": None}),
        (InvalidValue, {"brake": 7, "publish_with": {"checksums": "a/b"}}),
    ],
    ids=str,
)
def test_an_error_leaves_all_as_it_was(shared: Repository, error: type[MillraceError], values: dict[str, Any]) -> None:
    before = Repository.objects.values().get(pk=shared.pk)
    with pytest.raises(error):
        change_repository(shared, **values)
    assert Repository.objects.values().get(pk=shared.pk) == before


def test_its_own_name_is_not_taken(shared: Repository) -> None:
    assert change_repository(shared, name=" files ").name == "files"


def test_of_two_changes_to_what_was_read_once_the_second_is_stale(shared: Repository) -> None:
    again = Repository.objects.get(pk=shared.pk)
    change_repository(shared, brake=7)
    with pytest.raises(Stale, match="“files” was changed by somebody else"):
        change_repository(again, mirror=True)
    shared.refresh_from_db()
    assert (shared.brake, shared.mirror) == (7, False)


def test_what_is_gone_is_stale(shared: Repository) -> None:
    shared.distributions.all().delete()
    Repository.objects.filter(pk=shared.pk).delete()
    with pytest.raises(Stale):
        change_repository(shared, brake=7)


def test_a_repository_can_lose_its_remote(shared: Repository) -> None:
    assert change_repository(shared, remote=None).remote is None
    assert Remote.objects.filter(name="files").exists()


# ---- publish settings ----


def test_it_gets_publish_settings_of_its_own(shared: Repository, other: Repository) -> None:
    changed = change_repository(shared, publish_with=SUMS)
    other.refresh_from_db()
    assert (changed.publish_settings.checksums, other.publish_settings.checksums) == ("SHA256SUMS", "")


def test_all_that_share_them_move_with_it(shared: Repository, other: Repository) -> None:
    changed = change_repository(shared, publish_with=SUMS, for_all=True)
    other.refresh_from_db()
    assert changed.publish_settings == other.publish_settings
    assert changed.publish_settings.checksums == "SHA256SUMS"


def test_the_same_publish_settings_are_no_change(shared: Repository) -> None:
    changed = change_repository(shared, publish_with={}, for_all=True)
    assert changed.publish_settings == shared.publish_settings
    assert PublishSettings.objects.count() == 1


# ---- what the next job makes of it ----


def test_the_next_job_publishes_with_the_new_ones(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    run(repository)
    change_repository(Repository.objects.get(), publish_with=SUMS)
    distribution = repository.distributions.get()
    assert distribution.publication and distribution.publication.settings.checksums == ""
    job = run(repository)
    assert job.version is None
    assert job.publication and job.publication.settings.checksums == "SHA256SUMS"


def test_as_a_mirror_the_next_sync_removes_what_vanished(repository: Repository, upstream: Upstream) -> None:
    for name in ("a", "b", "c"):
        upstream.write(name, name.encode())
    run(repository)
    upstream.remove("a")
    run(repository)
    assert set(files(repository.latest_version())) == {"a", "b", "c"}
    change_repository(Repository.objects.get(), mirror=True)
    run(repository)
    assert set(files(repository.latest_version())) == {"b", "c"}


def test_as_additive_the_next_sync_keeps_what_vanishes(upstream: Upstream, transactional_db: None) -> None:
    for name in ("a", "b", "c"):
        upstream.write(name, name.encode())
    mirror = make_repository(url=upstream.manifest_url, name="files", base_path="files", mirror=True)
    run(mirror)
    change_repository(mirror, mirror=False)
    upstream.remove("a")
    run(Repository.objects.get())
    assert set(files(mirror.latest_version())) == {"a", "b", "c"}
    assert SyncState.objects.get().mirror is False


def test_a_job_that_waited_while_its_remote_went_says_so(repository: Repository) -> None:
    job = jobs.request(repository).job
    change_repository(Repository.objects.get(), remote=None)
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "refused")
    assert "has no remote any more" in job.error
