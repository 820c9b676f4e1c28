"""Makes trees of files with a PULP_MANIFEST, the same ones on every machine, and changes a share of them.

python bench/trees.py small DIR --count 10000 --size 1024
python bench/trees.py big DIR --count 20 --size 104857600
python bench/trees.py change DIR --share 0.01
"""

import argparse
import hashlib
import os
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MANIFEST = "PULP_MANIFEST"
FOLDER = 1000  # files in a folder, at most
BLOCK = 1 << 20
MEBIBYTE = 1 << 20


class Entry(NamedTuple):
    path: str
    sha256: str
    size: int


def small(root: Path, count: int = 10_000, size: int = 1024) -> list[Entry]:
    """Makes `count` files of `size` bytes under `root`, in nested folders of at most 1000."""
    paths = (f"set-{n // (10 * FOLDER):02d}/{n // FOLDER % 10}/file-{n:07d}.bin" for n in range(count))
    return make(root, paths, size)


def big(root: Path, count: int = 20, size: int = 100 * MEBIBYTE) -> list[Entry]:
    """Makes `count` files of `size` bytes under `root`, in one folder."""
    return make(root, (f"images/disk-{n:03d}.img" for n in range(count)), size)


def make(root: Path, paths: Iterable[str], size: int) -> list[Entry]:
    """Writes the files and their manifest; returns the manifest's entries."""
    entries = [write(root, path, size, seed=path) for path in paths]
    write_manifest(root, entries)
    return entries


def change(root: Path, share: float = 0.01) -> list[Entry]:
    """Gives that share of the files, evenly spread, new bytes of the same size; returns all entries.

    The new bytes are derived from the old digest: every call changes the files, and always in the same way.
    """
    entries = read_manifest(root)
    wanted = max(1, round(len(entries) * share)) if entries else 0
    for n in range(wanted):
        place = n * len(entries) // wanted
        old = entries[place]
        entries[place] = write(root, old.path, old.size, seed=old.sha256)
    write_manifest(root, entries)
    return entries


def write(root: Path, path: str, size: int, seed: str) -> Entry:
    """Writes one file, hashing on the way."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with file.open("wb") as stream:
        for block in noise(size, seed):
            digest.update(block)
            stream.write(block)
    return Entry(path, digest.hexdigest(), size)


def noise(size: int, seed: str) -> Iterator[bytes]:
    """`size` bytes that look random and follow from the seed alone, in blocks."""
    source = random.Random(seed)
    for start in range(0, size, BLOCK):
        yield source.randbytes(min(BLOCK, size - start))


def read_manifest(root: Path) -> list[Entry]:
    lines = (root / MANIFEST).read_text().splitlines()
    rows = (line.rsplit(",", 2) for line in lines)
    return [Entry(path, sha256, int(size)) for path, sha256, size in rows]


def write_manifest(root: Path, entries: Iterable[Entry]) -> None:
    """Writes the manifest with a time of its own.

    nginx makes its ETag of whole seconds and the size, and both stay the same when a tree is changed twice in a
    second: such a change would be answered by 304.
    """
    file = root / MANIFEST
    before = int(file.stat().st_mtime) if file.exists() else 0
    file.write_text("".join(f"{entry.path},{entry.sha256},{entry.size}\n" for entry in entries))
    if int(file.stat().st_mtime) <= before:
        os.utime(file, (before + 1, before + 1))


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, count, size in (("small", 10_000, 1024), ("big", 20, 100 * MEBIBYTE)):
        one = verbs.add_parser(verb)
        one.add_argument("root", type=Path)
        one.add_argument("--count", type=int, default=count)
        one.add_argument("--size", type=int, default=size, help="bytes")
    one = verbs.add_parser("change")
    one.add_argument("root", type=Path)
    one.add_argument("--share", type=float, default=0.01)
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    chosen = parse(words)
    if chosen.verb == "change":
        entries = change(chosen.root, chosen.share)
    else:
        entries = {"small": small, "big": big}[chosen.verb](chosen.root, chosen.count, chosen.size)
    print(f"{len(entries)} files, {sum(entry.size for entry in entries)} bytes in {chosen.root}")


if __name__ == "__main__":
    main(sys.argv[1:])
