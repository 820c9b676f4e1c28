"""python bare_loop.py URL TARGET: the bare loop that Millrace is compared with, in the most ordinary way.

Reads URL's PULP_MANIFEST, then 16 threads, each with a plain requests.Session, fetch the files, hash and write them.
It records nothing, retries nothing, and its files are half written until they are whole.
"""

import argparse
import hashlib
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.trees import MANIFEST, Entry

BLOCK = 1 << 20


def entries_of(url: str) -> list[Entry]:
    answer = requests.get(url + MANIFEST, timeout=60)
    answer.raise_for_status()
    rows = (line.rsplit(",", 2) for line in answer.content.decode().splitlines())
    return [Entry(path, sha256, int(size)) for path, sha256, size in rows]


def fetch(session: requests.Session, url: str, entry: Entry, target: Path) -> bool:
    """Writes one file; false when its bytes are not those of the manifest."""
    digest = hashlib.sha256()
    with session.get(url + entry.path, stream=True, timeout=60) as answer, (target / entry.path).open("wb") as file:
        answer.raise_for_status()
        for block in answer.iter_content(BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest() == entry.sha256


def work(todo: "queue.SimpleQueue[Entry]", url: str, target: Path) -> int:
    """One thread: takes entries until there are none; returns how many were wrong."""
    wrong = 0
    with requests.Session() as session:
        while True:
            try:
                entry = todo.get_nowait()
            except queue.Empty:
                return wrong
            wrong += not fetch(session, url, entry, target)


def mirror(url: str, target: Path, threads: int) -> int:
    """Fetches everything that the manifest lists; returns how many files were wrong."""
    todo: queue.SimpleQueue[Entry] = queue.SimpleQueue()
    entries = entries_of(url)
    for folder in {(target / entry.path).parent for entry in entries}:
        folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        todo.put(entry)
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(work, todo, url, target) for _ in range(threads)]
    return sum(job.result() for job in jobs)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="of the folder that holds PULP_MANIFEST, with a slash at its end")
    parser.add_argument("target", type=Path)
    parser.add_argument("--threads", type=int, default=16)
    chosen = parser.parse_args()
    wrong = mirror(chosen.url, chosen.target, chosen.threads)
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
