"""Every migration runs forward on what an earlier release has left."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import StateApps
from django.utils import timezone

from repos import jobs, workers
from repos.actions import Actions
from repos.models import Job, Remote, Repository

FIRST_RELEASE = "0002_path_order"
# The step that a new database takes in place of many.
AT_ONCE = ("repos", "0001_squashed_0010_indexes")


def step_by_step() -> MigrationExecutor:
    """As an earlier release is brought up to date, and not as a new database is made."""
    executor = MigrationExecutor(connection)
    executor.loader = MigrationLoader(connection, replace_migrations=False)
    graph = executor.loader.graph
    graph.remove_replacement_node(AT_ONCE, graph.nodes[AT_ONCE].replaces)
    return executor


def migrate(to: str | None) -> StateApps:
    step_by_step().migrate([("repos", to)])
    return step_by_step().loader.project_state([("repos", to)] if to else None).apps


def newest() -> str:
    return max(str(name) for app, name in step_by_step().loader.graph.nodes if app == "repos")


def tables() -> dict[str, list[str]]:
    """The columns, the constraints and the indexes of all our tables, in any order."""
    with connection.cursor() as cursor:
        names = [one for one in connection.introspection.table_names(cursor) if one.startswith("repos_")]
        told = _told_by_postgresql if connection.vendor == "postgresql" else _told_by_sqlite
        return {name: sorted(told(cursor, name)) for name in names}


def _told_by_sqlite(cursor: CursorWrapper, table: str) -> Iterator[str]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = %s", [table])
    for name, sql in cursor.fetchall():
        inner = (sql or "").partition("(")[2].rpartition(")")[0]
        yield from re.split(', (?=CONSTRAINT|")', inner) if name == table else [f"{name}: {sql}"]


def _told_by_postgresql(cursor: CursorWrapper, table: str) -> Iterator[str]:
    of_table = "WHERE {} = %s::regclass"
    for sql in (
        f"SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation FROM pg_attribute "
        f"{of_table.format('attrelid')} AND attnum > 0 AND NOT attisdropped",
        f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint {of_table.format('conrelid')}",
        f"SELECT pg_get_indexdef(indexrelid) FROM pg_index {of_table.format('indrelid')}",
    ):
        cursor.execute(sql, [table])
        yield from map(str, cursor.fetchall())


@pytest.fixture
def released(transactional_db: None) -> Iterator[Callable[[], StateApps]]:
    """Puts the database back to the first release; afterwards it is as it was."""
    try:
        yield lambda: migrate(FIRST_RELEASE)
    finally:
        migrate(newest())


@pytest.mark.usefixtures("released")
def test_a_new_database_is_as_one_that_came_all_the_way() -> None:
    new = tables()
    migrate(None)
    assert not tables()
    migrate(newest())
    assert tables() == new


def test_data_of_the_first_release_comes_along(released: Callable[[], StateApps]) -> None:
    apps = released()
    remote = apps.get_model("repos", "Remote").objects.create(name="docs", url="http://127.0.0.1/")
    settings = apps.get_model("repos", "PublishSettings").objects.create()
    repository = apps.get_model("repos", "Repository").objects.create(
        name="docs", remote=remote, publish_settings=settings, mirror=True
    )
    repository.versions.create(number=0, complete=True)
    earlier = apps.get_model("repos", "Job").objects
    asked = {"repository": repository, "with_sync": True, "with_publish": True}
    waiting = earlier.create(**asked, with_distribute=False)
    ended = earlier.create(**asked, with_distribute=True, state="completed", finished_at=timezone.now())

    migrate(newest())

    assert Remote.objects.get().least_speed == 100
    moved = Repository.objects.get()
    assert (moved.brake, moved.mirror) == (50, True)
    assert Job.objects.get(pk=ended.pk).request == "sync publish distribute"
    # What waited still waits, and who asks for the same joins it.
    joined = jobs.request(moved, actions=Actions(True, True, False))
    assert joined.joined
    assert joined.job.pk == waiting.pk
    assert not workers.anyone()
