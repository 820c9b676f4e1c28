"""However much one writes, others get their word in: no write of many rows keeps the database to itself."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from repos import chain, deletion, jobs, workers
from repos.actions import CLEAN
from repos.create import make_repository
from repos.models import Artifact, Content, Job, Repository
from tests.running import run
from tests.upstream import Upstream

FILES = 20_000
# Seconds that a small write may have to wait, on however busy a machine: SQLite would give up after 20.
PATIENCE = 3.0


@pytest.fixture
def long_list(upstream: Upstream) -> Upstream:
    """Of many files with few bytes: so that rows are what takes long."""
    for number in range(FILES):
        upstream.write(f"folder/{number:06}", b"%d" % (number % 5))
    return upstream


def during(big: Callable[[], object], small: Callable[[], object]) -> list[float]:
    """The seconds that each small write took which was made, one after the other, while the big one went on."""
    took = []
    with ThreadPoolExecutor(1) as thread:
        going = thread.submit(_connected, big)
        while not going.done():
            begun = time.monotonic()
            small()
            took.append(time.monotonic() - begun)
        going.result()
    return took


def _connected(do: Callable[[], object]) -> None:
    try:
        do()
    finally:
        connection.close()


def sign() -> None:
    workers.sign(workers.name_here())


def test_a_long_sync_lets_signs_of_life_in(repository: Repository, long_list: Upstream) -> None:
    workers.enter(workers.name_here(), 1)
    took = during(lambda: run(repository), sign)
    assert Content.objects.count() == FILES
    assert len(took) > 20
    assert max(took) < PATIENCE


def test_a_long_sync_lets_forms_in(repository: Repository, long_list: Upstream, client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    other = make_repository(url=long_list.manifest_url, name="other", base_path="other")

    def ask_and_cancel() -> None:
        assert client.post(f"/repositories/{other.pk}/run/", {"actions": "default"}).status_code == 302
        assert client.post(f"/jobs/{Job.objects.filter(repository=other).latest('pk').pk}/cancel/").status_code == 302

    took = during(lambda: run(repository), ask_and_cancel)
    assert Content.objects.count() == FILES
    assert len(took) > 5
    assert max(took) < PATIENCE


def test_a_large_deletion_lets_signs_of_life_in(repository: Repository, long_list: Upstream) -> None:
    run(repository, publish=False, distribute=False)
    workers.enter(workers.name_here(), 1)
    distribution = repository.distributions.get()
    deletion.delete_distribution(distribution)
    took = during(lambda: deletion.delete_repository(repository), sign)
    assert not Content.objects.exists()
    assert took
    assert max(took) < PATIENCE


def test_a_large_clean_up_lets_signs_of_life_in(repository: Repository) -> None:
    made = (Artifact(sha256=f"{number:064x}", size=1) for number in range(FILES))
    Artifact.objects.bulk_create(made, batch_size=1_000)
    Artifact.objects.update(wanted_at="2026-01-01T00:00Z", created_at="2026-01-01T00:00Z")
    workers.enter(workers.name_here(), 1)
    job = jobs.request(None, actions=CLEAN).job
    took = during(lambda: chain.run(job.pk, "test"), sign)
    assert not Artifact.objects.exists()
    assert len(took) > 20
    assert max(took) < PATIENCE
