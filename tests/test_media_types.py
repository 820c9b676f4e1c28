import mimetypes

import pytest

from dashboard import media_types


def test_it_works() -> None:
    assert media_types.of("a/b.json") == "application/json"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.svg.gz", "application/gzip"),
        ("a.html.br", "application/octet-stream"),
        ("a.tar.xz", "application/x-xz"),
        ("a.tar.zst", "application/zstd"),
        ("a.tar.bz2", "application/x-bzip2"),
    ],
)
def test_compressed_file_is_what_it_is_and_not_what_is_in_it(name: str, kind: str) -> None:
    assert media_types.of(name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.whl", "application/zip"),
        ("a.iso", "application/x-iso9660-image"),
        ("a.deb", "application/vnd.debian.binary-package"),
        ("a.rpm", "application/x-rpm"),
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
        ("a.txt", "text/plain"),
        ("a.sha256", "text/plain"),
        ("d.txt/README", "text/plain"),
    ],
)
def test_type_follows_the_name(name: str, kind: str) -> None:
    assert media_types.of(name) == kind


def test_case_of_the_suffix_does_not_matter() -> None:
    assert media_types.of("A.ZIP") == "application/zip"


@pytest.mark.parametrize("name", [".gz", "gz", "a.", "a.unheard-of", "data:text/html", "a.gz/b", "a?.html#", ""])
def test_unknown_type_is_bytes(name: str) -> None:
    assert media_types.of(name) == "application/octet-stream"


def test_charset_is_named_only_for_what_we_wrote() -> None:
    assert media_types.of("PULP_MANIFEST", is_metadata=True) == "text/plain; charset=utf-8"
    assert media_types.of("list.csv", is_metadata=True) == "text/csv; charset=utf-8"
    assert media_types.of("list.csv") == "text/csv"
    assert media_types.of("list.json", is_metadata=True) == "application/json"


def test_types_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    mimetypes.init()
    mimetypes.add_type("text/x-of-this-machine", ".unheard-of")
    try:
        assert ".unheard-of" not in mimetypes.MimeTypes().types_map[True]
    finally:
        mimetypes.init()
