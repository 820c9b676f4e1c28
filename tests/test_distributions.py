"""Distributions as such: made, moved to another base path, refreshed."""

import pytest
from django.contrib.auth.models import User

from repos.base_paths import clashing, refuse_taken
from repos.distribute import pin
from repos.distributions import add_distribution, change_base_path, make_distribution, protect, refresh
from repos.errors.refusals import Refused
from repos.errors.values import BasePathTaken, InvalidPath
from repos.models import Distribution, Publication, Repository, Switch
from repos.paths import clash
from repos.published import File, Missing, find
from tests import factories
from tests.running import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(db: None) -> Repository:
    """Nothing of it is published; served, once something is, at “files”."""
    return factories.repository()


@pytest.fixture
def distribution(repository: Repository) -> Distribution:
    return repository.distributions.get()


def test_it_works(repository: Repository) -> None:
    publication = factories.serve(repository, {"a": b"1"})
    made = add_distribution(repository, base_path="/stable/", by=None)
    assert (made.base_path, made.pinned, made.publication) == ("stable", False, publication)
    assert isinstance(find("stable/a"), File)


# ---- making ------------------------------------------------------------------------------------------------


def test_one_that_follows_serves_nothing_while_nothing_is_published(repository: Repository) -> None:
    made = add_distribution(repository, base_path="stable")
    assert (made.publication, made.history.count()) == (None, 0)


def test_one_that_follows_serves_what_is_newest_at_once(repository: Repository) -> None:
    newest = factories.publication(factories.version(repository, {"a": b"1"}))
    made = add_distribution(repository, base_path="stable", by=User.objects.create(username="ann"))
    switch = made.history.get()
    assert (made.publication, switch.later, switch.by and switch.by.username) == (newest, newest, "ann")
    # The others are moved by jobs, as ever.
    assert repository.distributions.get(base_path="files").publication is None


def test_one_may_be_pinned_from_the_beginning(repository: Repository) -> None:
    first = factories.serve(repository, {"a": b"1"})
    factories.serve(repository, {"a": b"2"})
    made = add_distribution(repository, base_path="stable", publication=first, reason="release 1")
    assert (made.publication, made.pinned, made.history.get().reason) == (first, True, "release 1")


def test_a_repository_may_have_several(repository: Repository) -> None:
    for name in ("a", "b", "c"):
        add_distribution(repository, base_path=name)
    assert repository.distributions.count() == 4


@pytest.mark.parametrize("base_path", ["files", "files/a", "FILES/../a", "a b", ""])
def test_a_base_path_that_clashes_or_is_none_makes_nothing(repository: Repository, base_path: str) -> None:
    with pytest.raises((BasePathTaken, InvalidPath)):
        add_distribution(repository, base_path=base_path)
    assert Distribution.objects.count() == 1


def test_what_cannot_be_pinned_makes_nothing(repository: Repository) -> None:
    other = factories.serve(factories.repository("other", "other"), {"a": b"1"})
    with pytest.raises(Refused, match="another repository"):
        add_distribution(repository, base_path="stable", publication=other)
    assert not Distribution.objects.filter(base_path="stable").exists()


def test_a_repository_that_was_deleted_meanwhile_is_refused(repository: Repository) -> None:
    repository.distributions.all().delete()
    Repository.objects.filter(pk=repository.pk).delete()
    with pytest.raises(Refused, match="“files” was deleted meanwhile"):
        add_distribution(repository, base_path="stable")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("base_paths", [["a", "a/b", "a/b/c"], ["x/y", "x", "x/y"]])
def test_of_clashing_base_paths_at_once_one_wins(repository: Repository, base_paths: list[str]) -> None:
    tasks = [lambda path=path: add_distribution(repository, base_path=path) for path in base_paths]
    errors = [error for error in at_once(*tasks) if error]
    won = [one.base_path for one in Distribution.objects.exclude(base_path="files")]
    assert {type(error) for error in errors} == {BasePathTaken}
    assert len(won) + len(errors) == 3
    assert not any(clash(one, other) for one in won for other in won if one != other)


# ---- another base path -------------------------------------------------------------------------------------


def test_what_was_served_at_the_old_base_path_is_served_at_the_new_one(distribution: Distribution) -> None:
    factories.serve(distribution.repository, {"a": b"1"})
    assert change_base_path(distribution, base_path="new/place")
    assert isinstance(find("new/place/a"), File)
    assert isinstance(find("files/a"), Missing)


def test_the_history_tells_of_the_change(distribution: Distribution) -> None:
    publication = factories.serve(distribution.repository, {"a": b"1"})
    ann = User.objects.create(username="ann")
    change_base_path(distribution, base_path="new", by=ann)
    switch = Switch.objects.order_by("pk").last()
    assert switch
    assert (switch.earlier, switch.later, switch.by) == (publication, publication, ann)
    assert switch.reason == "base path changed from “files” to “new”"


def test_the_longest_base_paths_fit_the_history(distribution: Distribution) -> None:
    change_base_path(distribution, base_path="a" * 255)
    change_base_path(distribution, base_path="b" * 255)
    assert Distribution.objects.get().base_path == "b" * 255


def test_the_same_base_path_changes_nothing(distribution: Distribution) -> None:
    assert not change_base_path(distribution, base_path="/files/")
    assert not Switch.objects.exists()


@pytest.mark.parametrize("base_path", ["files/below", "FILES"])
def test_its_own_base_path_is_not_in_its_way(distribution: Distribution, base_path: str) -> None:
    assert change_base_path(distribution, base_path=base_path)
    assert change_base_path(distribution, base_path="files")


@pytest.mark.parametrize("base_path", ["other", "other/below", "a", "a/b/c", "no ne"])
def test_a_base_path_that_clashes_with_another_is_refused(distribution: Distribution, base_path: str) -> None:
    make_distribution(distribution.repository, "other")
    make_distribution(distribution.repository, "a/b")
    with pytest.raises((BasePathTaken, InvalidPath)):
        change_base_path(distribution, base_path=base_path)
    assert Distribution.objects.filter(base_path="files").exists()


def test_what_lies_above_itself_and_another_is_refused_because_of_the_other(repository: Repository) -> None:
    own = make_distribution(repository, "a/b")
    make_distribution(repository, "a/c")
    with pytest.raises(BasePathTaken, match="overlaps with the distribution at “a/c”"):
        change_base_path(own, base_path="a")


def test_a_distribution_that_was_deleted_meanwhile_is_refused(distribution: Distribution) -> None:
    Distribution.objects.all().delete()
    with pytest.raises(Refused, match="deleted meanwhile"):
        change_base_path(distribution, base_path="new")


@pytest.mark.django_db(transaction=True)
def test_a_change_and_a_new_one_that_clash_at_once_do_not_both_win(distribution: Distribution) -> None:
    def make() -> object:
        return make_distribution(distribution.repository, "new/below")

    errors = at_once(lambda: change_base_path(distribution, base_path="new"), make)
    assert sorted(isinstance(error, BasePathTaken) for error in errors) == [False, True]


@pytest.mark.parametrize("base_path", ["Files", "fil", "files2", "a/files"])
def test_what_is_like_another_but_not_at_above_or_in_it_is_free(distribution: Distribution, base_path: str) -> None:
    refuse_taken(base_path)
    assert clashing(base_path) is None


# ---- refreshed ---------------------------------------------------------------------------------------------


def test_refreshing_asks_for_a_run_to_its_end_whatever_the_toggles(distribution: Distribution, bell: list[int]) -> None:
    Repository.objects.update(auto_publish=False, auto_distribute=False)
    job = refresh(distribution).job
    assert job.actions == ["sync", "publish", "distribute"]
    assert refresh(distribution).joined


def test_without_a_remote_refreshing_publishes_and_distributes(distribution: Distribution, bell: list[int]) -> None:
    factories.version(distribution.repository, {"a": b"1"})
    Repository.objects.update(remote=None)
    assert refresh(Distribution.objects.get()).job.actions == ["publish", "distribute"]


def test_a_pinned_one_is_not_refreshed_and_says_why(distribution: Distribution, bell: list[int]) -> None:
    pin(distribution, factories.serve(distribution.repository, {"a": b"1"}))
    with pytest.raises(Refused, match="“files” is pinned, so no run moves it"):
        refresh(Distribution.objects.get())


@pytest.mark.django_db(transaction=True)
def test_pinning_to_and_fro_at_once_leaves_a_history_that_fits(distribution: Distribution) -> None:
    first = factories.serve(distribution.repository, {"a": b"1"})
    second = factories.serve(distribution.repository, {"a": b"2"})

    def pins(publication: Publication) -> None:
        for _ in range(5):
            pin(distribution, publication)

    assert at_once(lambda: pins(first), lambda: pins(second)) == [None, None]
    moves = list(Switch.objects.order_by("pk").values_list("earlier", "later"))
    assert [earlier for earlier, _ in moves[1:]] == [later for _, later in moves[:-1]]
    assert moves[-1][1] == Distribution.objects.get().publication_id


# ---- since when --------------------------------------------------------------------------------------------


def test_to_protect_or_pin_what_is_served_already_leaves_since_when(repository: Repository) -> None:
    publication = factories.serve(repository, {"a": b"1"}, days_ago=2)
    never = make_distribution(factories.repository("other", "never"), "never-served")
    before = _since_when()
    for distribution in (repository.distributions.get(), never):
        protect(distribution, protected=True)
    pin(repository.distributions.get(), publication, by=None, reason="")
    assert _since_when() == before
    assert before["never-served"] is None


def _since_when() -> dict[str, object]:
    return {one.base_path: vars(one)["since"] for one in Distribution.objects.with_served()}
