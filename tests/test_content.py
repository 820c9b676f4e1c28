import hashlib
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote, urljoin
from wsgiref.handlers import SimpleHandler

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django.utils.http import http_date, parse_http_date
from pytest_django.fixtures import Settings

from dashboard import content
from repos import pool, published
from repos.models import Damage, Repository, RepositoryVersion
from tests import factories
from tests.content_server import Client, Server, serving

pytestmark = pytest.mark.django_db(transaction=True)

DATA = bytes(range(256)) * 100
ETAG = f'"{hashlib.sha256(DATA).hexdigest()}"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def files() -> Repository:
    """Serves `data.bin` and more at `files`."""
    made = factories.repository()
    factories.serve(made, {"data.bin": DATA, "empty": b"", "sub/a b.txt": b"hello"})
    return made


@pytest.fixture
def get(files: Repository) -> Iterator[Client]:
    with serving() as client:
        yield client


def changed_at(files: Repository, moment: datetime) -> None:
    RepositoryVersion.objects.filter(repository=files).update(created_at=moment)


def test_it_works(get: Client) -> None:
    answer = get("/content/files/data.bin")
    assert (answer.status, answer.body) == (200, DATA)
    assert answer["Content-Length"] == str(len(DATA))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["ETag"] == ETAG
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Repr-Digest"] == f"sha-256=:{b64encode(hashlib.sha256(DATA).digest()).decode()}:"
    assert answer["Cache-Control"] == "no-cache"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert str(answer["Content-Security-Policy"]).startswith("sandbox; default-src 'none'")
    assert answer["Content-Encoding"] is None
    assert answer["Set-Cookie"] is None
    assert abs(parse_http_date(str(answer["Last-Modified"])) - timezone.now().timestamp()) < 60


def test_head_is_get_without_its_body(get: Client) -> None:
    for path in ("/content/files/data.bin", "/content/files/", "/content/files/none", "/content/files/sub"):
        whole, head = get(path), get(path, "HEAD")
        assert (head.status, head.body) == (whole.status, b"")
        assert {**head.headers, "Date": ""} == {**whole.headers, "Date": ""}


def test_empty_file_is_served(get: Client) -> None:
    for headers in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=0-99"}):
        answer = get("/content/files/empty", **headers)
        assert (answer.status, answer["Content-Length"], answer.body) == (200, "0", b"")
    assert get("/content/files/empty", Range="bytes=1-").status == 416


def test_large_file_is_served_whole(files: Repository, get: Client) -> None:
    large = DATA * 1000
    factories.serve(files, {"large": large})
    assert get("/content/files/large").body == large
    assert get("/content/files/large", Range="bytes=1000000-19999999").body == large[1_000_000:20_000_000]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_nothing_can_be_changed(get: Client, method: str) -> None:
    answer = get("/content/files/data.bin", method)
    assert (answer.status, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_options_tells_the_methods(get: Client) -> None:
    answer = get("/content/files/data.bin", "OPTIONS")
    assert (answer.status, answer["Allow"], answer.body) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.mark.parametrize(
    "name", ["a b", "a?b#c", "100%", "%41", "é/ü", "日本 😀", "a+b&c=d", "'\"<b>", "a:b", "~x;y,z"]
)
def test_any_name_is_served(files: Repository, get: Client, name: str) -> None:
    factories.serve(files, {name: name.encode()})
    assert get(f"/content/files/{quote(name)}").body == name.encode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.tar.gz", "application/gzip"),
        ("a.html", "text/html"),
        ("a", "application/octet-stream"),
        ("PULP_MANIFEST", "text/plain; charset=utf-8"),
    ],
)
def test_type_follows_the_name_and_nothing_is_encoded(files: Repository, get: Client, name: str, kind: str) -> None:
    factories.serve(files, {name: b"1"})
    answer = get(f"/content/files/{name}")
    assert (answer["Content-Type"], answer["Content-Encoding"]) == (kind, None)


def test_digest_is_sent_to_those_who_want_it(get: Client) -> None:
    digest = b64encode(hashlib.sha256(DATA).digest()).decode()
    wanted = "SHA-512;q=1, SHA-256;q=1, SHA;q=0.1"
    assert get("/content/files/data.bin", Want_Digest=wanted)["Digest"] == f"SHA-256={digest}"
    assert get("/content/files/data.bin")["Digest"] is None


# ---- ranges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=25000-", 25000, 25600),
        ("bytes=0-", 0, 25600),
        ("bytes=-100", 25500, 25600),
        ("bytes=-99999999", 0, 25600),
    ],
)
def test_range_is_sent(get: Client, asked: str, start: int, stop: int) -> None:
    answer = get("/content/files/data.bin", Range=asked)
    assert (answer.status, answer.body) == (206, DATA[start:stop])
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/25600"
    assert answer["Content-Length"] == str(stop - start)
    assert answer["ETag"] == ETAG


@pytest.mark.parametrize("asked", ["bytes=25600-", "bytes=-0"])
def test_range_outside_the_file_is_refused(get: Client, asked: str) -> None:
    answer = get("/content/files/data.bin", Range=asked)
    assert (answer.status, answer["Content-Range"]) == (416, "bytes */25600")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=0-1,3-4", "lines=1-2", ""])
def test_other_ranges_are_ignored(get: Client, asked: str) -> None:
    answer = get("/content/files/data.bin", Range=asked)
    assert (answer.status, answer.body) == (200, DATA)


def test_range_is_for_get_alone(get: Client) -> None:
    answer = get("/content/files/data.bin", "HEAD", Range="bytes=0-9")
    assert (answer.status, answer["Content-Length"], answer["Content-Range"]) == (200, "25600", None)


# ---- conditions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_known_file_is_not_sent_again(get: Client, tags: str) -> None:
    for method in ("GET", "HEAD"):
        answer = get("/content/files/data.bin", method, If_None_Match=tags)
        assert (answer.status, answer.body, answer["ETag"]) == (304, b"", ETAG)
        assert answer["Content-Length"] is answer["Content-Type"] is None


def test_other_file_is_sent(get: Client) -> None:
    assert get("/content/files/data.bin", If_None_Match='"other"').status == 200


def test_dates_are_compared(files: Repository, get: Client) -> None:
    moment = timezone.now() - timedelta(hours=1)
    changed_at(files, moment)
    date, earlier, later = (http_date(moment.timestamp() + seconds) for seconds in (0, -1, 1))
    path = "/content/files/data.bin"
    assert get(path)["Last-Modified"] == date
    assert get(path, If_Modified_Since=date).status == get(path, If_Modified_Since=later).status == 304
    assert get(path, If_Modified_Since=earlier).status == get(path, If_Modified_Since="nonsense").status == 200
    assert get(path, If_Unmodified_Since=date).status == 200
    assert get(path, If_Unmodified_Since=earlier).status == 412
    # The ETag knows better than the date (RFC 9110, 13.2.2).
    assert get(path, If_None_Match='"other"', If_Modified_Since=date).status == 200


def test_file_must_match(get: Client) -> None:
    path = "/content/files/data.bin"
    assert get(path, If_Match=ETAG).status == get(path, If_Match="*").status == 200
    assert get(path, If_Match=ETAG, Range="bytes=0-1").status == 206
    assert get(path, If_Match='"other"').status == get(path, If_Match=f"W/{ETAG}").status == 412
    assert get(path, If_Match='"other"', Range="bytes=0-1").status == 412


def test_refusal_says_why(get: Client) -> None:
    answer = get("/content/files/data.bin", If_Match='"other"')
    assert answer.body == b"The file here is not, or not any more, the one that was asked for.\n"


def test_condition_comes_before_the_range(get: Client) -> None:
    assert get("/content/files/data.bin", Range="bytes=0-1", If_None_Match=ETAG).status == 304


def test_range_only_of_the_file_that_is_named(files: Repository, get: Client) -> None:
    moment = timezone.now() - timedelta(hours=1)
    changed_at(files, moment)
    for named in (ETAG, http_date(moment.timestamp())):
        assert get("/content/files/data.bin", Range="bytes=5-6", If_Range=named).body == DATA[5:7]
    earlier, later = http_date(moment.timestamp() - 1), http_date(moment.timestamp() + 1)
    for other in ('"other"', f"W/{ETAG}", earlier, later, "nonsense"):
        answer = get("/content/files/data.bin", Range="bytes=5-6", If_Range=other)
        assert (answer.status, answer.body) == (200, DATA)


def test_if_range_without_a_range_says_nothing(get: Client) -> None:
    assert get("/content/files/data.bin", If_Range='"other"').status == 200


# ---- switches ----------------------------------------------------------------------------------------------


def test_switch_is_seen_at_once(files: Repository, get: Client) -> None:
    for number in range(5):
        factories.serve(files, {"data.bin": b"%d" % number})
        assert get("/content/files/data.bin").body == b"%d" % number


def test_every_answer_is_whole_while_what_is_served_is_switched(files: Repository, get: Client) -> None:
    distribution, one = files.distributions.get(), files.distributions.get().publication
    other = factories.publication(factories.version(files, {"data.bin": DATA[::-1]}))
    digests = {hashlib.sha256(data).hexdigest() for data in (DATA, DATA[::-1])}

    def switch() -> None:
        try:
            for _ in range(50):
                factories.switch(distribution, other)
                factories.switch(distribution, one)
        finally:
            connection.close()

    switching = threading.Thread(target=switch)
    switching.start()
    seen = set()
    while switching.is_alive():
        answer = get("/content/files/data.bin")
        seen.add(hashlib.sha256(answer.body).hexdigest())
        assert answer["ETag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
    switching.join()
    assert seen == digests


# ---- damage ------------------------------------------------------------------------------------------------


def test_damaged_file_is_not_sent(get: Client, caplog: pytest.LogCaptureFixture) -> None:
    file = pool.path(ETAG.strip('"'))
    file.write_bytes(DATA[:-1])
    answer = get("/content/files/data.bin")
    assert (answer.status, answer.body) == (
        503,
        f"{content.DAMAGED}\n".encode(),
    )
    assert get("/content/files/data.bin", "HEAD").status == 503
    # What is known to be damaged is not looked at again.
    Damage.objects.all().delete()
    file.unlink()
    assert get("/content/files/data.bin", Range="bytes=5-6").status == 503
    assert get("/content/files/data.bin", If_None_Match=ETAG).status == 304
    messages = [record.message for record in caplog.records if record.name == "dashboard.content"]
    assert f"{file} has 25599 bytes and should have 25600" in messages[0]
    assert "No such file" in messages[-1]


def test_database_failure_is_told_without_details(
    get: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, allowed: Any) -> None:
        raise OperationalError("the secret address of the database")

    monkeypatch.setattr(published, "find", fail)
    answer = get("/content/files/data.bin")
    assert (answer.status, answer.body) == (503, b"The database does not answer. Try again soon.\n")
    assert "/content/files/data.bin could not be looked up" in caplog.text


# ---- what is not there -------------------------------------------------------------------------------------


def test_missing_file_says_why(get: Client) -> None:
    answer = get("/content/files/none", Accept="*/*")
    assert (answer.status, answer["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert answer.body == b"There is no such file in files version 1.\n"
    assert get("/content/other/").body == b"No distribution has this base path.\n"


def test_browsers_get_a_page_that_says_why(get: Client) -> None:
    answer = get("/content/files/none", Accept=BROWSER)
    assert (answer.status, answer["Content-Type"], answer["Vary"]) == (404, "text/html; charset=utf-8", "Accept")
    assert b"<p>There is no such file in files version 1.</p>" in answer.body


@pytest.mark.parametrize("accept", ["", "nonsense", "text/html;q=x", ";,;/", "*/*;q=0", "a" * 9999])
def test_odd_wishes_get_text(get: Client, accept: str) -> None:
    assert get("/content/files/none", Accept=accept).status == 404
    assert get("/content/files/", Accept=accept).status == 200


def test_reason_is_escaped(get: Client) -> None:
    factories.serve(factories.repository("<script>", "script"), {})
    assert b"in &lt;script&gt; version 1." in get("/content/script/none", Accept=BROWSER).body


@pytest.mark.parametrize(
    "path",
    [
        "/content/files/../../etc/passwd",
        "/content/files/%2e%2e/x",
        "/content//etc",
        "/content/files/%00",
        "/content/files/%ff%fe",
        "/content/files/data.bin/",
        "/content/" + "a/" * 5000,
        "/content/files/a%0d%0aX:%20y",
    ],
)
def test_odd_paths_are_not_found(get: Client, path: str) -> None:
    assert get(path).status == 404


# ---- folders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/content", "content/"),
        ("/content/files", "files/"),
        ("/content/files/sub", "sub/"),
        ("/content/files/sub?format=json&a=%20", "sub/?format=json&a=%20"),
        ("/content/files/sp%20c%3Ae", "sp%20c%3Ae/"),
    ],
)
def test_folder_without_its_slash_is_redirected(files: Repository, get: Client, path: str, location: str) -> None:
    factories.serve(files, {"sp c:e/f": b"1"})
    answer = get(path)
    assert (answer.status, answer["Location"]) == (301, location)
    assert get(urljoin(path, location)).status == 200


# ---- servers -----------------------------------------------------------------------------------------------


def test_connection_stays_open(get: Client) -> None:
    for path in ("data.bin", "none", "", "sub", "empty"):
        assert get(f"/content/files/{path}")["Connection"] is None


def test_client_that_leaves_disturbs_nobody(files: Repository, get: Client) -> None:
    factories.serve(files, {"large": DATA * 1000})
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", get.port)) as client:
            client.sendall(b"GET /content/files/large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert get("/content/files/data.bin").body == DATA


def test_other_servers_send_the_range_and_no_more(files: Repository) -> None:
    """wsgiref reads a file to its end, whatever Content-Length says."""
    sent = BytesIO()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/content/files/data.bin",
        "HTTP_RANGE": "bytes=10-19",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
    }
    handler = SimpleHandler(BytesIO(), sent, StringIO(), environ)
    handler.run(content.application)
    assert sent.getvalue().endswith(b"\r\n\r\n" + DATA[10:20])


def test_content_and_pages_share_a_server(files: Repository, settings: Settings) -> None:
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    from dashboard import wsgi

    with Server(wsgi.application) as server:
        client = Client(server)
        assert client("/content/files/data.bin").body == DATA
        assert client("/content")["Location"] == "content/"
        assert client("/contents").status != 200
        assert client("/contents")["Repr-Digest"] is None
        client.close()
