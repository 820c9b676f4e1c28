"""`manage.py serve`: everything in one command. Web server here, jobs in a worker process that is watched."""

import fcntl
import gc
import hashlib
import os
import resource
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.template.loader import get_template
from django.urls import get_resolver

from dashboard.ending import on_signals, when_asked
from dashboard.supervisor import Supervisor
from repos import arrivals, conf

NEW = "Making the tables of a new database"
# At once; and how many files are open besides.
CONNECTIONS, OTHER_FILES = 4000, 500
# Seconds.
SOON = 10.0


class Command(BaseCommand):
    help = "Serves the dashboard and the content, and runs jobs, until it is asked to end (SIGTERM, Ctrl-C)."
    # The database may not be there yet, and they take longer than all else that a start does.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HOST:PORT", help="default 127.0.0.1:8000")
        parser.add_argument("--threads", type=int, default=8, help="of the web server (default 8)")
        parser.add_argument("--workers", type=int, default=4, help="jobs that run at once (default 4)")

    def handle(self, *args: Any, listen: str, threads: int, workers: int, **options: Any) -> None:
        if threads < 1 or workers < 1:
            raise CommandError("--threads and --workers have to be 1 or more.", returncode=2)
        with _only_one():
            self._make_ready()
            _prepare_for_uploads()
            server = _server(listen, threads)
            connections.close_all()
            with Supervisor(workers) as supervisor:
                on_signals(_ends(supervisor))
                _import_the_pages()
                _soon(read_the_templates)
                self.stdout.write(f"Millrace is at {_address(server)} (data in {conf.data()})")
                self.stdout.flush()
                server.run()
            self.stdout.write("Millrace has ended.")

    def _make_ready(self) -> None:
        """Tables, static files, the first administrator. What takes long is done side by side, and said before."""
        with ThreadPoolExecutor(2) as beside:
            collected = beside.submit(_collect_static)
            if due := _migrations_due():
                self.stdout.write(f"{due} …")
                self.stdout.flush()
            given = os.environ.get("MILLRACE_ADMIN_PASSWORD")
            password = given or secrets.token_urlsafe(12)
            hashed = beside.submit(make_password, password) if due == NEW else None
            if due:
                call_command("migrate", interactive=False, verbosity=0)
            users = get_user_model().objects
            if not users.filter(is_superuser=True).exists():
                digest = hashed.result() if hashed else make_password(password)
                users.create(username="admin", password=digest, is_staff=True, is_superuser=True)
                shown = "as in MILLRACE_ADMIN_PASSWORD" if given else password
                self.stdout.write(f"Made the first administrator. User: admin, password: {shown}")
            collected.result()


def _migrations_due() -> str:
    """What is to be said of the migrations that are to be made; nothing where there are none."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return ""
    return "Bringing the database up to date" if executor.loader.applied_migrations else NEW


def _import_the_pages() -> None:
    """Else whoever comes first would wait for it. They stay: no search for garbage has to look through them."""
    get_resolver().url_patterns  # noqa: B018
    gc.collect()
    gc.freeze()


def read_the_templates() -> None:
    """All of them, which then stay, too. A search for garbage in the middle of a page would double its time."""
    folder = settings.BASE_DIR / "templates"
    for path in folder.rglob("*.html"):
        get_template(str(path.relative_to(folder)))
    gc.collect()
    gc.freeze()


def _soon(task: Callable[[], None]) -> None:
    """What takes a while is done when the first pages have been shown."""
    timer = threading.Timer(SOON, task)
    timer.daemon = True
    timer.start()


def _collect_static() -> None:
    """Collects and compresses our static files, which takes a second: only when they are not those of last time."""
    found = [
        f"{path} {storage.size(path)} {storage.get_modified_time(path)}"
        for finder in get_finders()
        for path, storage in finder.list([])
    ]
    these = hashlib.sha256("\n".join([settings.VERSION, *sorted(found)]).encode()).hexdigest()
    collected = settings.STATIC_ROOT.with_suffix(".collected")
    if settings.STATIC_ROOT.exists() and collected.exists() and collected.read_text() == these:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    collected.write_text(these)


def _ends(supervisor: Supervisor) -> Callable[[int, FrameType | None], None]:
    """A handler of signals that ends this process."""
    end_the_worker = when_asked(supervisor.end)

    def end(number: int, frame: FrameType | None) -> None:
        # Each ends while the other does.
        end_the_worker(number, frame)
        raise SystemExit

    return end


def _prepare_for_uploads() -> None:
    """Has the web server keep bodies that are still on their way with our data: elsewhere may be memory, or little."""
    arrivals.sweep()
    spool = conf.data() / "spool"
    spool.mkdir(exist_ok=True)
    tempfile.tempdir = str(spool)


def _server(listen: str, threads: int) -> Any:
    from waitress import create_server

    from dashboard import channel
    from dashboard.wsgi import application

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise CommandError(f"--listen takes HOST:PORT, not {listen}", returncode=2)
    try:
        server = create_server(
            application,
            listen=listen,
            threads=threads,
            ident=None,
            asyncore_use_poll=True,
            connection_limit=_connections(),
            channel_timeout=120,
            # The longest that it takes is one byte less. What is read at once of an upload is what costs its time.
            max_request_body_size=conf.max_upload_bytes() + 1,
            # In bytes. Each of the connections may make us keep as much.
            max_request_header_size=1 << 16,
            recv_bytes=1 << 17,
            clear_untrusted_proxy_headers=True,
            **_proxy(),
        )
    except ValueError:
        raise CommandError(f"--listen takes HOST:PORT; {host} is no host that is known here", returncode=2) from None
    except OSError as error:
        raise CommandError(f"Cannot listen on {listen}: {error.strerror}. Choose another with --listen.") from None
    channel.prepare(server)
    return server


def _connections() -> int:
    """How many there may be at once. Each page that is open keeps one, and each takes one of the files we may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = CONNECTIONS + OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, CONNECTIONS + OTHER_FILES)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed - OTHER_FILES, allowed // 2)


def _proxy() -> dict[str, Any]:
    if not settings.MILLRACE_PROXY:
        return {}
    return {
        "trusted_proxy": settings.MILLRACE_PROXY,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }


def _address(server: Any) -> str:
    # Of several sockets, as `localhost` has, any will do.
    host, port = getattr(server, "effective_listen", [(None, None)])[0]
    host, port = host or server.effective_host, port or server.effective_port
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds the lock of the server of this data folder."""
    conf.data().mkdir(parents=True, exist_ok=True)
    with (conf.data() / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"Another Millrace is already serving {conf.data()}.") from None
        yield
