"""What the name of a mirrored file says about its bytes. Pure: the same on every machine."""

from mimetypes import MimeTypes

UNKNOWN = "application/octet-stream"

# Python's own table (an instance of MimeTypes reads no files of the machine), and what mirrors are full of. A
# compressed file is what it is: gzip, and not, as Python has it, a tar archive that was encoded for the way.
_BY_SUFFIX = MimeTypes().types_map[True] | {
    ".7z": "application/x-7z-compressed",
    ".apk": "application/vnd.android.package-archive",
    ".asc": "text/plain",
    ".br": UNKNOWN,
    ".bz2": "application/x-bzip2",
    ".cab": "application/vnd.ms-cab-compressed",
    ".conf": "text/plain",
    ".crate": "application/gzip",
    ".deb": "application/vnd.debian.binary-package",
    ".dmg": "application/x-apple-diskimage",
    ".gem": "application/x-tar",
    ".gz": "application/gzip",
    ".img": UNKNOWN,
    ".iso": "application/x-iso9660-image",
    ".jar": "application/java-archive",
    ".log": "text/plain",
    ".lz": "application/x-lzip",
    ".lz4": "application/x-lz4",
    ".lzma": "application/x-lzma",
    ".md": "text/markdown",
    ".md5": "text/plain",
    ".msi": "application/x-msi",
    ".parquet": "application/vnd.apache.parquet",
    ".rar": "application/vnd.rar",
    ".rpm": "application/x-rpm",
    ".rst": "text/x-rst",
    ".sha1": "text/plain",
    ".sha256": "text/plain",
    ".sha512": "text/plain",
    ".sig": "application/pgp-signature",
    ".tbz": "application/x-bzip2",
    ".tbz2": "application/x-bzip2",
    ".tgz": "application/gzip",
    ".toml": "application/toml",
    ".txz": "application/x-xz",
    ".whl": "application/zip",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".z": "application/x-compress",
    ".zck": "application/x-zchunk",
    ".zst": "application/zstd",
}
# Files without a suffix that people read.
_BY_NAME = dict.fromkeys(["CHANGELOG", "CHECKSUM", "COPYING", "LICENSE", "MD5SUMS", "NOTICE", "README"], "text/plain")
_BY_NAME |= dict.fromkeys(["SHA1SUMS", "SHA256SUMS", "SHA512SUMS"], "text/plain")


def of(path: str, *, is_metadata: bool = False) -> str:
    """The Content-Type of the file at `path`.

    Nobody knows the charset of mirrored text, so none is named; metadata is text in UTF-8, as we wrote it.
    """
    name = path.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    known = _BY_SUFFIX.get(f".{suffix.lower()}") if stem else _BY_NAME.get(name)
    kind = known or ("text/plain" if is_metadata else UNKNOWN)
    return f"{kind}; charset=utf-8" if is_metadata and kind.startswith("text/") else kind
