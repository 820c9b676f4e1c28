"""Every migration runs forward on what an earlier release has left."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from django.utils import timezone

from repos import jobs, workers
from repos.jobs import Actions
from repos.models import Job, Remote, Repository

FIRST_RELEASE = "0002_path_order"


def migrate(to: str) -> StateApps:
    executor = MigrationExecutor(connection)
    executor.migrate([("repos", to)])
    return MigrationExecutor(connection).loader.project_state([("repos", to)]).apps


def newest() -> str:
    return max(str(name) for app, name in MigrationExecutor(connection).loader.graph.nodes if app == "repos")


@pytest.fixture
def released(transactional_db: None) -> Iterator[Callable[[], StateApps]]:
    """Puts the database back to the first release; afterwards it is as it was."""
    try:
        yield lambda: migrate(FIRST_RELEASE)
    finally:
        migrate(newest())


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
