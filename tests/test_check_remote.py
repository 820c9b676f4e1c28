"""`manage.py check_remote`: what it writes, and how it ends."""

import pytest

from repos import remotes
from tests.misbehaviour import Status
from tests.terminal import call
from tests.upstream import MANIFEST, Upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    upstream.write("a", b"1")
    upstream.write("b c", b"22")
    return upstream


def test_it_works(stocked: Upstream) -> None:
    remotes.make(name="files", url=stocked.url, username="ada", password="hush")
    status, said = call("check_remote", "files")
    assert status == 0
    assert said.splitlines()[0] == stocked.manifest_url
    assert "The list has 2 files with 3 B in all. The list itself has" in said
    assert "\n  a\n  b c\na is there, and is what the list says.\n" in said


def test_an_address_is_checked_without_a_remote(stocked: Upstream) -> None:
    assert call("check_remote", stocked.url)[0] == 0


def test_trouble_is_status_1_and_tells_no_secret(stocked: Upstream) -> None:
    remotes.make(name="files", url=stocked.url, username="ada", password="hush")
    stocked.fail(MANIFEST, Status(401))
    status, said = call("check_remote", "files")
    assert status == 1
    assert "(401)" in said
    assert "hush" not in said


@pytest.mark.parametrize(
    ("remote", "answer"),
    [
        ("nothing", "There is no remote called “nothing”."),
        ("ftp://example.org/", "must begin with http:// or https://"),
        ("https://ada:hush@example.org/", "has a user name or a password in it"),
    ],
)
def test_bad_arguments_are_status_2(remote: str, answer: str) -> None:
    status, said = call("check_remote", remote)
    assert status == 2
    assert answer in said
    assert "hush" not in said
