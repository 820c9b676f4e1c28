"""An upload's way in: names as they were meant, bytes to disk, nothing read before it is known who asks."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from repos.arrivals import Arrivals
from repos.models import Artifact, Job, Repository
from tests import factories
from tests.running import PATIENCE, until
from tests.serving import PASSWORD, Millrace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
BOUNDARY = "frontier"


@pytest.fixture
def repository(db: None) -> Repository:
    return factories.repository()


def part(filename: str, data: bytes = b"x") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def send(client: Client, repository: Repository, *parts: bytes, end: bytes = b"--frontier--\r\n") -> HttpResponse:
    """A body as a browser writes it, byte for byte."""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    answer = client.post(f"/repositories/{repository.pk}/upload/", b"".join(parts) + end, content_type=kind)
    return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


def paths() -> list[str]:
    return sorted(Job.objects.get().changes.values_list("path", flat=True))


def left(data: Path) -> list[Path]:
    return [file for file in data.rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("filename", "path"),
    [
        ("a.txt", "a.txt"),
        ("a&amp;b.txt", "a&amp;b.txt"),
        ("a&b;c.txt", "a&b;c.txt"),
        ("%22quoted%22.txt", '"quoted".txt'),
        ('curl \\"of old\\".txt', 'curl "of old".txt'),
        ("it's.txt", "it's.txt"),
        ("100%.txt", "100%.txt"),
        ("a%20b+c.txt", "a%20b+c.txt"),
        ("Журнал 🦦.txt", "Журнал 🦦.txt"),
        ("folder/of/a browser.txt", "folder/of/a browser.txt"),
        ("a;b=c.txt", "a;b=c.txt"),
        ("..a", "..a"),
        (".hidden", ".hidden"),
        ("x" * 300, "x" * 300),
    ],
)
def test_names_come_out_as_they_were_meant(
    admin_client: Client, repository: Repository, filename: str, path: str
) -> None:
    assert send(admin_client, repository, part(filename)).status_code == 302
    assert paths() == [path]


@pytest.mark.parametrize("filename", ["..", ".", "../up.txt", "/etc/passwd", "a\\\\b.txt", "a//b", "a\x01b"])
def test_names_that_cannot_be_are_refused_with_a_sentence(
    admin_client: Client, repository: Repository, data: Path, filename: str
) -> None:
    answer = send(admin_client, repository, part("fine"), part(filename))
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert not Job.objects.exists()
    assert not Artifact.objects.exists()
    assert left(data) == []


def test_a_name_that_no_part_can_have_is_refused(admin_client: Client, repository: Repository, data: Path) -> None:
    answer = send(admin_client, repository, part("fine"), part("x" * 1025))
    assert answer.status_code == 422
    assert "a name in it may be too long" in answer.content.decode()
    assert left(data) == []


def test_empty_files_are_legal(admin_client: Client, repository: Repository) -> None:
    assert send(admin_client, repository, part("empty", b"")).status_code == 302
    change = Job.objects.get().changes.select_related("artifact").get()
    assert change.artifact
    assert change.artifact.size == 0


def test_bytes_come_out_as_they_are(admin_client: Client, repository: Repository) -> None:
    data = bytes(range(256)) * 9000 + b"\r\n--frontie"
    send(admin_client, repository, part("a", data), part("b", b"\r\n"))
    sizes = Job.objects.get().changes.values_list("path", "artifact__size")
    assert dict(sizes) == {"a": len(data), "b": 2}


def test_nobody_who_is_not_signed_in_writes_a_file(
    client: Client, repository: Repository, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Arrivals, "__enter__", lambda self: pytest.fail("the body was read"))
    answer = send(client, repository, part("a"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    assert left(data) == []


def test_an_upload_needs_the_token_of_its_form(repository: Repository, admin_user: User, data: Path) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    address = f"/repositories/{repository.pk}/upload/"
    assert strict.post(address, {"file": SimpleUploadedFile("a", b"1")}).status_code == 403
    assert left(data) == []
    strict.get(address)
    token = strict.cookies["csrftoken"].value
    form = {"file": SimpleUploadedFile("a", b"1"), "csrfmiddlewaretoken": token}
    assert strict.post(address, form).status_code == 302
    assert strict.post(f"/repositories/{repository.pk}/add/", {"lines": ""}).status_code == 403


def test_an_upload_that_broke_off_changes_nothing(admin_client: Client, repository: Repository, data: Path) -> None:
    answer = send(admin_client, repository, part("a"), part("b"), end=b"")
    assert answer.status_code == 422
    assert "The upload broke off before its end" in answer.content.decode()
    assert left(data) == []


def test_what_is_no_upload_is_refused(admin_client: Client, repository: Repository) -> None:
    address = f"/repositories/{repository.pk}/upload/"
    assert admin_client.post(address, b"x", content_type="multipart/form-data").status_code == 422
    assert admin_client.post(address, {"file": "no file"}).status_code == 422
    assert admin_client.post(address, b"{}", content_type="application/json").status_code == 422
    assert not Job.objects.exists()


def test_more_files_than_are_taken_are_refused(
    admin_client: Client, repository: Repository, data: Path, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    answer = send(admin_client, repository, *(part(str(number)) for number in range(3)))
    assert answer.status_code == 413
    assert "An upload may have 2 files at most" in answer.content.decode()
    assert left(data) == []


def test_more_bytes_than_are_taken_are_refused(
    admin_client: Client, repository: Repository, data: Path, settings: Settings
) -> None:
    settings.MILLRACE_MAX_UPLOAD_BYTES = 1000.0
    answer = send(admin_client, repository, part("a", b"x" * 1000))
    assert answer.status_code == 413
    assert "An upload may have 1.0 kB at most" in answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert left(data) == []


# ---- through the real server ----


class Uploader:
    """A person with a browser's session at a running Millrace."""

    def __init__(self, millrace: Millrace) -> None:
        self.address = f"{millrace.address}/repositories/1/upload/"
        self.session = requests.Session()
        login = f"{millrace.address}/login/"
        self.session.get(login, timeout=10)
        self.session.post(login, {"username": "admin", "password": PASSWORD} | self.token(), timeout=10)

    def token(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.session.cookies["csrftoken"]}

    def send(self, files: dict[str, bytes]) -> requests.Response:
        sent = [("file", (name, data)) for name, data in files.items()]
        return self.session.post(self.address, self.token(), files=sent, timeout=PATIENCE)

    def begin(self, size: int, body: bytes) -> socket.socket:
        """Begins to send an upload of `size` bytes, with those that are in `body`."""
        parts = urlsplit(self.address)
        cookies = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        connection = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        head = [
            f"POST {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Cookie: {cookies}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {size}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return connection


@pytest.fixture
def running(millrace: Millrace) -> Millrace:
    """With a repository `hand` without a remote, served at `hand`."""
    millrace.start(MILLRACE_MAX_UPLOAD_BYTES="3000000")
    script = (
        "from repos.models import *\n"
        "made = Repository.objects.create(name='hand', publish_settings=PublishSettings.objects.matching())\n"
        "made.versions.create(number=0, complete=True); made.distributions.create(base_path='hand')\n"
    )
    assert millrace.manage("shell", "-c", script).returncode == 0
    return millrace


def spooled(millrace: Millrace) -> list[str]:
    """The bodies that the server has on disk: they have no name any more, only a handle."""
    assert millrace.process
    handles = Path(f"/proc/{millrace.process.pid}/fd").iterdir()
    return [name for handle in handles if "/spool/" in (name := _link(handle))]


def _link(handle: Path) -> str:
    return str(handle.readlink()) if handle.is_symlink() else ""


@pytest.mark.server
def test_what_is_uploaded_is_served(running: Millrace) -> None:
    big = bytes(range(256)) * 8000
    answer = Uploader(running).send({"big": big, "folder/small": b"1", "empty": b""})
    assert answer.url == f"{running.address}/jobs/1/"
    until(lambda: running.job()[0] == "completed", "the job is completed")
    for path, data in (("big", big), ("folder/small", b"1"), ("empty", b"")):
        assert requests.get(f"{running.address}/content/hand/{path}", timeout=10).content == data
    assert spooled(running) == []
    assert list((running.data / "arrivals").iterdir()) == []


@pytest.mark.any_database
@pytest.mark.server
def test_what_is_too_long_is_refused_before_it_is_sent(running: Millrace) -> None:
    with Uploader(running).begin(3_000_001, b"") as connection:
        assert connection.recv(20).startswith(b"HTTP/1.1 413")


@pytest.mark.any_database
@pytest.mark.server
def test_who_goes_away_in_the_middle_leaves_nothing(running: Millrace) -> None:
    person = Uploader(running)
    with person.begin(2_900_000, part("half", b"x" * 1_000_000)):
        until(lambda: spooled(running) != [], "it lies with our data")
    until(lambda: spooled(running) == [], "the half body is gone")
    assert person.send({"whole": b"1"}).url.endswith("/jobs/1/")
    until(lambda: running.job()[0] == "completed", "the job is completed")
    assert list((running.data / "arrivals").iterdir()) == []
    assert list((running.data / "spool").iterdir()) == []
