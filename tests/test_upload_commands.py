"""upload, remove and restore from a terminal."""

import os
from pathlib import Path

import pytest

from repos import pool
from repos.models import Artifact, Job, Repository
from tests import factories
from tests.running import files, served
from tests.terminal import call, rows


@pytest.fixture(autouse=True)
def repository(transactional_db: None, bell: list[int]) -> Repository:
    return factories.repository()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `dist` with `a`, `sub/b` and an empty folder."""
    made = tmp_path / "dist"
    (made / "sub").mkdir(parents=True)
    (made / "empty").mkdir()
    (made / "a").write_bytes(b"1")
    (made / "sub" / "b").write_bytes(b"2")
    return made


def test_it_works(folder: Path) -> None:
    status, said = call("upload", "files", str(folder / "a"), str(folder), "--into", "/new/")
    assert status == 0, said
    assert "Storing 3 files." in said
    assert "version 1, now served at /content/files/." in said
    assert served("files") == {"new/a": b"1", "new/dist/a": b"1", "new/dist/sub/b": b"2"}
    status, said = call("remove", "files", "new/a", "new/dist/a")
    assert status == 0, said
    assert served("files") == {"new/dist/sub/b": b"2"}
    status, said = call("restore", "files", "1")
    assert status == 0, said
    assert "version 3, now served" in said
    assert served("files") == {"new/a": b"1", "new/dist/a": b"1", "new/dist/sub/b": b"2"}


def test_with_a_slash_a_folder_is_what_is_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("upload", "files", f"{folder}/")[0] == 0
    assert served("files") == {"a": b"1", "sub/b": b"2"}
    monkeypatch.chdir(folder)
    assert call("upload", "files", ".", "--into", "dot")[0] == 0
    assert call("upload", "files", "sub", "--into", "named")[0] == 0
    assert served("files") == {"a": b"1", "sub/b": b"2", "dot/a": b"1", "dot/sub/b": b"2", "named/sub/b": b"2"}


@pytest.mark.parametrize(
    ("option", "actions"),
    [("--only-change", ["modify"]), ("--only-modify", ["modify"]), ("--no-distribute", ["modify", "publish"])],
)
def test_it_does_less_when_asked(repository: Repository, folder: Path, option: str, actions: list[str]) -> None:
    assert call("upload", "files", f"{folder}/", option)[0] == 0
    assert Job.objects.get().actions == actions
    assert served("files") is None
    assert files(repository.latest_version()) == {"a": b"1", "sub/b": b"2"}


def test_it_is_called_a_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call("upload", "files", f"{folder}/")[1]
    assert "change     Recording the new files" in said
    with pytest.raises(SystemExit):
        call("upload", "--help")
    assert "modify" not in said + capsys.readouterr().out
    assert rows("job", "list")[0][2] == "change publish distribute"


def test_what_is_there_is_replaced_only_when_asked(folder: Path) -> None:
    call("upload", "files", f"{folder}/")
    (folder / "a").write_bytes(b"other")
    status, said = call("upload", "files", f"{folder}/")
    assert status == 2
    assert "“a” is there already, with other bytes" in said
    assert call("upload", "files", f"{folder}/", "--replace")[0] == 0
    assert served("files") == {"a": b"other", "sub/b": b"2"}


def test_nothing_new_is_no_failure(folder: Path) -> None:
    call("upload", "files", f"{folder}/")
    status, said = call("upload", "files", f"{folder}/")
    assert status == 0
    assert "All of this is in version 1 already" in said
    assert call("restore", "files", "1")[0] == 0
    assert Job.objects.count() == 1


def test_what_is_stored_is_a_copy(folder: Path) -> None:
    call("upload", "files", str(folder / "a"))
    (folder / "a").write_bytes(b"X")
    sha256 = Artifact.objects.get(size=1).sha256
    assert pool.path(sha256).read_bytes() == b"1"
    assert pool.path(sha256).stat().st_nlink == 1


def test_links_are_followed_within_their_folder_only(folder: Path, tmp_path: Path) -> None:
    (folder / "within").symlink_to("sub/b")
    assert call("upload", "files", f"{folder}/")[0] == 0
    assert served("files") == {"a": b"1", "sub/b": b"2", "within": b"2"}
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    (folder / "out").symlink_to(secret)
    status, said = call("upload", "files", f"{folder}/")
    assert status == 2
    assert "it is a link that leads out" in said
    assert not Artifact.objects.filter(size=len(b"not yours")).exists()


def test_a_link_that_is_named_itself_is_meant(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder / "a")
    assert call("upload", "files", str(tmp_path / "latest"))[0] == 0
    assert served("files") == {"latest": b"1"}


@pytest.mark.parametrize("what", ["broken", "folder", "pipe"])
def test_what_is_no_file_is_refused(folder: Path, what: str) -> None:
    odd = folder / "odd"
    if what == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("nowhere" if what == "broken" else "sub")
    status, said = call("upload", "files", f"{folder}/")
    assert status == 2
    assert "odd'" in said
    assert "is a link to a folder or to nothing, or no file" in said
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upload", "nothing", "{folder}/a"], "There is no repository called “nothing” in"),
        (["upload", "files", "{folder}/gone"], "it does not exist"),
        (["upload", "files", "{folder}/empty"], "There is no file in what was named."),
        (["upload", "files", "{folder}/a", "{folder}/"], "“a” is named twice"),
        (["upload", "files", "{folder}/a", "--into", "up/../.."], "has an empty part"),
        (["remove", "files", "gone"], "“gone” is not in version 0"),
        (["restore", "files", "7"], "has no version 7"),
    ],
)
def test_bad_arguments_are_status_2_and_change_nothing(
    repository: Repository, folder: Path, data: Path, arguments: list[str], said: str
) -> None:
    status, text = call(*(one.format(folder=folder) for one in arguments))
    assert status == 2
    assert said in text
    assert not Job.objects.exists()
    assert not Artifact.objects.exists()
    assert not (data / "arrivals").exists()


def test_a_mirror_is_refused_before_anything_is_read(repository: Repository, folder: Path) -> None:
    Repository.objects.update(mirror=True)
    status, said = call("upload", "files", f"{folder}/")
    assert status == 2
    assert "is a mirror" in said
    assert not Artifact.objects.exists()


def test_a_name_that_is_no_text_is_refused(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_bytes(b"x")
    status, said = call("upload", "files", f"{folder}/")
    assert status == 2
    assert "is not valid Unicode" in said
