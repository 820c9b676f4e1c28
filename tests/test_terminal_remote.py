"""`manage.py remote`: every field of a remote, and no secret told."""

import io
import sys
from pathlib import Path

import pytest
import trustme

from repos import remotes, vault
from repos.create import make_repository
from repos.management.remote_options import FIELDS
from repos.models import Remote
from tests.terminal import Terminal, call, rows
from tests.tls import client_pems, pem_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

URL = "https://up.example/files/"


def facts(name: str) -> dict[str, str]:
    return {row[0]: row[1] for row in rows("remote", "show", name)}


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """A file with a secret, and the end of line that editors add."""
    file = tmp_path / "secret"
    file.write_text("hush \n")
    return str(file)


def test_it_works(secret: str) -> None:
    limits = ["--concurrency", "3", "--rate-limit", "1MB"]
    made = call(
        "remote", "create", "up", URL, "--username", "ada", "--password-file", secret, "--no-tls-verify", *limits
    )
    assert made == (0, "Made remote “up”.\n")
    remote = Remote.objects.get()
    assert vault.reveal(remote.password) == "hush ", "spaces may be part of it, the end of the line is not"
    assert (remote.username, remote.tls_verify, remote.concurrency, remote.rate_limit) == ("ada", False, 3, 1_000_000)
    assert facts("up") | {"username": "ada", "password": "set", "tls-verify": "no", "token": "not set"} == facts("up")
    assert call("remote", "edit", "up", "--name", "other", "--tls-verify", "--tries", "7")[0] == 0
    assert (facts("other")["tries"], facts("other")["concurrency"], facts("other")["password"]) == ("7", "3", "set")
    assert rows("remote", "list") == [["other", URL, "0"]]
    status, said = call("remote", "delete", "other", "--yes")
    assert status == 0
    assert "goes with it: The address https://up.example/files/, and its login" in said
    assert not Remote.objects.exists()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    for field in Remote.SECRETS:
        if field != "client_key":
            (tmp_path / field).write_text("X-Hush: hush" if field == "headers" else "hush")
    files = {field: str(tmp_path / field) for field in Remote.SECRETS}
    options = ["--proxy-url", "http://proxy.example:1", "--proxy-username", "eve"]
    options += ["--proxy-password-file", files["proxy_password"], "--headers-file", files["headers"]]
    assert call("remote", "create", "up", URL, "--token-file", files["token"], *options)[0] == 0
    for words in (["show", "up"], ["list"], ["edit", "up", "--tries", "2"], ["delete", "up", "--yes"]):
        status, said = call("remote", *words)
        assert status == 0
        assert "hush" not in said
        assert "gAAAA" not in said


def test_every_field_has_its_option() -> None:
    for field in FIELDS:
        assert getattr(Remote(), field) is not None
    shown = set(facts(remotes.make(name="up", url=URL).name))
    assert shown - {"name", "url", "used-by"} == {field.replace("_", "-") for field in FIELDS}
    assert set(FIELDS) | {"name", "url"} == {*remotes.FIELDS, *Remote.SECRETS}


def test_certificates_and_keys_come_from_files(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate, key = client_pems(authority)
    for name, text in (("ca", pem_of(authority)), ("certificate", certificate), ("key", key)):
        (tmp_path / name).write_text(text)
    files = ["--ca-file", f"{tmp_path}/ca", "--client-certificate-file", f"{tmp_path}/certificate"]
    assert call("remote", "create", "up", URL, *files, "--client-key-file", f"{tmp_path}/key")[0] == 0
    remote = Remote.objects.get()
    assert remote.ca_certificate == pem_of(authority).strip()
    assert "BEGIN" not in call("remote", "show", "up")[1]
    assert [facts("up")[name] for name in ("ca-certificate", "client-certificate", "client-key")] == ["set"] * 3


def test_a_secret_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hush\r\n"))
    assert call("remote", "create", "up", URL, "--token-file", "-")[0] == 0
    assert vault.reveal(Remote.objects.get().token) == "hush"


def test_a_person_types_it_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("repos.management.remote_options.getpass", lambda prompt: "hush")
    assert call("remote", "create", "up", URL, "--token-file", "-")[0] == 0
    assert vault.reveal(Remote.objects.get().token) == "hush"


def test_an_empty_value_removes_what_is_set(secret: str) -> None:
    remotes.make(name="up", url=URL, username="ada", password="hush")
    status, said = call("remote", "edit", "up", "--username", "", "--password-file", "")
    assert status == 0, said
    assert (Remote.objects.get().username, Remote.objects.get().password) == ("", "")


def test_one_that_is_used_is_not_deleted() -> None:
    make_repository(name="files", url=URL)
    status, said = call("remote", "delete", "files", "--yes")
    assert status == 2
    assert "“files” is the remote of the repository “files”. Choose another remote there first." in said


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["show", "nothing"], "There is no remote called “nothing”"),
        (["delete", "nothing", "--yes"], "There is no remote called “nothing”"),
        (["edit", "nothing", "--tries", "2"], "There is no remote called “nothing”"),
        (["edit", "up"], "Say what is to be other"),
        (["edit", "up", "--tries", "0"], "tries: Give a whole number from 1 to 20."),
        (["edit", "up", "--url", "ftp://up.example/"], "must begin with http:// or https://"),
        (["edit", "up", "--url", "https://ada:hush@up.example/"], "has a user name or a password in it"),
        (["edit", "up", "--url", "https://elsewhere.example/"], "password: What is stored was entered for"),
        (["edit", "up", "--token-file", "{secret}"], "only one login can be sent"),
        (["edit", "up", "--client-key-file", "{secret}"], "no private key in PEM form"),
        (["edit", "up", "--headers-file", "{secret}"], "headers: Line 1 is not of the form"),
        (["edit", "up", "--password-file", "/nowhere"], "Cannot read '/nowhere': No such file or directory."),
        (["edit", "up", "--password-file", "{binary}"], "it is no text in UTF-8"),
        (["edit", "up", "--password-file", "/dev/zero"], "password: It is longer than"),
        (["create", "up", URL], "There is already a remote called “up”."),
        (["create", "new", "nowhere"], "must begin with http:// or https://"),
    ],
)
def test_bad_arguments_are_status_2_and_tell_no_secret(
    secret: str, tmp_path: Path, arguments: list[str], answer: str
) -> None:
    (tmp_path / "binary").write_bytes(b"hush\xff")
    before = remotes.make(name="up", url=URL, username="ada", password="hush")
    status, said = call("remote", *(one.format(secret=secret, binary=tmp_path / "binary") for one in arguments))
    assert status == 2, said
    assert answer in said
    assert "hush" not in said
    assert Remote.objects.values().get() == Remote.objects.filter(pk=before.pk).values().get()
