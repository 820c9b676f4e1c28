"""Tokens: made, looked up by their digest, used, revoked, deleted; and `manage.py token`."""

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from repos import tokens
from repos.errors.refusals import Gone, InUse
from repos.errors.values import InvalidName, InvalidValue
from repos.models import AccessToken, Distribution
from tests import factories
from tests.terminal import call, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def files() -> Distribution:
    return factories.repository().distributions.get()


def test_it_works(files: Distribution) -> None:
    by = User.objects.create_user("me")
    made = tokens.make("build server", distributions=[files], days=30, by=by)
    found = tokens.find(made.secret)
    assert found == made.token
    assert (found.name, found.created_by, found.start) == ("build server", by, made.secret[:10])
    assert tokens.covered(found, [files.pk, 4711]) == {files.pk}
    assert found.expires_at
    assert timedelta(days=30) - (found.expires_at - timezone.now()) < timedelta(minutes=1)


def test_only_a_digest_is_kept(files: Distribution) -> None:
    secret = tokens.make("one", distributions=[files]).secret
    (row,) = AccessToken.objects.values()
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)
    assert secret[10:] not in str(row)


def test_no_two_are_alike_and_nobody_guesses_one() -> None:
    secrets = {tokens.make("one", everything=True).secret for _ in range(20)}
    assert len(secrets) == 20
    assert {secret[:3] for secret in secrets} == {"mr_"}
    assert {len(secret) for secret in secrets} == {46}


@pytest.mark.parametrize(
    "wrong",
    ["", "mr_", "x", "mr_" + "a" * 43, "MR_" + "a" * 43, "mr_" + "a" * 42 + "\n", "mr_" + "ä" * 43, "a" * 100_000],
)
def test_what_is_no_token_is_not_found(wrong: str) -> None:
    made = tokens.make("one", everything=True)
    for text in (wrong, made.token.digest, made.token.start, made.secret[:-1], f"{made.secret} ", made.secret.upper()):
        assert tokens.find(text) is None


def test_what_cannot_be_one_is_not_even_looked_for(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert tokens.find("password") is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 201])
def test_a_token_has_a_name(name: str) -> None:
    with pytest.raises(InvalidName):
        tokens.make(name, everything=True)


def test_a_token_opens_something_and_says_what(files: Distribution) -> None:
    for everything, distributions in ((False, []), (True, [files])):
        with pytest.raises(InvalidValue) as caught:
            tokens.make("one", everything=everything, distributions=distributions)
        assert caught.value.field == "distributions"


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_token_lasts_some_days_or_for_ever(days: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        tokens.make("one", everything=True, days=days)
    assert caught.value.field == "days"
    assert tokens.make("one", everything=True).token.expires_at is None
    assert AccessToken.objects.count() == 1


def test_everything_is_also_what_comes_later() -> None:
    made = tokens.make("one", everything=True).token
    later = factories.repository().distributions.get()
    assert tokens.covered(made, [later.pk]) == {later.pk}


def test_the_end_of_the_last_distribution_widens_nothing(files: Distribution) -> None:
    other = factories.repository("other", "other").distributions.get()
    made = tokens.make("one", distributions=[files])
    files.delete()
    found = tokens.find(made.secret)
    assert found
    assert tokens.covered(found, [other.pk]) == set()


def test_a_use_is_noted_once_a_minute(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    made = tokens.make("one", everything=True)
    assert tokens.used(made.token)
    # Two requests that both saw it unused: one of them notes it.
    assert not tokens.used(made.token)
    found = tokens.find(made.secret)
    assert found
    with django_assert_num_queries(0):
        assert not tokens.used(found)
    AccessToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    again = tokens.find(made.secret)
    assert again
    assert tokens.used(again)


def test_a_revoked_token_is_not_found_and_stays_revoked() -> None:
    made = tokens.make("one", everything=True)
    assert tokens.revoke(made.token)
    assert tokens.find(made.secret) is None
    first = AccessToken.objects.get().revoked_at
    assert not tokens.revoke(made.token)
    assert AccessToken.objects.get().revoked_at == first


def test_an_expired_token_is_not_found() -> None:
    made = tokens.make("one", everything=True, days=1)
    AccessToken.objects.update(expires_at=timezone.now())
    assert tokens.find(made.secret) is None


def test_only_what_opens_nothing_can_be_deleted() -> None:
    one, two = (tokens.make(name, everything=True, days=1).token for name in ("one", "two"))
    with pytest.raises(InUse, match="Revoke it first"):
        tokens.delete(one)
    tokens.revoke(one)
    AccessToken.objects.filter(pk=two.pk).update(expires_at=timezone.now())
    for each in (one, two):
        tokens.delete(each)
    assert not AccessToken.objects.exists()
    with pytest.raises(Gone):
        tokens.delete(AccessToken(pk=4711, name="three"))


def test_it_is_known_which_open_a_distribution(files: Distribution) -> None:
    other = factories.repository("other", "other").distributions.get()
    one, every = tokens.make("one", distributions=[files, other]).token, tokens.make("every", everything=True).token
    tokens.make("other", distributions=[other])
    tokens.revoke(tokens.make("gone", everything=True).token)
    assert set(tokens.opening(files)) == {one, every}


def test_ten_tokens_or_twenty_take_the_same_number_of_queries(
    files: Distribution, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        for _ in range(10):
            tokens.make("one", distributions=[files])
        with django_assert_num_queries(2):
            assert [list(one.distributions.all()) for one in tokens.listed()]


# ---- from a terminal -------------------------------------------------------------------------------------


def test_a_token_is_written_once_alone(files: Distribution, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = call("token", "add", "build server", "--for", "files", "--days", "30")
    assert status == 0
    assert "is not shown again" in said
    secret = said.splitlines()[-1]
    assert tokens.find(secret)
    ((number, name, start, opens, state, expires, used),) = rows("token", "list")
    assert (name, start, opens, state, used) == ("build server", f"{secret[:10]}…", "files", "usable", "")
    assert expires.startswith(f"{timezone.now() + timedelta(days=30):%Y-%m-%d}")
    assert call("token", "delete", number)[0] != 0
    assert call("token", "revoke", number) == (0, "The token “build server” was revoked: it opens nothing any more.\n")
    assert call("token", "revoke", number) == (0, "The token “build server” was revoked already.\n")
    assert rows("token", "list")[0][4] == "revoked"
    assert call("token", "delete", number) == (0, "The token “build server” was deleted.\n")


def test_a_token_may_open_everything() -> None:
    assert call("token", "add", "all", "--everything")[0] == 0
    assert AccessToken.objects.get().everything


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "x", "--for", "nowhere"], "There is no distribution at “nowhere”."),
        (["add", "x"], "one of the arguments --for --everything is required"),
        (["add", "x", "--everything", "--days", "0"], "days: Give a whole number of days from 1 to 3,650."),
        (["revoke", "4711"], "There is no token 4711."),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], said: str) -> None:
    status, answer = call("token", *arguments)
    assert (status != 0, said in answer) == (True, True), answer
    assert not AccessToken.objects.exists()
