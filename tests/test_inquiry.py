"""What is asked of PostgreSQL without waiting: told rightly, told anew each time, and never waited for."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from hashlib import sha256
from queue import Empty, SimpleQueue
from select import select
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from repos import damage, inquiry, tokens
from repos.faults import Fault
from repos.glance import Found
from repos.hotline import MOST
from repos.inquiry import Inquiries
from repos.models import AccessToken, Artifact, Content, Distribution, Repository
from tests import factories
from tests.running import PATIENCE, until
from tests.settings import POSTGRESQL

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not POSTGRESQL, reason="it is for PostgreSQL alone"),
]


class Asking:
    """A thread that others wait for: it looks at the socket now and then, and does nothing else."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Any] = SimpleQueue()
        self.changes = 0
        self.inquiries = Inquiries(self._calls.put, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def open(self) -> None:
        """The first who asks is told nothing, and has the connection opened."""
        assert not self.inquiries.ask("files/a", "", print)
        self._calls.get(timeout=PATIENCE)()
        assert self.inquiries.socket

    def call(self) -> None:
        """What another thread wants to have called."""
        try:
            self._calls.get_nowait()()
        except Empty:
            return

    def __call__(self, path: str = "files/a", secret: str = "") -> Found | None:
        return self.all_of(path, secret=secret)[0]

    def all_of(self, *paths: str, secret: str = "") -> list[Found | None]:
        told: dict[int, Found | None] = {}
        for number, path in enumerate(paths):
            assert self.inquiries.ask(path, secret, partial(told.setdefault, number))
        until(lambda: self._turned() and len(told) == len(paths), "all are told")
        return [told[number] for number in range(len(paths))]

    def _turned(self) -> bool:
        self.turn()
        return True

    def turn(self) -> None:
        writes = self.inquiries.go_on()
        if (socket := self.inquiries.socket) is not None and any(
            select([socket], [socket] if writes else [], [], 0.01)
        ):
            self.inquiries.take()
        self.call()

    def close(self) -> None:
        self.inquiries.close()


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"a": b"1", "deep/er/b": b"22"})
    return made


@pytest.fixture
def ask(files: Repository) -> Iterator[Asking]:
    with closing(Asking()) as asking:
        asking.open()
        yield asking


def digest(found: Found | None) -> str:
    assert found
    return found.file.sha256


def of(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_it_works(ask: Asking, files: Repository) -> None:
    found = ask("files/a")
    assert found
    version = files.versions.get(number=1)
    assert (found.file.sha256, found.file.size, found.file.modified) == (of(b"1"), 1, version.created_at)
    assert (found.file.is_metadata, found.file.is_damaged, found.is_private) == (False, False, False)


def test_metadata_is_found_and_covers_a_file(ask: Asking, files: Repository) -> None:
    manifest = files.publish_settings.manifest
    factories.serve(files, {manifest: b"not ours"})
    found = ask(f"files/{manifest}")
    assert found
    assert found.file.is_metadata
    assert found.file.sha256 != of(b"not ours")


@pytest.mark.parametrize("path", ["files/none", "files", "files/deep", "files/a/b", "other/a", "file/sa", "a"])
def test_what_is_no_file_takes_a_closer_look(ask: Asking, path: str) -> None:
    assert ask(path) is None


def test_what_no_file_can_be_called_is_not_asked(ask: Asking) -> None:
    for path in ("", "files/../a", "files//a", "files/a\0", "files/" + "a" * 5000, "a/" * MOST + "a"):
        assert not ask.inquiries.ask(path, "", print)


def test_many_who_ask_together_are_each_told_their_own(ask: Asking, files: Repository) -> None:
    factories.serve(factories.repository("two", "two/deep"), {"a": b"other", "x/y/z": b"deep"})
    paths = ["files/a", "two/deep/a", "files/none", "two/deep/x/y/z", "two/deep", "none/of/them", "files/deep/er/b"]
    wanted = [of(b"1"), of(b"other"), None, of(b"deep"), None, None, of(b"22")]
    found = ask.all_of(*paths * 30)
    assert [one.file.sha256 if one else None for one in found] == wanted * 30


def test_who_asks_while_a_statement_is_under_way_comes_into_the_next(ask: Asking) -> None:
    told: list[Found | None] = []
    for _ in range(3):
        assert ask.inquiries.ask("files/a", "", told.append)
        ask.inquiries.go_on()
    assert [len(ask.inquiries._asked), len(ask.inquiries._waiting)] == [1, 2]
    until(lambda: ask._turned() and len(told) == 3)
    assert [digest(found) for found in told] == [of(b"1")] * 3


# ---- nothing is remembered -----------------------------------------------------------------------------------


def test_the_very_next_who_asks_is_told_of_a_switch_and_a_roll_back(ask: Asking, files: Repository) -> None:
    distribution = files.distributions.get()
    first = distribution.publication
    for number in range(10):
        factories.serve(files, {"a": b"%d" % number})
        assert digest(ask()) == of(b"%d" % number)
    factories.switch(distribution, first)
    assert digest(ask()) == of(b"1")
    factories.switch(distribution, None)
    assert ask() is None


def test_the_very_next_who_asks_is_told_of_damage_and_that_it_is_mended(ask: Asking) -> None:
    artifact = Artifact.objects.get(content__path="a")
    for _ in range(3):
        damage.note(artifact.pk, Fault("digest", "is wrong"))
        found = ask()
        assert found
        assert found.file.is_damaged
        damage.healed(artifact.pk)
        found = ask()
        assert found
        assert not found.file.is_damaged


def test_the_very_next_who_asks_is_told_of_what_was_deleted(ask: Asking, files: Repository) -> None:
    assert ask()
    Content.objects.filter(path="a").update(removed=1, added=0)
    assert ask() is None
    assert ask("files/deep/er/b")
    files.distributions.all().delete()
    assert ask("files/deep/er/b") is None


def test_the_very_next_who_asks_is_told_that_a_base_path_is_another_ones(ask: Asking) -> None:
    other = factories.repository("two", "two")
    factories.serve(other, {"a": b"other"})
    assert digest(ask()) == of(b"1")
    with transaction.atomic():
        Distribution.objects.filter(base_path="files").update(base_path="three")
        Distribution.objects.filter(base_path="two").update(base_path="files")
    assert [digest(ask("files/a")), digest(ask("three/a"))] == [of(b"other"), of(b"1")]
    assert ask("two/a") is None


def test_what_is_not_committed_is_not_told(ask: Asking, files: Repository) -> None:
    with transaction.atomic():
        factories.serve(files, {"a": b"new"})
        assert digest(ask()) == of(b"1")
    assert digest(ask()) == of(b"new")


# ---- what is protected ---------------------------------------------------------------------------------------


@pytest.fixture
def key(ask: Asking, files: Repository) -> tokens.Made:
    """A token that opens what is served, now protected; its use in this minute is noted."""
    files.distributions.update(protected=True)
    made = tokens.make("one", distributions=list(files.distributions.all()))
    use(made)
    return made


def use(made: tokens.Made) -> None:
    # Later than any minute that begins while the test runs.
    AccessToken.objects.filter(pk=made.token.pk).update(last_used_at=timezone.now() + timedelta(hours=1))


def test_a_token_opens_what_is_protected(ask: Asking, key: tokens.Made) -> None:
    found = ask(secret=key.secret)
    assert found
    assert found.is_private
    assert ask() is None


def test_a_token_that_opens_everything_opens_it(ask: Asking, key: tokens.Made) -> None:
    use(everything := tokens.make("two", everything=True))
    assert ask(secret=everything.secret)


def test_another_token_does_not_open_it(ask: Asking, key: tokens.Made) -> None:
    use(other := tokens.make("other", distributions=[factories.repository("two", "two").distributions.get()]))
    for secret in (other.secret, key.secret[:-1], "mr_" + "x" * 43, "wrong", "\0", "é"):
        assert ask(secret=secret) is None


def test_whoever_asks_beside_one_with_a_token_is_not_let_in(ask: Asking, key: tokens.Made) -> None:
    told: list[tuple[str, Found | None]] = []

    def note(name: str, found: Found | None) -> None:
        told.append((name, found))

    for name, secret in (("with", key.secret), ("without", ""), ("with", key.secret), ("wrong", "mr_" + "x" * 43)):
        assert ask.inquiries.ask("files/a", secret, partial(note, name))
    until(lambda: ask._turned() and len(told) == 4)
    assert [(name, bool(found)) for name, found in told] == [
        ("with", True),
        ("without", False),
        ("with", True),
        ("wrong", False),
    ]


def test_a_use_that_is_not_noted_yet_goes_the_usual_way(ask: Asking, key: tokens.Made) -> None:
    AccessToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    assert ask(secret=key.secret) is None


def test_the_very_next_who_asks_is_refused_when_a_token_is_revoked(ask: Asking, key: tokens.Made) -> None:
    assert ask(secret=key.secret)
    tokens.revoke(key.token)
    assert ask(secret=key.secret) is None


def test_the_very_next_who_asks_is_refused_when_a_token_has_expired(ask: Asking, key: tokens.Made) -> None:
    AccessToken.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    assert ask(secret=key.secret)
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ask(secret=key.secret) is None


def test_the_very_next_who_asks_is_refused_when_a_token_opens_it_no_more(ask: Asking, key: tokens.Made) -> None:
    assert ask(secret=key.secret)
    key.token.distributions.clear()
    assert ask(secret=key.secret) is None


def test_the_very_next_who_asks_is_refused_when_it_becomes_protected(ask: Asking, files: Repository) -> None:
    assert ask()
    files.distributions.update(protected=True)
    assert ask() is None
    files.distributions.update(protected=False)
    assert ask()


# ---- nothing is waited for -----------------------------------------------------------------------------------


def test_a_lock_is_not_waited_for(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked goes the usual way, and PostgreSQL is not left with a statement that nobody waits for."""
    monkeypatch.setattr(inquiry, "OVERDUE", 0.2)
    told: list[Found | None] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE repos_content IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            assert ask.inquiries.ask("files/a", "", told.append)
            ask.inquiries.go_on()
        began = time.thread_time()
        until(lambda: ask._turned() and len(told) == 3)
        assert time.thread_time() - began < 1
        assert told == [None] * 3
        assert ask.inquiries.socket is None
        until(lambda: waiting_statements() == 0, "the statement has ended")


def waiting_statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def cut_off() -> None:
    """Ends all other connections to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )


def test_who_asks_over_a_connection_that_broke_goes_the_usual_way(
    ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    cut_off()
    assert ask() is None
    assert "looked up one by one" in caplog.text
    assert ask.inquiries.socket is None


def test_a_connection_that_broke_is_let_go_while_nobody_asks(ask: Asking) -> None:
    cut_off()
    until(lambda: ask._turned() and ask.inquiries.socket is None)
    assert ask.changes == 2


def test_another_connection_is_opened_after_a_rest(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off()
    until(lambda: ask._turned() and ask.inquiries.socket is None)
    assert not ask.inquiries.ask("files/a", "", print)
    assert ask.inquiries._opening is None
    monkeypatch.setattr(ask.inquiries, "_rests_until", 0.0)
    ask.open()
    assert ask()


def test_a_database_that_cannot_be_reached_is_tried_again_after_a_rest(
    files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Asking()) as asking:
        with monkeypatch.context() as patched:
            patched.setitem(connection.settings_dict, "PORT", "1")
            assert not asking.inquiries.ask("files/a", "", print)
            until(lambda: asking._turned() and asking.inquiries._opening is None)
        assert not asking.inquiries.ask("files/a", "", print)
        assert asking.inquiries._opening is None
        monkeypatch.setattr(asking.inquiries, "_rests_until", 0.0)
        asking.open()
        assert asking()


def test_a_connection_that_nobody_needs_is_let_go(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask()
    monkeypatch.setattr(inquiry, "IDLE", 0.0)
    until(lambda: ask._turned() and ask.inquiries.socket is None)
    ask.inquiries._rests_until = 0.0
    ask.open()


def test_what_takes_long_is_planned_anew_by_another_connection(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiry, "SLOW", 0.0)
    monkeypatch.setattr(ask.inquiries, "_rests_until", 0.0)
    before = ask.inquiries._line
    # Whoever asks meanwhile is told as ever.
    until(lambda: digest(ask()) == of(b"1") and ask.inquiries._line is not before)
    assert digest(ask()) == of(b"1")


def test_who_waits_is_told_nothing_when_all_ends(files: Repository) -> None:
    told: list[Found | None] = []
    asking = Asking()
    asking.open()
    assert asking.inquiries.ask("files/a", "", told.append)
    asking.close()
    assert told == []
    assert asking.inquiries.socket is None


def test_a_connection_that_breaks_while_another_is_opened_is_replaced_by_that_one(ask: Asking) -> None:
    cut_off()
    ask.inquiries._rests_until = 0.0
    ask.inquiries._open()
    until(lambda: ask.inquiries._opened is not None, "the other one is open")
    assert ask() is None
    assert digest(ask()) == of(b"1")
