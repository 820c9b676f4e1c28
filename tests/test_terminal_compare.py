"""Two versions compared in a terminal."""

import json
from io import StringIO

import pytest

from repos.models import Repository
from tests import factories, terminal
from tests.terminal import Terminal

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def repository() -> Repository:
    """With three versions, of which the last has what the first has."""
    made = factories.repository()
    factories.version(made, {"gone": b"12", "other": b"123"})
    factories.version(made, {"gone": None, "other": b"1234", "new": b"1" * 1500})
    factories.version(made, {"gone": b"12", "other": b"123", "new": None})
    return made


def call(*arguments: str, out: StringIO | None = None) -> tuple[int, str]:
    """As terminal.call: the command ends with a status though nothing is wrong."""
    out = out or StringIO()
    try:
        return terminal.call(*arguments, out=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()


def test_it_works(repository: Repository) -> None:
    status, said = call("compare", "files", "1", "2", out=Terminal())
    assert status == 1
    assert said.splitlines() == [
        "- gone  2 B",
        "+ new  1.5 kB",
        "~ other  3 B → 4 B",
        "From version 1 to 2: 1 added, 1 removed, 1 changed; 1.5 kB come, 5 B go.",
    ]


@pytest.mark.parametrize(("versions", "status"), [(("1", "2"), 1), (("2", "1"), 1), (("1", "3"), 0), (("2", "2"), 0)])
def test_the_status_is_that_of_diff(repository: Repository, versions: tuple[str, str], status: int) -> None:
    assert call("compare", "files", *versions)[0] == status


def test_what_is_not_there_is_an_error(repository: Repository) -> None:
    assert call("compare", "files", "1", "9") == (2, "“files” has no version 9 any more, or never had.")
    assert call("compare", "nothing", "1", "2")[0] == 2


def test_a_pipe_gets_cells(repository: Repository) -> None:
    cells = [line.split("\t") for line in call("compare", "files", "1", "2")[1].splitlines()]
    found = [[mark, path, old, new] for mark, path, _, old, _, new in cells]
    assert found == [["-", "gone", "2", ""], ["+", "new", "", "1500"], ["~", "other", "3", "4"]]


def test_a_program_gets_one_object(repository: Repository) -> None:
    told = json.loads(call("compare", "files", "1", "2", "--json", "--limit", "1")[1])
    assert (told["repository"], told["from"], told["to"]) == ("files", 1, 2)
    assert (told["added"], told["bytes_in"], told["bytes_out"]) == (1, 1504, 5)
    (first,) = told["files"]
    assert (first["kind"], first["path"], first["old"]["size"], first["new"]) == ("removed", "gone", 2, None)


def test_same_versions_say_so(repository: Repository) -> None:
    assert call("compare", "files", "1", "3", out=Terminal()) == (0, "Versions 1 and 3 have the same files.\n")
