"""The one statement that is planned before: what it gives, how it is planned, and where nothing can be prepared."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from select import select
from typing import Any

import psycopg
import pytest
from django.db import connection

from repos import hotline
from repos.hotline import MOST, Hotline, Place
from repos.models import Repository
from tests import factories
from tests.settings import POSTGRESQL

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not POSTGRESQL, reason="it is for PostgreSQL alone"),
]

A: Place = ("files", "a", None)
NONE: Place = ("files", "none", None)
NOWHERE: Place = ("nowhere", "a", None)


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"a": b"1"})
    return made


@pytest.fixture
def line(files: Repository) -> Iterator[Hotline]:
    with closing(Hotline()) as opened:
        yield opened


def asked(line: Hotline, places: Sequence[Place]) -> dict[int, Sequence[Any]]:
    line.send(places)
    while (rows := line.take()) is None:
        select([line.socket], [line.socket] if line.flush() else [], [], 1)
    return rows


def test_it_works(line: Hotline) -> None:
    rows = asked(line, [NOWHERE, A, NONE])
    assert sorted(rows) == [1, 2]
    assert rows[1][0] == 1
    assert rows[1][3] == factories.artifact(b"1").sha256
    assert rows[2][3] is None


@pytest.mark.parametrize("count", [1, 4, 5, 16, 17, MOST])
def test_so_many_places_are_asked_for_at_once(line: Hotline, count: int) -> None:
    assert sorted(asked(line, [A] * count)) == list(range(count))


def test_it_is_planned_once(line: Hotline) -> None:
    for _ in range(20):
        asked(line, [A] * MOST)
    rows = plain(line, "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE generic_plans > 0")
    assert rows == [(b"15", b"5")]


def plain(line: Hotline, statement: str) -> list[tuple[Any, ...]]:
    result = line._line.exec_(statement.encode())
    return [tuple(result.get_value(row, column) for column in range(result.nfields)) for row in range(result.ntuples)]


def test_no_table_is_read_as_a_whole_to_be_put_beside_what_is_asked(line: Hotline) -> None:
    """Each place is looked for by itself: with few rows in the tables, as here, anything else would look cheaper."""
    asked(line, [A])
    values = ", ".join(["NULL"] * (1 + 3 * MOST))
    rows = plain(line, f"EXPLAIN (COSTS off) EXECUTE {hotline._name(MOST).decode()}({values})")
    text = "\n".join(str(row[0]) for row in rows)
    assert "Nested Loop" in text
    assert "Merge" not in text
    # Distributions are few, and may be.
    assert text.count("Hash Join") + text.count("Hash Left Join") + text.count("Hash Right Join") <= 2


def test_a_pool_that_keeps_nothing_prepared_is_found_out(line: Hotline) -> None:
    plain(line, "DEALLOCATE ALL")
    assert asked(line, [A]) == {}
    assert list(asked(line, [A])) == [0]
    assert sorted(asked(line, [A] * MOST)) == list(range(MOST))


def test_a_pool_whose_connection_has_it_already_is_found_out(
    files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotline, "_name", lambda places: b"the same")
    with closing(Hotline()) as line:
        assert list(asked(line, [A])) == [0]
        assert sorted(asked(line, [A] * 5)) == list(range(5))


def test_what_else_postgresql_refuses_is_raised(line: Hotline) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE repos_damage RENAME TO elsewhere")
    try:
        with pytest.raises(psycopg.Error, match="repos_damage"):
            asked(line, [A])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO repos_damage")


def test_values_are_values(line: Hotline) -> None:
    assert asked(line, [("files' OR 1=1 --", "a", "'"), ("files", "\\'; DROP TABLE x", None)])[1][3] is None
