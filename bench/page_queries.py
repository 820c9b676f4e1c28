"""How many statements each page sends to the database, on one as it is after years of use.

.venv/bin/python -m bench.page_queries [--repositories 40] [--jobs 4000]

Prints a line for each page: the statements, its median milliseconds, its bytes. `counts()` gives the statements to who
guards them: they do not depend on the machine, nor on how much there is.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

COLUMNS = "{:>6}{:>9}{:>9}  {}"


def counts() -> dict[str, int]:
    """The statements of each page, by the pages of tests/years.py."""
    ended = subprocess.run([sys.executable, "-m", "bench.page_queries"], capture_output=True, text=True, check=True)
    rows = (line.split(maxsplit=3) for line in ended.stdout.splitlines()[1:])
    return {page: int(statements) for statements, _, _, page in rows}


def print_pages(chosen: argparse.Namespace) -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.years import PAGES, Years, address

    Years(repositories=chosen.repositories, jobs=chosen.jobs, files=chosen.files).write()
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("admin"))
    print(COLUMNS.format("sql", "ms", "bytes", "page"))
    for page in PAGES:
        url, took = address(page), []
        for _ in range(chosen.rounds):
            begun = time.perf_counter()
            answer = client.get(url)
            took.append(1000 * (time.perf_counter() - begun))
        with CaptureQueriesContext(connection) as found:
            client.get(url)
        print(COLUMNS.format(len(found), f"{statistics.median(took):.1f}", len(answer.content), page))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repositories", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=4_000)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        os.environ |= {"MILLRACE_DATA": folder, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        print_pages(chosen)


if __name__ == "__main__":
    main(sys.argv[1:])
