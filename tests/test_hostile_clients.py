"""What clients send that no browser would: to a real server, over raw connections."""

import contextlib
import http.client
import shutil
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from dashboard import bodies
from tests.running import until
from tests.serving import PASSWORD, Millrace
from tests.test_uploads import spooled

pytestmark = [pytest.mark.server, pytest.mark.any_database]

# Each names /secrets/django.key, which lies beside the pool and the static files, or a file of the machine.
UP = (
    *("..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e"),
    *("..%00", "..;", "....//..", "..%5c", "..\\"),
)
TARGETS = [
    f"{root}{up}{slash}{up}{slash}{up}{slash}{end}"
    for root in ("/content/hand/", "/content/", "/static/", "/static/css/", "/")
    for up in UP
    for slash in ("/", "%2f", "\\")
    for end in ("secrets/django.key", "etc/passwd")
] + [
    f"{root}{end}"
    for root in ("/content/", "/content/hand/", "/static/")
    for end in (
        "/etc/passwd",
        "%2fetc/passwd",
        "//etc//passwd",
        "../secrets/django.key",
        "%2e%2e/secrets/django.key",
        "hand/%00",
        "file:///etc/passwd",
        "http://127.0.0.1/etc/passwd",
        "C:\\windows\\win.ini",
        "x" * 5000,
        "%",
        "%zz",
        "\xff\xfe",
    )
]


@pytest.fixture(scope="module")
def running(started_once: Millrace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Millrace]:
    """One for all of them: each leaves it as it was."""
    home = tmp_path_factory.mktemp("hostile")
    shutil.copytree(started_once.data, home / "served")
    made = Millrace(home, "")
    try:
        made.start(MILLRACE_MAX_UPLOAD_BYTES="30000000")
        yield made
    finally:
        made.stop()


def connected(millrace: Millrace) -> socket.socket:
    parts = urlsplit(millrace.address)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and the body of the next answer."""
    found = http.client.HTTPResponse(connection)
    found.begin()
    return found.status, found.read()


def request(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1")


def signed_in(millrace: Millrace) -> str:
    """The cookie header of an administrator's browser."""
    session = requests.Session()
    page = session.get(f"{millrace.address}/login/", timeout=10)
    token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert session.post(f"{millrace.address}/login/", data=fields, timeout=10).url.endswith("/")
    return f"Cookie: sessionid={session.cookies['sessionid']}"


def test_no_path_leads_out_of_what_is_served(running: Millrace) -> None:
    key = (running.data / "secrets" / "django.key").read_bytes()
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connected(running))
        for target in TARGETS:
            connection.sendall(request(target))
            status, body = answer(connection)
            if status == 400:
                # The server has hung up on what is no request.
                connection = stack.enter_context(connected(running))
            assert status in (301, 302, 400, 404), (target, status)
            assert key not in body, target
            assert b"root:" not in body, target


@contextlib.contextmanager
def idle(millrace: Millrace, count: int) -> Iterator[None]:
    """So many connections that say nothing, or never end what they say."""
    starts = [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    ]
    with contextlib.ExitStack() as stack:
        for number in range(count):
            stack.enter_context(connected(millrace)).sendall(starts[number % len(starts)])
        yield


def test_three_hundred_idle_connections_stop_nobody(running: Millrace) -> None:
    with idle(running, 300):
        for _ in range(5):
            assert requests.get(f"{running.address}/login/", timeout=5).ok
            assert requests.get(f"{running.address}/content/", timeout=5).ok


def test_too_long_requests_are_refused(running: Millrace) -> None:
    for long in (
        request("/" + "x" * 70_000),
        request("/", "X-Long: " + "x" * 70_000),
        request("/", *(f"X-{number}: {'x' * 50}" for number in range(1500))),
        request("/", "Cookie: " + "; ".join(f"c{number}=x" for number in range(20_000))),
    ):
        with connected(running) as connection:
            connection.sendall(long)
            assert answer(connection)[0] == 431


def head(*lines: str, target: str = "/login/") -> bytes:
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_strangers_are_not_listened_to_for_long(running: Millrace) -> None:
    length = f"Content-Length: {bodies.OF_STRANGERS * 5}"
    for cookie in ("X-None: 1", "Cookie: sessionid=made-up", "Cookie: sessionid=", "Cookie: ;;=;"):
        with connected(running) as connection:
            connection.sendall(head(cookie, length, target="/repositories/1/upload/"))
            status, body = answer(connection)
            assert status == 403
            assert b"Sign in first, then send it again." in body
    assert spooled(running) == []


def test_a_body_without_end_is_broken_off(running: Millrace) -> None:
    block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connected(running) as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(block)
            pytest.fail("it took 13 MB from a stranger")
    until(lambda: spooled(running) == [], "nothing of it is kept")
    assert requests.get(f"{running.address}/login/", timeout=5).ok


def test_who_is_signed_in_may_send_much(running: Millrace) -> None:
    cookie, length = signed_in(running), f"Content-Length: {bodies.OF_STRANGERS * 5}"
    with connected(running) as connection:
        connection.sendall(head(cookie, length, "Expect: 100-continue", target="/repositories/1/upload/"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"x" * bodies.OF_STRANGERS * 5)
        # There is no such repository; and the token is missing.
        assert answer(connection)[0] in (403, 404)


NO_REQUESTS = [
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET / HTTP/1.1\nHost: localhost\n\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
]


def test_what_is_no_request_is_refused(running: Millrace) -> None:
    for data in NO_REQUESTS:
        with connected(running) as connection:
            connection.sendall(data)
            assert answer(connection)[0] in (400, 501), data
    assert requests.get(f"{running.address}/healthz", timeout=5).ok
