"""Kills a real Millrace again and again, at random moments of its jobs, and looks at what is left each time.

python -m bench.crash [--rounds 20] [--seed 1] [--database postgres://postgres@127.0.0.1:5432/postgres]

Each round changes two upstreams, asks for a job for each, and kills the worker, the web server or both (kill -9), or
stops the worker until another has its job. Then all has to come right by itself: see bench/evidence.py. A round takes
about four seconds. The seed decides what is done; how far a job is by then is up to the machine. At the first round
after which something is wrong it ends with status 1, leaves its folder to be looked at, and says how to repeat it.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import psycopg
from django.core.management import call_command

from bench import machine
from bench.victim import TooLong, Victim

if TYPE_CHECKING:
    from bench.siege import Figures, Siege

# Seconds of silence after which a job is taken from its worker; short, for the loop's sake.
SILENCE = "2"
# How much of what is wrong is told.
SHOWN = 12


def main(words: list[str]) -> int:
    chosen = parse(words)
    # So that what was started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kind = "PostgreSQL" if chosen.database else "SQLite"
    minutes = chosen.rounds * 4 // 60 + 1
    print(f"{chosen.rounds} rounds on {kind}, seed {chosen.seed}: about {minutes} minutes", flush=True)
    home = Path(tempfile.mkdtemp(prefix="millrace-crash-"))
    with database(chosen.database) as url:
        figures = besiege(home, url, chosen)
    print(table(figures))
    print(json.dumps({"database": kind, "seed": chosen.seed, "machine": machine.processor()} | plain(figures)))
    if not figures.wrong:
        shutil.rmtree(home)
        return 0
    database_option = f" --database {chosen.database}" if chosen.database else ""
    repeat = f"--seed {chosen.seed} --rounds {figures.rounds - 1}{' --in-turn' * chosen.in_turn}{database_option}"
    print(f"All is left in {home}. To repeat it: python -m bench.crash {repeat}", file=sys.stderr)
    return 1


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="of a PostgreSQL server; one is made there, and dropped after")
    parser.add_argument("--in-turn", action="store_true", help="kill in each way once, and so on")
    return parser.parse_args(words)


@contextlib.contextmanager
def database(server: str) -> Iterator[str]:
    """The URL of a database of our own at `server` while the block runs; none for SQLite."""
    if not server:
        yield ""
        return
    name = f"millrace_crash_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def besiege(home: Path, url: str, chosen: argparse.Namespace) -> "Figures":
    environment = {
        "MILLRACE_DATA": str(home / "data"),
        "DATABASE_URL": url,
        "MILLRACE_SILENCE_SECONDS": SILENCE,
        "MILLRACE_RESERVE_BYTES": "0",
        "MILLRACE_ADMIN_PASSWORD": "correct horse battery",
        "TMPDIR": str(home / "tmp"),
    }
    for folder in ("data", "tmp"):
        (home / folder).mkdir()
    os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "MILLRACE_LOG_LEVEL": "WARNING"}
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    from bench.siege import Siege

    with Siege(
        home, Victim(home, environment | {"MILLRACE_LOG_LEVEL": "INFO"}), chosen.seed, in_turn=chosen.in_turn
    ) as siege:
        for number in range(1, chosen.rounds + 1):
            if not one_round(siege, number):
                break
        return siege.figures


def one_round(siege: "Siege", number: int) -> bool:
    """Whether all is right after it."""
    started, before = time.monotonic(), siege.figures.kills.copy()
    try:
        wrong = siege.round()
    except TooLong as error:
        wrong = [str(error)]
        siege.figures.wrong += wrong
    struck = ", ".join(f"{kind} at {stage}" for kind, stage in (siege.figures.kills - before).elements())
    print(f"round {number:3}  {time.monotonic() - started:5.1f} s  {struck}", flush=True)
    for one in wrong[:SHOWN]:
        print(f"    WRONG: {one}", flush=True)
    if len(wrong) > SHOWN:
        print(f"    and {len(wrong) - SHOWN} more", flush=True)
    return not wrong


def table(figures: "Figures") -> str:
    from bench.siege import KINDS, STAGES

    lines = [f"{'killed':10}" + "".join(f"{stage:>12}" for stage in [*STAGES, "all"])]
    for kind in KINDS:
        counts = [figures.kills[kind, stage] for stage in STAGES]
        lines.append(f"{kind:10}" + "".join(f"{count:>12}" for count in [*counts, sum(counts)]))
    said = {
        "jobs": figures.jobs,
        "of them taken up again": figures.again,
        "runs that found their job was another's": figures.lost,
        "files fetched": figures.fetched,
        "files asked for again that were on their way": figures.in_flight,
        "files fetched again that were stored": figures.refetched,
        "downloads verified": figures.downloads,
        "violations": len(figures.wrong),
    }
    return "\n".join([*lines, *(f"{name + ':':46}{count:>10,}" for name, count in said.items())])


def plain(figures: "Figures") -> dict[str, Any]:
    values = {name: value for name, value in vars(figures).items() if name not in ("kills", "wrong")}
    kills = {f"{kind} {stage}": count for (kind, stage), count in sorted(figures.kills.items())}
    return values | {"kills": kills, "killed": figures.kills.total(), "violations": len(figures.wrong)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
