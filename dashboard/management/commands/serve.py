"""`manage.py serve`: everything in one command. Web server here, jobs in a worker process that is watched."""

import fcntl
import hashlib
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from dashboard.supervisor import Supervisor
from repos import arrivals, conf


class Command(BaseCommand):
    help = "Serves the dashboard and the content, and runs jobs, until it is asked to end (SIGTERM, Ctrl-C)."
    # The database may not be there yet: checks come after it has been migrated.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HOST:PORT", help="default 127.0.0.1:8000")
        parser.add_argument("--threads", type=int, default=8, help="of the web server (default 8)")
        parser.add_argument("--workers", type=int, default=4, help="jobs that run at once (default 4)")

    def handle(self, *args: Any, listen: str, threads: int, workers: int, **options: Any) -> None:
        if threads < 1 or workers < 1:
            raise CommandError("--threads and --workers have to be 1 or more.", returncode=2)
        with _only_one():
            call_command("migrate", interactive=False, verbosity=0)
            _collect_static()
            self._make_administrator()
            _prepare_for_uploads()
            server = _server(listen, threads)
            connections.close_all()
            with Supervisor(workers) as supervisor:
                signal.signal(signal.SIGTERM, lambda *_: _end(supervisor))
                signal.signal(signal.SIGINT, lambda *_: _end(supervisor))
                self.stdout.write(f"Millrace is at {_address(server)} (data in {conf.data()})")
                self.stdout.flush()
                server.run()
            self.stdout.write("Millrace has ended.")

    def _make_administrator(self) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        given = os.environ.get("MILLRACE_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        shown = "as in MILLRACE_ADMIN_PASSWORD" if given else password
        self.stdout.write(f"Made the first administrator. User: admin, password: {shown}")


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


def _end(supervisor: Supervisor) -> None:
    # The worker ends while the web server does.
    supervisor.end()
    raise SystemExit


def _prepare_for_uploads() -> None:
    """Has the web server keep bodies that are still on their way with our data: elsewhere may be memory, or little."""
    arrivals.sweep()
    spool = conf.data() / "spool"
    spool.mkdir(exist_ok=True)
    tempfile.tempdir = str(spool)


def _server(listen: str, threads: int) -> Any:
    from waitress import create_server
    from waitress.channel import HTTPChannel

    from dashboard.bodies import Parser
    from dashboard.wsgi import application

    HTTPChannel.parser_class = Parser

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise CommandError(f"--listen takes HOST:PORT, not {listen}", returncode=2)
    try:
        return create_server(
            application,
            listen=listen,
            threads=threads,
            ident=None,
            asyncore_use_poll=True,
            connection_limit=1000,
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
