"""Changing files on the web: upload, add by digest, remove."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos import chain
from repos.arrivals import Arrival
from repos.errors.storage import NotStored
from repos.models import Artifact, Job, Repository
from tests import factories
from tests.running import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bell")]
HTMX = {"HX-Request": "true"}
WAYS = ["upload", "add", "remove"]


@pytest.fixture
def repository(transactional_db: None) -> Repository:
    made = factories.repository()
    factories.serve(made, {"a": b"1", "b/c": b"2"})
    return made


def post(client: Client, repository: Repository, way: str, values: dict[str, Any], **more: Any) -> HttpResponse:
    answer = client.post(f"/repositories/{repository.pk}/{way}/", values, **more)
    return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


def file(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def line(path: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {path}"


def run() -> Job:
    chain.run(Job.objects.get().pk, "test")
    return Job.objects.get()


def test_it_works(admin_client: Client, repository: Repository) -> None:
    answer = post(admin_client, repository, "upload", {"file": [file("x", b"3"), file("y", b"4")], "into": "/new/"})
    job = run()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert job.requested_by and job.requested_by.username == "admin"
    assert (job.state, job.actions) == ("completed", ["modify", "publish", "distribute"])
    assert served("files") == {"a": b"1", "b/c": b"2", "new/x": b"3", "new/y": b"4"}
    page = admin_client.get(f"/jobs/{job.pk}/").content.decode()
    assert "<h2>Change</h2>" in page


@pytest.mark.parametrize("way", WAYS)
def test_each_page_says_what_is_there_and_leads_to_the_others(
    admin_client: Client, repository: Repository, way: str
) -> None:
    text = admin_client.get(f"/repositories/{repository.pk}/{way}/").content.decode()
    assert "Newest is version 1" in text
    assert text.count("/upload/") >= 1
    assert f'href="/repositories/{repository.pk}/{way}/" aria-current="page"' in text


@pytest.mark.parametrize("way", WAYS)
def test_htmx_gets_the_very_form_of_the_page(admin_client: Client, repository: Repository, way: str) -> None:
    answer = post(admin_client, repository, way, {}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.content.decode().strip().startswith('<div id="change">')
    assert 'class="error"' in answer.content.decode()


@pytest.mark.parametrize("way", WAYS)
def test_only_who_is_signed_in_comes_in(client: Client, repository: Repository, way: str) -> None:
    assert client.get(f"/repositories/{repository.pk}/{way}/")["Location"].startswith("/login/")
    assert post(client, repository, way, {})["Location"].startswith("/login/")


@pytest.mark.parametrize("way", WAYS)
def test_a_repository_that_is_not_there_is_404(admin_client: Client, repository: Repository, way: str) -> None:
    assert admin_client.get(f"/repositories/999/{way}/").status_code == 404
    assert admin_client.post(f"/repositories/999/{way}/").status_code == 404
    assert admin_client.put(f"/repositories/{repository.pk}/{way}/").status_code == 405


@pytest.mark.parametrize(
    ("way", "values"),
    [("upload", {"file": file("x", b"3")}), ("add", {"lines": line("x", b"1")}), ("remove", {"lines": "a"})],
)
def test_a_mirror_says_that_it_is_one(
    admin_client: Client, repository: Repository, data: Path, way: str, values: dict[str, Any]
) -> None:
    repository.mirror = True
    repository.save()
    answer = post(admin_client, repository, way, values)
    assert answer.status_code == 409
    assert "is a mirror: exactly what its upstream is" in answer.content.decode()
    assert '<form class="card form"' not in answer.content.decode()
    assert admin_client.get(f"/repositories/{repository.pk}/{way}/").status_code == 200
    assert not Job.objects.exists()
    assert not (data / "arrivals").exists()


@pytest.mark.parametrize("way", WAYS)
def test_pages_cost_the_same_whatever_is_there(admin_client: Client, repository: Repository, way: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            admin_client.get(f"/repositories/{repository.pk}/{way}/")
        return len(counted)

    before = queries()
    for number in range(10):
        factories.version(repository, {f"{number}": b"x"})
    assert queries() == before


# ---- what follows ----


def test_what_follows_is_chosen(admin_client: Client, repository: Repository) -> None:
    post(admin_client, repository, "upload", {"file": file("x", b"3"), "then": "modify"})
    assert Job.objects.get().actions == ["modify"]


def test_the_repositorys_own_choice_is_offered_first(admin_client: Client, repository: Repository) -> None:
    repository.auto_distribute = False
    repository.save()
    form = admin_client.get(f"/repositories/{repository.pk}/upload/").context["form"]
    assert form["then"].value() == "publish"
    assert [name for name, _ in form.fields["then"].choices] == ["modify", "publish", "distribute"]


def test_nobody_is_offered_to_distribute_to_nothing(admin_client: Client, repository: Repository) -> None:
    repository.distributions.all().delete()
    form = admin_client.get(f"/repositories/{repository.pk}/upload/").context["form"]
    assert form["then"].value() == "publish"
    assert "distribute" not in dict(form.fields["then"].choices)
    answer = post(admin_client, repository, "upload", {"file": file("x", b"3")})
    assert answer.status_code == 409
    assert "No distribution follows" in answer.content.decode()


# ---- replacing ----


def test_what_is_taken_is_replaced_without_sending_it_again(admin_client: Client, repository: Repository) -> None:
    sent = {"file": [file("a", b"other"), file("new", b"3")]}
    answer = admin_client.post(f"/repositories/{repository.pk}/upload/", sent)
    assert answer.status_code == 409
    assert "1\N{NO-BREAK SPACE}file of these is there already, with other bytes" in answer.content.decode()
    assert "Replace 1\N{NO-BREAK SPACE}file" in answer.content.decode()
    assert "What you sent is kept" in answer.content.decode()
    assert not Job.objects.exists()
    taken = answer.context["taken"]
    again = {"lines": taken["lines"], "then": taken["then"] or "", "replace": "on"}
    assert post(admin_client, repository, "add", again).status_code == 302
    run()
    assert served("files") == {"a": b"other", "b/c": b"2", "new": b"3"}


def test_replacing_can_be_asked_for_at_once(admin_client: Client, repository: Repository) -> None:
    post(admin_client, repository, "upload", {"file": file("a", b"other"), "replace": "on"})
    run()
    assert served("files") == {"a": b"other", "b/c": b"2"}


def test_a_long_list_of_taken_files_is_cut(admin_client: Client, repository: Repository) -> None:
    factories.version(repository, {f"{number:02}": b"old" for number in range(30)})
    lines = "\n".join(line(f"{number:02}", b"1") for number in range(30))
    text = post(admin_client, repository, "add", {"lines": lines}).content.decode()
    assert "and 10 more" in text
    assert "What you sent is kept" not in text
    assert "Replace 30\N{NO-BREAK SPACE}files" in text


# ---- what is refused ----


@pytest.mark.parametrize(
    ("sent", "into", "said"),
    [
        ([("x", b"1"), ("x", b"2")], "", "“x” is named twice"),
        ([("x", b"1")], "a", "“a” cannot be both a file and the folder of “a/x”"),
        ([("b", b"1")], "", "“b” cannot be both a file and the folder of “b/c”"),
        ([("x", b"1")], "up/../..", "has an empty part, “.” or “..” in it"),
        ([("PULP_MANIFEST", b"1")], "", "a list that publishing writes itself"),
        ([("<script>", b"1"), ("<script>", b"1")], "", "“&lt;script&gt;” is named twice"),
    ],
)
def test_a_refused_upload_is_told_at_the_field_and_stores_nothing(
    admin_client: Client, repository: Repository, sent: list[tuple[str, bytes]], into: str, said: str
) -> None:
    before = Artifact.objects.count()
    values = {"file": [file(name, content) for name, content in sent], "into": into, "replace": "on"}
    answer = admin_client.post(f"/repositories/{repository.pk}/upload/", values)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert answer.context["form"]["into"].value() == into
    assert answer.context["form"].errors.keys() == {"into" if into.startswith("up") else "file"}
    assert Artifact.objects.count() == before


def test_nothing_new_is_told(admin_client: Client, repository: Repository) -> None:
    answer = post(admin_client, repository, "upload", {"file": file("a", b"1")})
    assert answer.status_code == 409
    assert "All of this is in version 1 already" in answer.content.decode()


def test_a_full_disk_is_told(admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Arrival, data: bytes) -> None:
        raise NotStored("No space left on device")

    monkeypatch.setattr(Arrival, "write", full)
    answer = post(admin_client, repository, "upload", {"file": file("x", b"3")})
    assert answer.status_code == 507
    assert "could not be stored here: No space left on device" in answer.content.decode()


def test_no_file_is_told(admin_client: Client, repository: Repository) -> None:
    answer = post(admin_client, repository, "upload", {"into": "x"})
    assert answer.status_code == 422
    assert "Choose the files to upload" in answer.content.decode()


# ---- by digest ----


def test_lines_of_sha256sum_are_added(admin_client: Client, repository: Repository) -> None:
    lines = f"\r\n{line('x y', b'1')}\r\n\r\n{line('z', b'2').upper().replace('  Z', ' *z')}\r\n"
    assert post(admin_client, repository, "add", {"lines": lines}).status_code == 302
    run()
    assert served("files") == {"a": b"1", "b/c": b"2", "x y": b"1", "z": b"2"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "Enter the digest and path of each file."),
        (f"{line('x', b'1')}\nabc  y", "Line 2 is not a sha256"),
        (line("x", b"nowhere"), "No stored file has the sha256"),
        (f"{line('x', b'1')}\n{line('x', b'2')}", "“x” is named twice"),
        (line("../x", b"1"), "has an empty part"),
    ],
)
def test_lines_that_cannot_be_are_told(admin_client: Client, repository: Repository, lines: str, said: str) -> None:
    answer = post(admin_client, repository, "add", {"lines": lines})
    assert answer.status_code == 422
    assert said in answer.content.decode()


# ---- removing ----


def test_files_are_removed_by_their_paths(admin_client: Client, repository: Repository) -> None:
    assert post(admin_client, repository, "remove", {"lines": "a\r\n"}).status_code == 302
    run()
    assert served("files") == {"b/c": b"2"}


def test_the_form_begins_with_the_files_that_were_chosen(admin_client: Client, repository: Repository) -> None:
    page = admin_client.get(f"/repositories/{repository.pk}/remove/?path=a&path=b%2Fc")
    assert page.context["form"]["lines"].value() == "a\nb/c"


def test_what_is_not_there_is_not_removed(admin_client: Client, repository: Repository) -> None:
    answer = post(admin_client, repository, "remove", {"lines": "a\nnot there"})
    assert answer.status_code == 422
    assert "“not there” is not in version 1" in answer.content.decode()
