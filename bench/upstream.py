"""A private nginx on loopback that serves one folder: the upstream of the measurements."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

CONFIGURATION = """
{user}
worker_processes 2;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 300;
    keepalive_requests 10000000;
    default_type application/octet-stream;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root "{root}";
    }}
{more}
}}
"""


class NginxMissing(RuntimeError):
    def __init__(self) -> None:
        super().__init__("nginx was not found; the measurements need it: apt-get install nginx-light")


def nginx() -> str:
    """The path of nginx, which Debian keeps out of the PATH of ordinary users."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        raise NginxMissing
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Upstream:
    """Serves `root` while its `with` block runs, and `more` servers as nginx' configuration names them."""

    def __init__(self, root: Path, more: str = "") -> None:
        self.root = root.resolve()
        self._more = more
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "Upstream":
        self._home = Path(tempfile.mkdtemp(prefix="millrace-nginx-"))
        configuration = self._home / "nginx.conf"
        configuration.write_text(self._configuration())
        command = [nginx(), "-e", str(self._home / "error.log"), "-p", str(self._home), "-c", str(configuration)]
        self._process = subprocess.Popen(command)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._home)

    def _configuration(self) -> str:
        # Started by root, nginx would read the files as nobody, who may not look into private temp folders.
        user = "user root;" if os.geteuid() == 0 else ""
        return CONFIGURATION.format(user=user, home=self._home, port=self.port, root=self.root, more=self._more)

    def _wait(self) -> None:
        deadline = time.monotonic() + 5
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError(f"nginx does not answer: {(self._home / 'error.log').read_text()}")
