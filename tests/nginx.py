"""A real nginx on a port of its own, with a configuration that a test gives."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
DOCS = Path(__file__).resolve().parent.parent / "docs"

FRAME = """
{user}
worker_processes 1;
daemon off;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
{sites}
}}
"""


def documented(page: str) -> str:
    """The nginx configuration that a page of the documentation has, as it is there."""
    found = re.search(r"```nginx\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found
    return found[1]


def without_tls(sites: str, port: int) -> str:
    sites = re.sub(r"^ *(ssl_|server_name).*\n", "", sites, flags=re.MULTILINE)
    return re.sub(r"listen \d+ ssl;", f"listen 127.0.0.1:{port};", sites)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(home: Path, sites: str, port: int) -> Iterator[None]:
    """nginx with these `sites`, which listen at `port`; its own files lie in `home`."""
    home.mkdir()
    # Started by root, it would read as nobody, who may not look into a test's folders.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = home / "nginx.conf"
    configuration.write_text(FRAME.format(user=user, home=home, sites=sites))
    command = [str(NGINX), "-e", str(home / "error.log"), "-p", str(home), "-c", str(configuration)]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: _answers(port) or process.poll() is not None, "nginx is up")
            assert process.poll() is None, (home / "error.log").read_text()
            yield
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
