"""`manage.py serve`: one command that has everything, loses nothing when it ends, and mends itself."""

import functools
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests.running import PATIENCE, until
from tests.serving import MANAGE, PASSWORD, Millrace
from tests.upstream import MANIFEST, Gate, Upstream

pytestmark = pytest.mark.server

FILES = 40


@pytest.fixture
def filled(upstream: Upstream) -> Upstream:
    for number in range(FILES):
        upstream.write(f"{number}", b"%d" % number * 30)
    return upstream


def served(millrace: Millrace) -> dict[str, bytes]:
    """All that is served at `files`, by the published manifest."""
    base = f"{millrace.address}/content/files/"
    lines = requests.get(f"{base}PULP_MANIFEST", timeout=10).text.splitlines()
    paths = [line.rsplit(",", 2)[0] for line in lines]
    return {path: requests.get(base + path, timeout=10).content for path in paths}


def in_the_middle(millrace: Millrace, upstream: Upstream) -> tuple[Gate, "subprocess.Popen[bytes]"]:
    """Hands a job to the running server, and waits until all but one of its files are stored."""
    gate = upstream.hold("7")
    client = subprocess.Popen(
        [*MANAGE, "mirror", upstream.manifest_url, "files", "files"],
        env=millrace.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(list((millrace.data / "pool").glob("*/*"))) == FILES - 1, "all but one file are stored")
    return gate, client


def finish(millrace: Millrace, gate: Gate, client: "subprocess.Popen[bytes]") -> None:
    gate.release()
    until(lambda: millrace.job()[0] == "completed", "the job is completed")
    assert client.wait(20) == 0


def test_it_works(new_millrace: Millrace, filled: Upstream) -> None:
    new_millrace.start()
    result = new_millrace.manage("mirror", filled.manifest_url, "files", "files")
    assert result.returncode == 0, result.stderr
    assert "now served at /content/files/" in result.stdout
    assert served(new_millrace) == filled.files
    assert str(new_millrace.data) in new_millrace.job()[2], "the server's worker ran it, not the terminal"
    started = time.monotonic()
    assert new_millrace.stop() == 0
    assert time.monotonic() - started < 10


@pytest.mark.any_database
def test_a_made_up_password_is_printed_once(new_millrace: Millrace) -> None:
    new_millrace.start(MILLRACE_ADMIN_PASSWORD="")
    password = new_millrace.said().split("password: ")[1].split()[0]
    session = requests.Session()
    session.get(f"{new_millrace.address}/login/", timeout=10)
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    assert session.post(f"{new_millrace.address}/login/", form, timeout=10).url == f"{new_millrace.address}/"
    new_millrace.stop()
    new_millrace.start(MILLRACE_ADMIN_PASSWORD="")
    assert "password:" not in new_millrace.said()


@pytest.mark.any_database
def test_a_given_password_is_not_printed(new_millrace: Millrace) -> None:
    new_millrace.start()
    assert "admin" in new_millrace.said()
    assert PASSWORD not in new_millrace.said()


@pytest.mark.any_database
def test_ctrl_c_ends_it_too(millrace: Millrace) -> None:
    millrace.start()
    assert millrace.stop(signal.SIGINT) == 0


def test_a_killed_worker_is_replaced_and_its_job_goes_on(millrace: Millrace, filled: Upstream) -> None:
    millrace.start()
    gate, client = in_the_middle(millrace, filled)
    before = millrace.worker()
    os.kill(before, signal.SIGKILL)
    until(lambda: millrace.worker() != before, "another worker")
    until(lambda: millrace.job()[:2] == ("running", 1), "the job is taken up again")
    finish(millrace, gate, client)
    assert served(millrace) == filled.files
    refetched = {path: filled.count(path) for path in filled.files if filled.count(path) > 1}
    assert set(refetched) == {"7"}, "only the file that had not come is asked for again"


def test_a_worker_that_hangs_is_replaced(millrace: Millrace, filled: Upstream) -> None:
    millrace.start(MILLRACE_SILENCE_SECONDS="1.5")
    gate, client = in_the_middle(millrace, filled)
    os.kill(millrace.worker(), signal.SIGSTOP)
    until(lambda: millrace.job()[1] == 1, "its job is taken from it")
    finish(millrace, gate, client)
    assert served(millrace) == filled.files


def test_an_ending_server_gives_its_job_back(millrace: Millrace, filled: Upstream) -> None:
    millrace.start()
    gate, client = in_the_middle(millrace, filled)
    # Else the terminal would take the job up itself as soon as there is no server.
    client.kill()
    client.wait()
    started = time.monotonic()
    assert millrace.stop() == 0
    assert time.monotonic() - started < 10
    assert millrace.job()[:2] == ("waiting", 0)
    gate.release()
    millrace.start()
    until(lambda: millrace.job()[0] == "completed", "the next server ends it")
    assert served(millrace) == filled.files


def test_a_terminal_takes_up_the_job_that_its_server_gave_back(millrace: Millrace, filled: Upstream) -> None:
    millrace.start()
    gate, client = in_the_middle(millrace, filled)
    assert millrace.stop() == 0
    until(lambda: ":terminal:" in millrace.job()[2], "the terminal runs the job")
    finish(millrace, gate, client)


def test_a_killed_server_takes_its_worker_with_it(millrace: Millrace, filled: Upstream) -> None:
    millrace.start()
    gate, client = in_the_middle(millrace, filled)
    client.kill()
    client.wait()
    worker = millrace.worker()
    assert millrace.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not Path(f"/proc/{worker}").exists(), "the worker ends by itself")
    assert millrace.job()[:2] == ("waiting", 0)
    filled.reset_log()
    gate.release()
    millrace.start()
    until(lambda: millrace.job()[0] == "completed", "the job goes on")
    assert served(millrace) == filled.files
    assert sorted(request.path for request in filled.requests) == ["7", MANIFEST]


@pytest.mark.any_database
def test_ctrl_c_cancels_what_runs_in_the_terminal(millrace: Millrace, filled: Upstream) -> None:
    gate, client = in_the_middle(millrace, filled)
    client.send_signal(signal.SIGINT)
    # Before the file has come that is held: how soon is for other tests, the disk may be busy with theirs.
    assert client.wait(PATIENCE) == 1
    gate.release()
    assert millrace.job()[0] == "canceled"


@pytest.mark.any_database
def test_a_reader_that_goes_away_does_not_end_the_job(millrace: Millrace, filled: Upstream) -> None:
    """As in `manage.py mirror … | head -1`; and nothing was ever started on this data."""
    command = [*MANAGE, "mirror", filled.manifest_url, "files", "files"]
    with subprocess.Popen(command, env=millrace.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        assert client.stdout and client.stderr
        client.stdout.close()
        assert client.stderr.read() == b""
        assert client.wait(PATIENCE) == 0
    assert millrace.job()[0] == "completed"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("MILLRACE_URL", "mirror.example", "has to be like https://mirror.example"),
        ("MILLRACE_LOG_LEVEL", "loud", "has to be DEBUG, INFO, WARNING or ERROR"),
        ("MILLRACE_LANGUAGE", "tlh", "has to be one of en, not tlh"),
        ("MILLRACE_GRACE_DAYS", "abc", "has to be a number, 0 or more, not abc"),
        ("MILLRACE_RESERVE_BYTES", "much", "has to be a number of bytes, such as 256MB, 0 or more, not much"),
        ("MILLRACE_SILENCE_SECONDS", "0", "has to be a number, 1 or more, not 0"),
        ("MILLRACE_DATA", "/proc/nowhere", "cannot be made or used"),
        ("DATABASE_URL", "secret://user:secret@host", "has to be like postgres://user:password@host/name"),
    ],
)
def test_a_wrong_setting_is_named(millrace: Millrace, name: str, value: str, why: str) -> None:
    result = subprocess.run(
        [*MANAGE, "serve"], env=millrace.env(**{name: value}), capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith(f"A setting is wrong: {name}")
    assert why in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.any_database
def test_only_one_serves_a_data_folder(millrace: Millrace) -> None:
    millrace.start()
    second = millrace.manage("serve", "--listen", "127.0.0.1:0")
    assert second.returncode == 1
    assert "Another Millrace is already serving" in second.stderr


@pytest.mark.any_database
def test_behind_tls_only_the_proxy_is_believed(millrace: Millrace) -> None:
    millrace.start(MILLRACE_URL="https://mirror.example")
    host = {"Host": "mirror.example"}
    ask = functools.partial(requests.get, allow_redirects=False, timeout=10)
    plain = ask(f"{millrace.address}/", headers=host)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://mirror.example/")
    secure = ask(f"{millrace.address}/", headers=host | {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
    assert (secure.status_code, secure.headers["Location"]) == (302, "/login/?next=/")
    assert "max-age=31536000" in secure.headers["Strict-Transport-Security"]
    millrace.stop()
    millrace.start(MILLRACE_URL="https://mirror.example", MILLRACE_PROXY="192.0.2.9")
    assert ask(f"{millrace.address}/", headers=host | {"X-Forwarded-Proto": "https"}).status_code == 301


@pytest.mark.any_database
@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:99999", ":8000x", "nowhere.invalid:80"])
def test_a_bad_address_is_refused(millrace: Millrace, listen: str) -> None:
    result = millrace.manage("serve", "--listen", listen)
    assert result.returncode == 2
    assert "HOST:PORT" in result.stderr


@pytest.mark.any_database
def test_every_log_line_about_a_job_has_its_id(millrace: Millrace, filled: Upstream) -> None:
    millrace.start()
    millrace.manage("mirror", filled.manifest_url, "files", "files")
    until(lambda: "Completed" in millrace.said(), "the log tells of the end")
    for module in ("repos.chain", "repos.endings"):
        about = [line for line in millrace.said().splitlines() if module in line]
        assert about
        assert all("job=1 " in line for line in about)
