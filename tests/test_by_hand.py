"""Requests to change files: what is asked for becomes one job, what cannot be is refused before there is one."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from repos import by_hand, chain, pool
from repos.actions import Actions
from repos.errors import MillraceError
from repos.errors.refusals import NothingToDo, PathInTheWay, PathTaken, Refused
from repos.errors.values import InvalidPath, InvalidValue
from repos.jobs import Requested
from repos.models import Artifact, Job, Repository
from tests import factories
from tests.running import files, metadata, served

pytestmark = pytest.mark.django_db(transaction=True)
ONLY = Actions(False, False, False, modify=True)


@pytest.fixture
def repository(transactional_db: None, bell: list[int]) -> Repository:
    """Without a remote, with one version: `a` and `b/c`."""
    made = factories.repository()
    made.remote = None
    made.save()
    factories.serve(made, {"a": b"1", "b/c": b"2"})
    return made


def artifacts(**data: bytes) -> dict[str, Artifact]:
    return {path: factories.artifact(content) for path, content in data.items()}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def done(requested: Requested) -> Job:
    chain.run(requested.job.pk, "test")
    return Job.objects.get(pk=requested.job.pk)


def test_it_works(repository: Repository) -> None:
    job = done(by_hand.add(repository, artifacts(new=b"3")))
    assert (job.state, job.actions) == ("completed", ["modify", "publish", "distribute"])
    assert served("files") == {"a": b"1", "b/c": b"2", "new": b"3"}
    assert b"new," in metadata("files")["PULP_MANIFEST"]


def test_an_empty_repository_without_remote_serves_what_is_uploaded(transactional_db: None, bell: list[int]) -> None:
    empty = factories.repository()
    Repository.objects.update(remote=None)
    done(by_hand.add(Repository.objects.get(pk=empty.pk), artifacts(first=b"1")))
    assert empty.latest_version().number == 1
    assert served("files") == {"first": b"1"}


def test_many_files_make_one_version(repository: Repository) -> None:
    many = {f"many/{number}": factories.artifact(b"%d" % number) for number in range(1200)}
    version = done(by_hand.add(repository, many)).version
    assert version
    assert (version.number, version.added, version.files) == (2, 1200, 1202)


@pytest.mark.parametrize(
    ("publish", "distribute", "actions"),
    [(False, False, ["modify"]), (True, False, ["modify", "publish"])],
)
def test_the_toggles_say_what_follows(
    repository: Repository, publish: bool, distribute: bool, actions: list[str]
) -> None:
    repository.auto_publish, repository.auto_distribute = publish, distribute
    repository.save()
    assert done(by_hand.add(repository, artifacts(new=b"3"))).actions == actions
    assert served("files") == {"a": b"1", "b/c": b"2"}


def test_what_follows_can_be_chosen(repository: Repository) -> None:
    assert done(by_hand.remove(repository, ["a"], actions=ONLY)).actions == ["modify"]
    assert files(repository.latest_version()) == {"b/c": b"2"}


def test_who_asked_is_noted(repository: Repository, admin_user: Any) -> None:
    assert by_hand.add(repository, artifacts(new=b"3"), by=admin_user).job.requested_by == admin_user
    assert by_hand.remove(repository, ["a"], by=admin_user).job.requested_by == admin_user
    factories.version(repository, {"a": None})
    assert by_hand.restore(repository, 1, by=admin_user).job.requested_by == admin_user


# ---- replacing ----


def test_a_path_is_replaced_only_when_asked(repository: Repository) -> None:
    new = artifacts(a=b"other", new=b"3")
    with pytest.raises(PathTaken, match="“a” is there already, with other bytes") as caught:
        by_hand.add(repository, new)
    assert (caught.value.count, caught.value.some) == (1, ["a"])
    assert not Job.objects.exists()
    done(by_hand.add(repository, new, replace=True))
    assert served("files") == {"a": b"other", "b/c": b"2", "new": b"3"}


def test_the_same_bytes_at_the_same_path_need_not_be_asked_for(repository: Repository) -> None:
    done(by_hand.add(repository, artifacts(a=b"1", new=b"3")))
    version = repository.latest_version()
    assert (version.added, version.changed) == (1, 0)


def test_nothing_new_makes_no_job(repository: Repository) -> None:
    with pytest.raises(NothingToDo, match="All of this is in version 1 already"):
        by_hand.add(repository, artifacts(a=b"1"))
    with pytest.raises(NothingToDo):
        by_hand.add(repository, {})
    assert not Job.objects.exists()


# ---- by digest ----


def test_stored_bytes_are_added_by_their_digest(repository: Repository) -> None:
    done(by_hand.add_by_digest(repository, {"copy": digest(b"1"), "b/copy": digest(b"2").upper()}))
    assert served("files") == {"a": b"1", "b/c": b"2", "copy": b"1", "b/copy": b"2"}


def test_a_digest_that_nothing_stored_has_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidValue, match=f"No stored file has the sha256 {digest(b'no')}"):
        by_hand.add_by_digest(repository, {"x": digest(b"no")})


def test_a_row_without_its_bytes_does_not_count(repository: Repository) -> None:
    gone = factories.artifact(b"gone")
    pool.path(gone.sha256).unlink()
    with pytest.raises(InvalidValue, match="Upload the file itself"):
        by_hand.add_by_digest(repository, {"x": gone.sha256})
    pool.path(gone.sha256).write_bytes(b"short"[:2])
    with pytest.raises(InvalidValue):
        by_hand.add_by_digest(repository, {"x": gone.sha256})


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "../" * 30, "0" * 65])
def test_what_is_no_digest_is_refused(repository: Repository, sha256: str) -> None:
    with pytest.raises(InvalidValue, match="not a sha256 of 64 hexadecimal digits"):
        by_hand.add_by_digest(repository, {"x": sha256})


# ---- what is refused ----


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("../x", InvalidPath, "empty part"),
        ("/x", InvalidPath, "absolute"),
        ("x\\y", InvalidPath, "backslash"),
        ("", InvalidPath, "empty"),
        ("x/", InvalidPath, "empty part"),
        ("x\ny", InvalidPath, "control character"),
        ("a/below", PathInTheWay, "“a” cannot be both a file and the folder of “a/below”"),
        ("b", PathInTheWay, "“b” cannot be both a file and the folder of “b/c”"),
        ("PULP_MANIFEST", InvalidValue, "a list that publishing writes itself"),
        ("PULP_MANIFEST/x", InvalidValue, "“PULP_MANIFEST” is the name of a list"),
    ],
)
def test_a_path_that_cannot_be_is_refused(
    repository: Repository, path: str, error: type[MillraceError], said: str
) -> None:
    for replace in (False, True):
        with pytest.raises(error, match=said):
            by_hand.add(repository, {path: factories.artifact(b"x")}, replace=replace)
    assert not Job.objects.exists()


def test_a_manifests_name_is_free_below_the_top(repository: Repository) -> None:
    done(by_hand.add(repository, {"old/PULP_MANIFEST": factories.artifact(b"x")}))
    assert served("files") == {"a": b"1", "b/c": b"2", "old/PULP_MANIFEST": b"x"}


def test_two_files_that_are_sent_may_not_be_in_each_others_way(repository: Repository) -> None:
    one = factories.artifact(b"x")
    with pytest.raises(PathInTheWay):
        by_hand.add(repository, {"x/y": one, "x-y": one, "x": one})


def test_where_a_folder_was_a_file_can_be(repository: Repository) -> None:
    done(by_hand.remove(repository, ["b/c"]))
    done(by_hand.add(repository, {"b": factories.artifact(b"x")}))
    assert served("files") == {"a": b"1", "b": b"x"}


def test_a_path_is_named_once() -> None:
    assert by_hand.once([("a", 1), ("b", 2)], field="files") == {"a": 1, "b": 2}
    with pytest.raises(InvalidValue, match="“a” is named twice") as caught:
        by_hand.once([("a", 1), ("a", 1)], field="files")
    assert caught.value.field == "files"


CHANGES: list[Callable[[Repository], Requested]] = [
    lambda repository: by_hand.add(repository, {"x": factories.artifact(b"x")}),
    lambda repository: by_hand.add_by_digest(repository, {"x": digest(b"1")}),
    lambda repository: by_hand.remove(repository, ["a"]),
    lambda repository: by_hand.restore(repository, 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_mirror_is_not_changed(repository: Repository, change: Callable[[Repository], Requested]) -> None:
    repository.mirror = True
    repository.save()
    with pytest.raises(Refused, match="is a mirror: exactly what its upstream is"):
        change(repository)
    assert by_hand.refusal(repository)
    assert not Job.objects.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_to_distribute_to_is_told_early(
    repository: Repository, change: Callable[[Repository], Requested]
) -> None:
    repository.distributions.all().delete()
    with pytest.raises(Refused, match="No distribution follows"):
        change(repository)
    assert not by_hand.refusal(repository)
    assert not Job.objects.exists()


# ---- removing ----


def test_removed_files_are_gone_from_the_next_version_only(repository: Repository) -> None:
    done(by_hand.remove(repository, ["b/c", "a"]))
    assert served("files") == {}
    assert files(repository.versions.get(number=1)) == {"a": b"1", "b/c": b"2"}


def test_only_what_is_there_is_removed(repository: Repository) -> None:
    with pytest.raises(InvalidValue, match=r"“x” is not in version 1 \(nor are 1 more\), so it cannot be removed"):
        by_hand.remove(repository, ["a", "x", "y"])
    with pytest.raises(InvalidValue, match="“b” is not in version 1, so"):
        by_hand.remove(repository, ["b"])
    with pytest.raises(InvalidValue, match="named twice"):
        by_hand.remove(repository, ["a", "a"])
    with pytest.raises(NothingToDo):
        by_hand.remove(repository, [])


# ---- restoring ----


def test_an_old_version_is_restored_as_the_next(repository: Repository) -> None:
    factories.version(repository, {"a": b"changed", "b/c": None, "new": b"3"})
    job = done(by_hand.restore(repository, 1))
    assert job.version
    assert (job.version.number, job.version.added, job.version.removed, job.version.changed) == (3, 1, 1, 1)
    assert served("files") == {"a": b"1", "b/c": b"2"}


def test_identical_restores_are_joined(repository: Repository) -> None:
    factories.version(repository, {"a": None})
    first = by_hand.restore(repository, 1)
    assert by_hand.restore(repository, 1) == Requested(first.job, joined=True)


def test_a_version_that_is_not_there_is_not_restored(repository: Repository) -> None:
    with pytest.raises(Refused, match="has no version 7"):
        by_hand.restore(repository, 7)
    with pytest.raises(NothingToDo, match="Version 1 is the newest already"):
        by_hand.restore(repository, 1)


# ---- one after another ----


def test_two_uploads_make_two_versions_one_after_another(repository: Repository) -> None:
    first = by_hand.add(repository, artifacts(x=b"1"))
    second = by_hand.add(repository, artifacts(x=b"1", y=b"2"))
    assert (first.joined, second.joined) == (False, False)
    assert chain.claim(second.job.pk, "test") is None, "it waits for the first"
    done(first)
    done(second)
    assert [one.number for one in repository.versions.complete().order_by("number")] == [0, 1, 2, 3]
    assert served("files") == {"a": b"1", "b/c": b"2", "x": b"1", "y": b"2"}


def test_the_job_looks_again_at_what_is_there_by_then(repository: Repository) -> None:
    first, second = by_hand.add(repository, artifacts(x=b"1")), by_hand.add(repository, artifacts(x=b"2"))
    done(first)
    job = done(second)
    assert (job.state, job.error_code) == ("failed", "taken")
    assert "“x” is there already" in job.error
    assert served("files") == {"a": b"1", "b/c": b"2", "x": b"1"}
