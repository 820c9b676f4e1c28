"""Publish settings: stored once by value, changed by moving to others, deleted when nobody needs them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from repos import jobs, publish_settings
from repos.actions import Actions, Details
from repos.create import make_repository
from repos.errors.refusals import InUse, Stale
from repos.errors.values import InvalidValue
from repos.models import PublishSettings, Repository
from tests import factories

pytestmark = pytest.mark.django_db

SUMS = {"manifest": "PULP_MANIFEST", "checksums": "SHA256SUMS"}


def make(**values: str) -> PublishSettings:
    return publish_settings.make(**values)[0]


def users_of(settings: PublishSettings) -> list[str]:
    return list(settings.repositories.order_by("name").values_list("name", flat=True))


def three_that_share() -> tuple[Repository, PublishSettings]:
    """The first of three repositories, and the settings that all of them use."""
    first, *_ = [factories.repository(name, name) for name in ("a", "b", "c")]
    return first, first.publish_settings


def test_it_works() -> None:
    settings, were_there = publish_settings.make(manifest="MANIFEST", checksums="SHA256SUMS")
    assert (settings.manifest, settings.checksums, were_there) == ("MANIFEST", "SHA256SUMS", False)


def test_the_same_values_are_the_same_row() -> None:
    settings = make(**SUMS)
    assert publish_settings.make(checksums=" SHA256SUMS ") == (settings, True)
    assert PublishSettings.objects.count() == 1


@pytest.mark.parametrize("values", [{"manifest": ""}, {"manifest": "", "checksums": ""}, {"checksums": "sha 256.txt"}])
def test_a_file_may_be_left_out_and_called_anything_legal(values: dict[str, str]) -> None:
    settings = make(**values)
    assert {name: getattr(settings, name) for name in values} == values


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"manifest": "a/b"}, "manifest", "without a folder"),
        ({"manifest": "/b"}, "manifest", "without a folder"),
        ({"checksums": ".."}, "checksums", "has an empty part, “.” or “..” in it"),
        ({"checksums": "a\\b"}, "checksums", "has a backslash in it"),
        ({"checksums": "a\0b"}, "checksums", "has a control character in it"),
        ({"checksums": "x" * 201}, "checksums", "longer than 200 characters"),
        ({"checksums": "PULP_MANIFEST"}, "checksums", "cannot be two files"),
        ({"manifest": "a", "checksums": " a "}, "checksums", "cannot be two files"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(values: dict[str, str], field: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        publish_settings.make(**values)
    assert caught.value.field == field
    assert not PublishSettings.objects.exists()


# ---- changing ----


def test_a_change_never_changes_a_row() -> None:
    first, settings = three_that_share()
    publication = factories.serve(first, {"a": b"1"})
    other = publish_settings.change(settings, checksums="SHA256SUMS")
    settings.refresh_from_db()
    assert (settings.checksums, other.checksums) == ("", "SHA256SUMS")
    publication.refresh_from_db()
    assert publication.settings == settings


def test_a_change_moves_all_that_share_them() -> None:
    _, settings = three_that_share()
    other = publish_settings.change(settings, checksums="SHA256SUMS")
    assert (users_of(settings), users_of(other)) == ([], ["a", "b", "c"])


def test_a_change_may_move_one_repository_alone() -> None:
    first, settings = three_that_share()
    other = publish_settings.change(settings, repositories=[first], checksums="SHA256SUMS")
    assert (users_of(settings), users_of(other)) == (["b", "c"], ["a"])


def test_a_change_to_values_that_are_there_finds_them() -> None:
    _, settings = three_that_share()
    there = make(**SUMS)
    assert publish_settings.change(settings, checksums="SHA256SUMS") == there


def test_a_change_to_the_same_values_changes_nothing() -> None:
    _, settings = three_that_share()
    assert publish_settings.change(settings, manifest="PULP_MANIFEST") == settings
    assert users_of(settings) == ["a", "b", "c"]


def test_a_change_that_came_too_late_leaves_all_as_it_was() -> None:
    first, settings = three_that_share()
    publish_settings.change(settings, repositories=[first], checksums="other")
    with pytest.raises(Stale):
        publish_settings.change(settings, repositories=[first], checksums="SHA256SUMS")
    assert not PublishSettings.objects.filter(checksums="SHA256SUMS").exists()


def test_a_bad_change_is_refused() -> None:
    first, settings = three_that_share()
    with pytest.raises(InvalidValue):
        publish_settings.change(settings, repositories=[first], checksums="PULP_MANIFEST")
    assert users_of(settings) == ["a", "b", "c"]


# ---- deleting ----


def test_what_nobody_needs_can_be_deleted() -> None:
    settings = make(**SUMS)
    assert publish_settings.consequences(settings).refusal == ""
    publish_settings.delete(settings)
    assert not PublishSettings.objects.exists()


def test_repositories_keep_them_and_are_named() -> None:
    _, settings = three_that_share()
    with pytest.raises(InUse, match=r"is used by 3 repositories \(a, b, c\)\."):
        publish_settings.delete(settings)
    assert PublishSettings.objects.filter(pk=settings.pk).exists()


def test_many_users_are_counted_and_a_few_named() -> None:
    for number in range(7):
        factories.repository(f"r{number}", f"r{number}")
    refusal = publish_settings.consequences(PublishSettings.objects.get()).refusal
    assert "7 repositories (r0, r1, r2, r3, r4, …)" in refusal


def test_publications_keep_them() -> None:
    files = factories.repository()
    settings = files.publish_settings
    factories.serve(files, {"a": b"1"})
    factories.serve(files, {"b": b"1"})
    publish_settings.change(settings, checksums="SHA256SUMS")
    with pytest.raises(InUse, match=r"is used by 2 publications \(files\)\."):
        publish_settings.delete(settings)


def test_a_job_that_publishes_with_them_keeps_them(bell: list[int]) -> None:
    files = factories.repository()
    factories.version(files, {"a": b"1"})
    settings = make(**SUMS)
    wanted = Actions(sync=False, publish=True, distribute=False)
    job = jobs.request(files, actions=wanted, details=Details(publish_settings=settings)).job
    with pytest.raises(InUse, match=rf"is used by 1 job \({job.pk}\)\."):
        publish_settings.delete(settings)
    jobs.cancel(job)
    publish_settings.delete(settings)


def test_what_is_gone_cannot_be_deleted_again() -> None:
    settings = make(**SUMS)
    PublishSettings.objects.all().delete()
    with pytest.raises(Stale):
        publish_settings.delete(settings)


# ---- the list ----


def test_the_list_counts_and_names_who_uses_them() -> None:
    first, _ = three_that_share()
    factories.serve(first, {"a": b"1"})
    factories.serve(first, {"b": b"1"})
    row = publish_settings.listed().get()
    assert (row.repositories_count, row.publications_count) == (3, 2)  # type: ignore[attr-defined]
    assert [one.name for one in row.first_repositories] == ["a", "b", "c"]  # type: ignore[attr-defined]


def test_they_are_picked_by_who_uses_them() -> None:
    _, used = three_that_share()
    unused = make(**SUMS)
    assert list(publish_settings.listed().filter(publish_settings.used_by("B"))) == [used]
    assert list(publish_settings.listed().filter(publish_settings.in_use())) == [used]
    assert list(publish_settings.listed().filter(~publish_settings.in_use())) == [unused]


def test_a_longer_list_takes_no_more_queries() -> None:
    def with_ten_more(number: int) -> int:
        for place in range(10):
            name = f"{number}-{place}"
            made = make_repository(name=name, publish_with={"checksums": name})
            factories.version(made, {"a": b"1"})
        with CaptureQueriesContext(connection) as queries:
            assert all(one.first_repositories for one in publish_settings.listed())  # type: ignore[attr-defined]
        return len(queries)

    assert with_ten_more(1) == with_ten_more(2)
