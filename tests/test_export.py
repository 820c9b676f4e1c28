import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repos import damage, export, pool
from repos.errors.refusals import Refused
from repos.faults import Fault
from repos.models import Artifact, Content, Repository
from tests import factories, nginx
from tests.running import until
from tests.serving import MANAGE, Millrace
from tests.terminal import call

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = {"a.txt": b"1", "d/b.txt": b"2", "d/e/c.txt": b"3"}


@pytest.fixture
def files() -> Repository:
    made = factories.repository(base_path="team/files")
    factories.serve(made, FIRST)
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "export"


def content(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.name != "PULP_MANIFEST"}


def trees(root: Path) -> list[str]:
    return [one.name for one in root.glob(".millrace/*/*-*")]


def test_it_works(files: Repository, root: Path) -> None:
    done = export.export("team/files", root)
    assert done
    assert (done.put, done.copied, done.removed) == (4, 0, 0)
    assert content(root / "team/files") == FIRST
    assert (root / "team/files/PULP_MANIFEST").read_bytes() == pool.path(
        factories.the_metadata(files).sha256
    ).read_bytes()


def test_files_are_those_of_the_pool_and_nobody_can_write_to_them(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    file = root / "team/files/a.txt"
    kept = pool.path(Artifact.objects.get(content__path="a.txt").sha256)
    assert file.samefile(kept)
    assert file.stat().st_mode & 0o777 == 0o444


def test_unchanged_is_not_touched(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    before = trees(root)
    assert export.export("team/files", root) is None
    assert trees(root) == before


def test_cost_follows_the_change(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    factories.serve(files, {"a.txt": b"10"})
    done = export.export("team/files", root)
    # The second tree is whole; from the third on, the tree before the last is changed.
    assert done
    assert done.put == 4
    factories.serve(files, {"a.txt": b"100", "d/b.txt": None, "n": b"new"})
    done = export.export("team/files", root)
    assert done
    assert (done.put, done.removed) == (3, 3)
    assert content(root / "team/files") == {"a.txt": b"100", "d/e/c.txt": b"3", "n": b"new"}
    assert len(trees(root)) == 2


CHANGES: list[dict[str, bytes | None]] = [
    {"d": b"a file where a folder was", "d/b.txt": None, "d/e/c.txt": None},
    {"d": None, "d/b.txt": b"a folder again"},
    {"PULP_MANIFEST": b"covered by ours"},
    {"PULP_MANIFEST": None, "a.txt": b"2"},
    {"a.txt": None, "d/b.txt": None},
    {"x/y/z": b"", "x/y/w": b""},
]


def test_every_tree_is_what_is_served(files: Repository, root: Path) -> None:
    made = [factories.serve(files, change) for change in [{}, *CHANGES]]
    whole = root / "anew"
    for publication in [*made, *reversed(made), made[1], made[6], made[0], made[3]]:
        factories.switch(files.distributions.get(), publication)
        export.export("team/files", root / "changed")
        export.export("team/files", whole, anew=True)
        rows = Content.objects.of(publication.version).exclude(path="PULP_MANIFEST")
        assert set(content(root / "changed/team/files")) == set(rows.values_list("path", flat=True))
        assert content(root / "changed/team/files") == content(whole / "team/files")
        manifests = [(one / "team/files/PULP_MANIFEST").read_bytes() for one in (root / "changed", whole)]
        assert manifests[0] == manifests[1]


def test_rolling_back_is_a_switch_of_the_link(files: Repository, root: Path) -> None:
    before = files.distributions.get().publication
    export.export("team/files", root)
    factories.serve(files, {"a.txt": b"10"})
    export.export("team/files", root)
    factories.switch(files.distributions.get(), before)
    done = export.export("team/files", root)
    assert done
    assert (done.put, done.removed) == (0, 0)
    assert content(root / "team/files") == FIRST


def test_a_reader_finds_the_file_at_every_moment(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    stopping, seen = threading.Event(), set()

    def read() -> None:
        while not stopping.is_set():
            seen.add((root / "team/files/a.txt").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(10):
        factories.serve(files, {"a.txt": b"%d" % number})
        export.export("team/files", root)
    stopping.set()
    reader.join()
    assert seen <= {b"%d" % number for number in range(10)}
    assert len(seen) > 1


def test_what_was_cut_short_is_thrown_away(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    making = next(root.glob(".millrace/*/")) / "making"
    making.mkdir()
    (making / "half").write_bytes(b"")
    factories.serve(files, {"a.txt": b"10"})
    export.export("team/files", root)
    assert content(root / "team/files") == FIRST | {"a.txt": b"10"}


def test_tree_of_a_version_that_is_gone_is_not_built_on(files: Repository, root: Path) -> None:
    gone = files.distributions.get().publication
    export.export("team/files", root)
    factories.serve(files, {"a.txt": b"10"})
    export.export("team/files", root)
    newest = factories.serve(files, {"a.txt": b"100"})
    assert gone
    gone.delete()
    done = export.export("team/files", root)
    assert done
    assert (done.publication, done.put) == (newest, 4)
    assert content(root / "team/files") == FIRST | {"a.txt": b"100"}


# ---- where linking is not possible -------------------------------------------------------------------------


def no_links(number: int) -> Callable[..., None]:
    def fail(source: str, target: str, **_: Any) -> None:
        if not Path(target).parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no folder", target)
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_files_are_copied_where_they_cannot_be_linked(
    files: Repository, root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    factories.serve(files, {"long": b"x" * 3_000_000, "empty": b""})
    monkeypatch.setattr(os, "link", no_links(number))
    done = export.export("team/files", root)
    assert done
    assert done.copied == done.put == 6
    assert content(root / "team/files") == FIRST | {"long": b"x" * 3_000_000, "empty": b""}
    assert (root / "team/files/long").stat().st_nlink == 1


# ---- what is refused ---------------------------------------------------------------------------------------


def test_damaged_files_are_not_exported(files: Repository, root: Path) -> None:
    export.export("team/files", root)
    factories.serve(files, {"a.txt": b"10"})
    damage.note(Artifact.objects.get(content__path="d/b.txt").pk, Fault("digest", "is wrong"))
    with pytest.raises(Refused, match=r"d/b\.txt”.* is damaged"):
        export.export("team/files", root)
    assert content(root / "team/files") == FIRST


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"longer"), lambda file: link(file)])
def test_what_the_pool_lacks_is_not_exported(files: Repository, root: Path, spoil: Callable[[Path], object]) -> None:
    spoil(pool.path(Artifact.objects.get(content__path="d/b.txt").sha256))
    with pytest.raises(Refused, match=r"d/b\.txt"):
        export.export("team/files", root)
    assert not (root / "team/files").exists()


def link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def test_protected_is_exported_only_when_that_is_meant(files: Repository, root: Path) -> None:
    files.distributions.update(protected=True)
    with pytest.raises(Refused, match="protected"):
        export.export("team/files", root)
    assert export.export("team/files", root, protected=True)


def test_nothing_published_is_refused(root: Path) -> None:
    factories.repository()
    with pytest.raises(Refused, match="Nothing is published"):
        export.export("files", root)
    with pytest.raises(Refused, match="no distribution"):
        export.export("other", root)


@pytest.mark.parametrize("place", ["team", "team/files"])
def test_what_others_have_put_there_stays(files: Repository, root: Path, place: str) -> None:
    (root / place).parent.mkdir(parents=True)
    (root / place).write_bytes(b"mine")
    with pytest.raises(Refused):
        export.export("team/files", root)
    assert (root / place).read_bytes() == b"mine"


def test_no_link_is_followed_out_of_the_export(files: Repository, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root.mkdir()
    (root / "team").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="in the way"):
        export.export("team/files", root)
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ---- all of it ---------------------------------------------------------------------------------------------


def test_all_that_is_open_is_exported(files: Repository, root: Path) -> None:
    hidden, empty = factories.repository("hidden", "hidden"), factories.repository("empty", "empty")
    factories.serve(hidden, {"secret": b"1"})
    hidden.distributions.update(protected=True)
    assert [str(one) for one, _ in export.export_all(root)] == ["team/files"]
    assert sorted(one.name for one in root.iterdir()) == [".millrace", "team"]
    assert empty.distributions.get().publication is None


def test_what_is_closed_moved_or_deleted_is_taken_away(files: Repository, root: Path) -> None:
    list(export.export_all(root))
    files.distributions.update(base_path="team")
    list(export.export_all(root))
    assert content(root / "team") == FIRST
    files.distributions.update(base_path="team/other/place")
    list(export.export_all(root))
    assert content(root / "team/other/place") == FIRST
    files.distributions.update(protected=True)
    list(export.export_all(root))
    assert [one.name for one in root.iterdir()] == [".millrace"]
    assert trees(root) == []


def test_one_that_is_refused_does_not_stop_the_others(files: Repository, root: Path) -> None:
    factories.serve(factories.repository("other", "other"), {"x": b"x"})
    pool.path(Artifact.objects.get(content__path="a.txt").sha256).unlink()
    done = {str(one): what for one, what in export.export_all(root)}
    assert isinstance(done["team/files"], Refused)
    assert content(root / "other") == {"x": b"x"}


# ---- from a terminal ---------------------------------------------------------------------------------------


def test_command_says_what_it_did(files: Repository, root: Path) -> None:
    assert call("export", str(root)) == (0, "team/files: files version 1, 4 files put, 0 taken away\n")
    assert call("export", str(root), "team/files") == (0, "team/files: nothing changed\n")
    assert call("export", str(root), "nothing")[0] == 2
    assert call("export", str(root), "team/files", "--watch")[0] == 2
    pool.path(Artifact.objects.get(content__path="a.txt").sha256).unlink()
    status, said = call("export", str(root), "--anew")
    assert (status, "“a.txt” cannot be exported: No such file" in said) == (1, True)


@pytest.mark.server
def test_watch_exports_each_switch(millrace: Millrace, tmp_path: Path) -> None:
    source = tmp_path / "file"
    root = tmp_path / "export"
    millrace.manage("repository", "create", "hand", "--base-path", "hand")
    with subprocess.Popen(
        [*MANAGE, "export", str(root), "--watch"], env=millrace.env(), stdout=subprocess.DEVNULL
    ) as process:
        try:
            for data in ("one", "two"):
                source.write_text(data)
                done = millrace.manage("upload", "hand", str(source), "--replace")
                assert done.returncode == 0, done.stdout + done.stderr
                until(
                    lambda data=data: (root / "hand/file").exists() and (root / "hand/file").read_text() == data,  # type: ignore[misc]
                    "the switch is exported",
                )
        finally:
            process.terminate()


# ---- served by others --------------------------------------------------------------------------------------


@pytest.mark.tools
@nginx.needs_nginx
def test_nginx_serves_it_as_documented(files: Repository, root: Path, tmp_path: Path) -> None:
    import requests

    export.export("team/files", root)
    port = nginx.free_port()
    sites = nginx.without_tls(nginx.documented("export.md"), port).replace("/srv/mirror", str(root))
    with nginx.running(tmp_path / "nginx", sites, port):
        url = f"http://127.0.0.1:{port}"
        found = requests.get(f"{url}/content/team/files/d/b.txt", timeout=10)
        assert (found.content, found.headers["X-Content-Type-Options"]) == (b"2", "nosniff")
        assert found.headers["Content-Security-Policy"].startswith("sandbox")
        assert "d/" in requests.get(f"{url}/content/team/files/", timeout=10).text
        assert requests.get(f"{url}/content/.millrace/", timeout=10).status_code == 404
