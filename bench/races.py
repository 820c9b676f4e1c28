"""Many people at once at a real Millrace: do the rules hold?

python -m bench.races [--seconds 60] [--clients 20] [--seed 1] [--database postgres://postgres@127.0.0.1:5432/postgres]

Two of three clients are signed in and press whatever there is: they run, cancel, edit, pin, upload, verify, clean up,
make and delete (bench/deeds.py). Every third copies what is served, whole, and compares every byte with the list that
it began with. Meanwhile the upstreams move. Then all has to come to rest by itself, and bench/crowd.py looks at
everything. The seed decides who does what in which order; how they meet is up to the machine. If something is wrong it
ends with status 1, and leaves its folder to be looked at.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.core.management import call_command
from django.db import connections

from bench import machine
from bench.crash import database
from bench.victim import TooLong, Victim

if TYPE_CHECKING:
    from bench.crowd import Crowd

# How much of what is wrong is told.
SHOWN = 30


def main(words: list[str]) -> int:
    chosen = parse(words)
    # So that what was started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kind = "PostgreSQL" if chosen.database else "SQLite"
    print(f"{chosen.clients} clients for {chosen.seconds:g} seconds on {kind}, seed {chosen.seed}", flush=True)
    home = chosen.home or Path(tempfile.mkdtemp(prefix="millrace-races-"))
    with database(chosen.database) as url:
        crowd = prepared(home, url, chosen)
        try:
            wrong = crowd.gather()
        except TooLong as error:
            wrong = [*crowd.tally.wrong, str(error)]
        connections.close_all()
    print(table(crowd))
    for one in wrong[:SHOWN]:
        print(f"WRONG: {one}")
    print(json.dumps({"database": kind, "seed": chosen.seed, "machine": machine.processor()} | figures(crowd, wrong)))
    if wrong:
        print(f"{len(wrong)} things are wrong. All is left in {home}.", file=sys.stderr)
        return 1
    shutil.rmtree(home)
    return 0


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="of a PostgreSQL server; one is made there, and dropped after")
    parser.add_argument("--home", type=Path, help="where all of it lies; `data` in it may have been started before")
    return parser.parse_args(words)


def prepared(home: Path, url: str, chosen: argparse.Namespace) -> "Crowd":
    environment = {
        "MILLRACE_DATA": str(home / "data"),
        "DATABASE_URL": url,
        "MILLRACE_RESERVE_BYTES": "0",
        "MILLRACE_ADMIN_PASSWORD": "correct horse battery",
    }
    (home / "data").mkdir(exist_ok=True)
    os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "MILLRACE_LOG_LEVEL": "WARNING"}
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    from bench.crowd import Crowd

    return Crowd(home, Victim(home, environment), chosen.clients, chosen.seconds, chosen.seed)


def table(crowd: "Crowd") -> str:
    lines = [f"{'':22}{'requests':>9}{'median ms':>11}{'95th ms':>9}  answers"]
    for kind, statuses, middle, high in crowd.tally.rows():
        answers = ", ".join(f"{status}: {count:,}" for status, count in statuses.items())
        count = sum(statuses.values())
        lines.append(f"{kind:22}{count:>9,}{middle * 1000:>11,.0f}{high * 1000:>9,.0f}  {answers}")
    ended = ", ".join(f"{count:,} {state}" for state, count in crowd.jobs.most_common())
    copies = crowd.copies
    lines += [
        f"jobs: {ended}",
        f"edits, uploads, pins, repositories made or deleted that were acknowledged: {crowd.ledger.count:,}",
        f"sets copied whole: {copies.sets:,}; begun anew since they had moved: {copies.moved:,}; "
        f"files compared: {copies.files:,} ({copies.size / 1e6:,.0f} MB)",
    ]
    return "\n".join(lines)


def figures(crowd: "Crowd", wrong: list[str]) -> dict[str, Any]:
    statuses = sorted({status for _, status in crowd.tally.answers})
    answers = {
        status: sum(count for (_, one), count in crowd.tally.answers.items() if one == status) for status in statuses
    }
    copies = {name: getattr(crowd.copies, name) for name in ("sets", "moved", "files")}
    return {
        "clients": crowd.clients,
        "seconds": crowd.seconds,
        "requests": crowd.tally.answers.total(),
        "answers": answers,
        "jobs": dict(crowd.jobs),
        "acknowledged": crowd.ledger.count,
        "violations": len(wrong),
        **copies,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
