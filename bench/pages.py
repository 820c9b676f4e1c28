"""How long the server takes over each page where there is very much of everything, and how many statements it sends.

.venv/bin/python -m bench.pages [--repositories 1000] [--jobs 100000] [--files 1000000] [--rounds 20] [--data DIR]
                                [--database URL] [--only PART]

1,000 repositories, 100,000 jobs, a version of 1,000,000 files, 50,000 of them in one folder. Each page is asked for in
this process by the very application that a server runs, served listings included, and made ready as `serve` does. The
processor's time tells more than the clock where others are at work on the same machine. Exit status 1 if the p95 of one
is over 200 ms. `--data DIR` keeps what was written, and uses it again; `--database` is an empty one of PostgreSQL.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Milliseconds that a page may take, 19 times of 20.
MOST = 200.0
COLUMNS = "{:>7}{:>10}{:>9}{:>9}{:>9}{:>9}{:>11}  {}"
# Beside those of tests/years.py, pages about the large repository.
LARGE = [
    *("/repositories/{large}/", "/repositories/{large}/files/", "/repositories/{large}/files/?folder=many/"),
    *("/repositories/{large}/files/?folder=part-77/", "/repositories/{large}/files/?q=file-77"),
    *(
        "/repositories/{large}/versions/",
        "/repositories/{large}/versions/2/",
        "/repositories/{large}/versions/1/files/",
    ),
    *("/repositories/{large}/compare/?from=1&to=2", "/repositories/{large}/delete/", "/storage/{large}/"),
    *("/distributions/{large_distribution}/", "/publications/{large_publication}/"),
    *("/content/large/", "/content/large/part-77/", "/content/large/many/"),
]
# They count all that is stored, come after their page, and are remembered for a while: only their first time is long.
LATE = ["/storage/sizes/", "/storage/plan/", "/storage/{large}/versions/"]


@dataclass(frozen=True)
class Figures:
    page: str
    status: str
    statements: int
    first: float
    milliseconds: list[float]
    # Of them, those of the processor in this process.
    cpu: list[float]
    size: int

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20, method="inclusive")[-1]

    @property
    def is_slow(self) -> bool:
        return self.p95 > MOST

    def line(self) -> str:
        middle, cpu = statistics.median(self.milliseconds), statistics.median(self.cpu)
        times = self.first, middle, self.p95, max(self.milliseconds), cpu
        failed = "" if self.status.startswith("200") else f"  {self.status}"
        mark = "  SLOW" if self.is_slow else ""
        return COLUMNS.format(
            self.statements, *(f"{one:.1f}" for one in times), self.size, f"{self.page}{failed}{mark}"
        )


@dataclass
class Visitor:
    """Asks the application for pages, signed in."""

    application: Callable[..., Any]
    cookie: str

    def ask(self, url: str) -> tuple[str, int]:
        """The status of the answer, and its size in bytes."""
        path, _, query = url.partition("?")
        environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": io.BytesIO()}
        environ |= {"HTTP_COOKIE": f"sessionid={self.cookie}", "HTTP_ACCEPT": "text/html"}
        answered: list[str] = []
        body = self.application(environ | _GATEWAY, lambda status, headers, exc_info=None: answered.append(status))
        try:
            size = sum(len(part) for part in body)
        finally:
            if hasattr(body, "close"):
                body.close()
        return answered[0], size


_GATEWAY: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "HTTP_HOST": "localhost",
    "REMOTE_ADDR": "127.0.0.1",
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
}


def measured(visitor: Visitor, page: str, url: str, rounds: int) -> Figures:
    """The first time is told apart: it reads the templates, and fills what is remembered."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took, cpu, status, size = [], [], "", 0
    for _ in range(rounds + 1):
        begun, worked = time.perf_counter(), time.thread_time()
        status, size = visitor.ask(url)
        took.append(1000 * (time.perf_counter() - begun))
        cpu.append(1000 * (time.thread_time() - worked))
    with CaptureQueriesContext(connection) as asked:
        visitor.ask(url)
    return Figures(page, status, len(asked), took[0], took[1:], cpu[1:], size)


def addresses(only: str) -> Iterator[tuple[str, str]]:
    """Each page, and where it is here."""
    from repos.models import Distribution
    from tests.large import NAME
    from tests.years import PAGES, address

    large = Distribution.objects.select_related("repository").get(base_path=NAME)
    numbers = {
        "large": large.repository_id,
        "large_distribution": large.pk,
        "large_publication": large.publication_id,
    }
    for page in dict.fromkeys([*PAGES, *LARGE, *LATE]):
        if only in page:
            yield page, page.format(**numbers) if "large" in page else address(page)


def written(chosen: argparse.Namespace) -> None:
    """Fills the database, unless it was."""
    from django.core.management import call_command

    from repos.models import Repository
    from tests.large import Large
    from tests.years import Years

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not Repository.objects.exists():
        Large(files=chosen.files, folder=chosen.folder).write()
        Years(repositories=chosen.repositories, jobs=chosen.jobs, files=20 * chosen.repositories).write()


def sign_in() -> Visitor:
    from django.contrib.auth.models import User
    from django.test import Client

    from dashboard.wsgi import application

    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    return Visitor(application, client.cookies["sessionid"].value)


def print_pages(chosen: argparse.Namespace) -> bool:
    """Whether all of them are quick."""
    from dashboard.management.commands.serve import read_the_templates

    written(chosen)
    visitor = sign_in()
    # What filling a database has left in memory is not to be looked through either.
    read_the_templates()
    print(COLUMNS.format("sql", "first ms", "p50 ms", "p95 ms", "max ms", "cpu ms", "bytes", "page"))
    slow = 0
    for page, url in addresses(chosen.only):
        figures = measured(visitor, page, url, chosen.rounds)
        slow += figures.is_slow
        print(figures.line(), flush=True)
    print(f"{slow} over {MOST:.0f} ms" if slow else f"all within {MOST:.0f} ms")
    return not slow


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repositories", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--folder", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--data", type=Path, help="keep what is written here, and use what was")
    parser.add_argument("--database", default="", help="an empty database of PostgreSQL, instead of SQLite")
    parser.add_argument("--only", default="", help="pages with this in their address")
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        data = chosen.data or Path(folder)
        os.environ |= {"MILLRACE_DATA": str(data), "DATABASE_URL": chosen.database}
        os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
        import django

        django.setup()
        return 0 if print_pages(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
