"""`manage.py verify`."""

import json
from argparse import ArgumentTypeError

import pytest

from repos.management.arguments import rate
from repos.models import Job, Repository
from tests import decay, factories
from tests.terminal import call

pytestmark = pytest.mark.any_database
A, B = b"one", b"the second"


@pytest.fixture
def files(transactional_db: None, bell: list[int]) -> Repository:
    made = factories.repository()
    factories.serve(made, {"a": A, "b": B})
    factories.version(made, {"b": None})
    return made


def test_it_works(files: Repository) -> None:
    status, said = call("verify")
    assert status == 0
    assert "all whole." in said


def test_damage_that_is_left_is_told_and_is_status_1(files: Repository) -> None:
    decay.flip(A)
    status, said = call("verify", "files")
    assert status == 1
    assert "  a: its sha256 is" in said
    assert "1 file is damaged here and not served until it is whole again." in said
    assert "tries" not in said


def test_a_version_is_looked_at_alone(files: Repository) -> None:
    decay.delete(B)
    assert call("verify", "files", "--version", "2")[0] == 0
    assert call("verify", "files", "--version", "1")[0] == 1


def test_what_is_asked_for_is_in_the_job(files: Repository) -> None:
    call("verify", "--repair", "--rate", "50MB")
    job = Job.objects.get()
    assert (job.repository, job.may_repair, job.rate) == (None, True, 50_000_000)


def test_programs_get_json(files: Repository) -> None:
    decay.delete(A)
    status, said = call("verify", "--json")
    found = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert (status, found["state"], found["files"]) == (1, "failed", 3)
    (damaged,) = found["damaged"]
    assert (damaged["path"], damaged["sha256"], damaged["cause"]) == ("a", decay.artifact(A).sha256, "missing")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nothing"], "no repository called “nothing”"),
        (["files", "--version", "7"], "has no version 7 any more, or never had"),
        (["--version", "1"], "Name the repository whose version it is."),
    ],
)
def test_what_is_not_there_is_status_2(files: Repository, arguments: list[str], why: str) -> None:
    status, said = call("verify", *arguments)
    assert status == 2
    assert why in said


@pytest.mark.parametrize(
    ("text", "value"),
    [("50MB", 50_000_000), ("1.5 GB/s", 1_500_000_000), ("250k", 250_000), ("0", 0), ("1000000", 1_000_000)],
)
def test_a_rate_is_written_as_people_write_it(text: str, value: int) -> None:
    assert rate(text) == value


@pytest.mark.parametrize("text", ["", "fast", "-1", "1 XB", "1,5MB", "٣MB", "9" * 30])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="bytes a second"):
        rate(text)
