"""`manage.py clean` and `manage.py storage`: what they write, and how they end."""

import json
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from repos import deletion, pool
from repos.models import Artifact, Job, Repository
from tests import factories
from tests.terminal import call, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    """Versions 1 to 3, of which 3 is served; what only version 1 has is old."""
    made = factories.repository()
    factories.version(made, {"a": b"1" * 100, "b": b"2" * 2000})
    factories.version(made, {"a": b"3" * 4000})
    factories.serve(made, {"c": b"4"}, days_ago=30)
    then = timezone.now() - timedelta(days=2)
    Artifact.objects.update(created_at=then, wanted_at=then)
    for artifact in Artifact.objects.all():
        os.utime(pool.path(artifact.sha256), (then.timestamp(), then.timestamp()))
    return made


def test_it_works(repository: Repository) -> None:
    Repository.objects.update(keep_versions=1)
    status, said = call("clean", "--dry-run")
    assert status == 0
    assert "files version 1 goes: older than the newest\n" in said
    assert "Would be freed: 1 file (100 B).\n" in said
    assert not Job.objects.exists()
    status, said = call("clean")
    assert status == 0
    assert "Letting go of old versions of “files”: 2\n" in said
    assert said.rstrip().endswith("2 versions let go, 1 file (100 B) freed.")
    assert call("clean", "--dry-run") == (0, "Would be freed: 0 files (0 B).\n")


def test_for_programs(repository: Repository) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    planned = json.loads(call("clean", "--dry-run", "--json")[1])
    assert (planned["freed_files"], planned["freed_bytes"], planned["versions"]) == (1, 100, [])
    out, progress = StringIO(), StringIO()
    call_command("clean", "--json", stdout=out, stderr=progress)
    done = json.loads(out.getvalue())
    assert (done["state"], done["freed_files"], done["freed_bytes"]) == ("completed", 1, 100)
    assert "Taking out the files that nothing needs" in progress.getvalue()


def test_what_is_spared_is_said(repository: Repository) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    Artifact.objects.update(wanted_at=timezone.now())
    assert "Spared, younger than 24 hours: 1 file (100 B). The last of it may go on " in call("clean", "--dry-run")[1]


def test_the_quarantine_is_emptied_only_when_asked(repository: Repository, data: Path) -> None:
    (data / "quarantine").mkdir()
    (data / "quarantine" / "some").write_bytes(b"wrong")
    assert "In quarantine: 1 file (5 B)." in call("clean", "--dry-run")[1]
    call("clean")
    assert (data / "quarantine" / "some").exists()
    assert "Removed from the quarantine: 1 file (5 B).\n" in call("clean", "--quarantine")[1]
    assert not (data / "quarantine" / "some").exists()


def test_where_the_bytes_are(repository: Repository) -> None:
    factories.version(factories.repository("other", "other"), {"x": b"2" * 2000})
    size = sum(artifact.size for artifact in Artifact.objects.all())
    assert rows("storage") == [
        ["files", "4", str(size - 2000), "2000"],
        ["other", "0", "0", "2000"],
        ["(shared by several, counted once)", "1", "2000", ""],
        ["(needed by nothing)", "0", "0", ""],
        ["(all that is stored)", "5", str(size), ""],
        ["(saved by storing once)", "", str(2100 + 6000 + 6001 + 2000 + size - 6101 - size), ""],
    ]


def test_where_the_bytes_of_one_are(repository: Repository) -> None:
    Repository.objects.update(keep_versions=2)
    found = rows("storage", "files")
    assert [row[0] for row in found] == ["3", "2", "1", "0"]
    assert found[2] == ["1", "2", "2100", "100", "goes", "not among the newest 2"]
    assert found[1][3:] == ["0", "stays", "among the newest 2"]


def test_an_unknown_repository_is_status_2(db: None) -> None:
    assert call("storage", "nothing")[0] == 2
