"""Secrets in files of their own."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repos.keyfile import load_or_make


def test_it_works(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path / "secrets" / "key")
    assert len(secret) >= 64
    assert load_or_make(tmp_path / "secrets" / "key") == secret == (tmp_path / "secrets" / "key").read_text()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_make(tmp_path / "secrets" / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secrets" / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_two_files_have_two_secrets(tmp_path: Path) -> None:
    assert load_or_make(tmp_path / "one") != load_or_make(tmp_path / "other")


def test_a_secret_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("given by the operator")
    assert load_or_make(tmp_path / "key") == "given by the operator"


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    (folder := tmp_path / "secrets").mkdir()
    load_or_make(folder / "key")
    assert [file.name for file in folder.iterdir()] == ["key"]


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    keys = [tmp_path / f"{number}" / "key" for number in range(50)]
    barrier = threading.Barrier(4)

    def load() -> list[str]:
        secrets = []
        for key in keys:
            barrier.wait(10)
            secrets.append(load_or_make(key))
        return secrets

    with ThreadPoolExecutor(4) as threads:
        loaded = [future.result() for future in [threads.submit(load) for _ in range(4)]]
    assert loaded == [[key.read_text() for key in keys]] * 4
    assert [list(key.parent.iterdir()) for key in keys] == [[key] for key in keys]
