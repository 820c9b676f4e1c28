"""The process that fetches small files: what it brings, what it hands back, whom it asks and how, and when it ends."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from pytest_django.fixtures import Settings

from repos import pool
from repos.courier import Courier, Reported
from repos.errand import Handed
from repos.errors.storage import NotStored
from repos.fetch import Fetcher
from repos.pipeline import Wanted
from repos.transport import Transport
from tests.misbehaviour import Busy, Corrupt, Fault, Longer, Redirect, Shorter, Stall, Status
from tests.running import SOON, until
from tests.small_files import by_digest, children, entries_of, pooled, write_small
from tests.tls import (
    TlsUpstream,
    asking_for_client,
    client_pems,
    expired,
    for_other_names,
    good,
    pem_of,
    signed_by_itself,
)
from tests.upstream import EVERY_FILE, Upstream

HOUSE = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(data: Path) -> Path:
    (folder := data / "work").mkdir()
    return folder


@dataclass
class Told:
    """All that a process told: what it brought, what it handed back, and whether it has ended by itself."""

    done: list[int] = field(default_factory=list)
    back: list[Handed] = field(default_factory=list)
    ended: bool = False


@contextmanager
def going(upstream: Upstream, folder: Path, **values: object) -> Iterator[Courier]:
    courier = Courier(Transport.for_url(upstream.url, **values), upstream.url, folder)
    try:
        yield courier
    finally:
        courier.close()


def order(upstream: Upstream) -> list[Wanted]:
    """All files of an upstream, numbered from 1."""
    return [Wanted(number, f"/{path}", *rest) for number, (path, *rest) in enumerate(entries_of(upstream), 1)]  # type: ignore[arg-type]


def heard(courier: Courier, number: int) -> Told:
    """What it tells until so many files are accounted for, or it has ended."""
    told = Told()
    while len(told.done) + len(told.back) < number and not told.ended:
        report = courier.told.get(timeout=30)
        if isinstance(report, NotStored):
            raise report
        assert isinstance(report, Reported)
        told.done += report.done
        told.back += report.back
        told.ended = report.ended
    return told


def fetched(upstream: Upstream, folder: Path, **values: object) -> Told:
    with going(upstream, folder, **values) as courier:
        courier.send(order(upstream))
        return heard(courier, len(upstream.files))


def test_it_works(upstream: Upstream, folder: Path, data: Path) -> None:
    write_small(upstream, 60)
    told = fetched(upstream, folder)
    assert (sorted(told.done), told.back, told.ended) == (list(range(1, 61)), [], False)
    assert pooled(data) == by_digest(upstream)
    assert list(folder.iterdir()) == []


def test_it_takes_order_after_order(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 60)
    files = order(upstream)
    with going(upstream, folder) as courier:
        for begin in range(0, 60, 20):
            courier.send(files[begin : begin + 20])
            assert sorted(heard(courier, 20).done) == list(range(begin + 1, begin + 21))


def test_empty_files_are_files(upstream: Upstream, folder: Path, data: Path) -> None:
    upstream.write("empty", b"")
    assert fetched(upstream, folder).done == [1]
    assert list(pooled(data).values()) == [b""]


def test_files_are_as_those_that_threads_bring(upstream: Upstream, folder: Path) -> None:
    upstream.write("file", b"bytes")
    (aside := folder / "aside").write_bytes(b"other bytes")
    _, _ = pool.put(aside)
    assert fetched(upstream, folder).done == [1]
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (folder.parent / "pool").glob("*/*")}
    assert len(modes) == 1


@pytest.mark.parametrize("kind", ["damaged", "link"])
def test_what_lies_in_a_files_place_is_replaced(
    upstream: Upstream, folder: Path, data: Path, tmp_path: Path, kind: str
) -> None:
    upstream.write("file", b"bytes")
    ((_, sha256, _),) = entries_of(upstream)
    (elsewhere := tmp_path / "elsewhere").write_bytes(b"mine")
    place = pool.path(sha256)
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere) if kind == "link" else place.write_bytes(b"bYtes")
    assert fetched(upstream, folder).done == [1]
    assert (place.read_bytes(), place.is_symlink()) == (b"bytes", False)
    assert elsewhere.read_bytes() == b"mine"


def test_no_link_is_written_through(upstream: Upstream, folder: Path, tmp_path: Path) -> None:
    upstream.write("file", b"bytes")
    (elsewhere := tmp_path / "elsewhere").write_bytes(b"mine")
    (folder / "arriving").symlink_to(elsewhere)
    with pytest.raises(NotStored):
        fetched(upstream, folder)
    assert elsewhere.read_bytes() == b"mine"


# ---- what it hands back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Status(404, {"X-Why": "so"}), Redirect("/there"), Status(500)], ids=repr)
def test_an_answer_without_a_file_is_handed_back_whole(
    upstream: Upstream, folder: Path, data: Path, fault: Status
) -> None:
    upstream.write("file", b"bytes")
    upstream.fail("file", fault)
    ((number, answer),) = fetched(upstream, folder).back
    assert answer
    status, reason, headers = answer
    assert (number, status) == (1, fault.code)
    assert reason
    expected = {"location": "/there"} if isinstance(fault, Redirect) else fault.headers
    assert {name.lower(): value for name, value in expected.items()}.items() <= headers.items()
    assert not list((data / "pool").glob("*/*"))


@pytest.mark.parametrize("fault", [Corrupt(), Longer(), Shorter()], ids=repr)
def test_wrong_bytes_are_handed_back_and_not_kept(upstream: Upstream, folder: Path, data: Path, fault: Fault) -> None:
    write_small(upstream, 10)
    upstream.fail("0003", fault)
    told = fetched(upstream, folder)
    assert told.back == [(4, None)]
    assert len(pooled(data)) == 9
    assert upstream.count("0003") == 1


@pytest.mark.parametrize("code", [429, 503])
def test_who_asks_for_less_is_asked_for_nothing_more(upstream: Upstream, folder: Path, code: int) -> None:
    write_small(upstream, 400)
    upstream.fail(EVERY_FILE, Busy(3600, code))
    told = fetched(upstream, folder)
    assert sorted(number for number, _ in told.back) == list(range(1, 401))
    assert len(upstream.requests) < 40
    # What was answered is told with its answer: it is not asked for again.
    assert {answer[0] for _, answer in told.back if answer} == {code}


def test_it_goes_on_with_what_is_ordered_after_that(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 40)
    upstream.fail("0000", Busy(3600))
    files = order(upstream)
    with going(upstream, folder) as courier:
        courier.send(files[:20])
        assert len(heard(courier, 20).back) > 0
        courier.send(files[20:])
        assert len(heard(courier, 20).done) == 20


def test_an_upstream_that_is_gone_ends_it(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 10)
    upstream.stop()
    told = fetched(upstream, folder)
    upstream.start()
    assert (told.done, told.ended or len(told.back) == 10) == ([], True)


def test_of_an_upstream_that_goes_away_every_file_is_accounted_for(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 40)
    upstream.fail("0020", Stall(5))
    with going(upstream, folder) as courier:
        courier.send(order(upstream))
        until(lambda: upstream.count("0020"))
        upstream.stop()
        told = heard(courier, 40)
    upstream.start()
    assert sorted(told.done + [number for number, _ in told.back]) == list(range(1, 41))
    assert 21 in {number for number, _ in told.back}


# ---- whom it asks, and how -------------------------------------------------------------------------------


def test_requests_are_those_that_threads_send(upstream: Upstream, folder: Path) -> None:
    upstream.write("a b/é?#", b"bytes")
    values = {
        "username": "me",
        "password": "secret",
        "headers": (("X-Key", "value"), ("accept", "text/plain")),
        "user_agent": "mirror/1",
    }
    transport = Transport.for_url(upstream.url, **values)
    ((_, sha256, size),) = entries_of(upstream)
    target = "/a%20b/%C3%A9%3F%23"
    with Fetcher(transport) as fetcher:
        fetcher.fetch(upstream.url + target[1:], folder / "file")
    with going(upstream, folder, **values) as courier:
        courier.send([Wanted(1, target, sha256, size)])
        assert heard(courier, 1).done == [1]
    theirs, ours = upstream.requests
    assert ours.target == theirs.target == target
    sent = {name.lower(): value for name, value in ours.headers.items()}
    assert {"authorization", "x-key", "user-agent", "host", "accept-encoding"} <= sent.keys()
    # But for what only says that the connection is kept alive, which it is in HTTP/1.1.
    assert sent == {name.lower(): value for name, value in theirs.headers.items() if name.lower() != "connection"}


def test_what_tells_who_we_are_goes_to_one_origin_only(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 3)
    transport = Transport.for_url("http://elsewhere.example/", token="secret", headers=(("X-Key", "secret"),))
    courier = Courier(transport, upstream.url, folder)
    courier.send(order(upstream))
    assert len(heard(courier, 3).done) == 3
    courier.close()
    assert not [request for request in upstream.requests if "secret" in str(request.headers)]


def test_an_upstream_that_may_not_be_asked_is_not(upstream: Upstream, folder: Path, settings: Settings) -> None:
    settings.MILLRACE_ALLOW_PRIVATE = False
    write_small(upstream, 10)
    told = fetched(upstream, folder)
    assert (told.done, len(told.back)) == ([], 10)
    assert (upstream.connections, upstream.requests) == (0, [])


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/", "http://0x7f.1/"])
def test_addresses_that_nobody_may_ask_are_refused_at_once(folder: Path, url: str, settings: Settings) -> None:
    settings.MILLRACE_ALLOW_PRIVATE = "0x7f" not in url
    courier = Courier(Transport.for_url(url), url, folder)
    begun = time.monotonic()
    courier.send([Wanted(1, "/file", "0" * 64, 1)])
    told = heard(courier, 1)
    courier.close()
    assert (told.done, told.back) == ([], [(1, None)])
    # Nobody was waited for.
    assert time.monotonic() - begun < 8


# ---- TLS -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def over_tls(context: object, folder: Path, **values: object) -> Told:
    with TlsUpstream(context) as upstream:  # type: ignore[arg-type]
        write_small(upstream, 60)
        return fetched(upstream, folder, **values)


def test_an_upstream_behind_tls_is_asked(folder: Path, authority: trustme.CA, data: Path) -> None:
    told = over_tls(good(authority), folder, ca_certificate=pem_of(authority))
    assert len(told.done) == len(pooled(data)) == 60


def test_bodies_that_are_longer_than_a_record_come_whole(folder: Path, authority: trustme.CA, data: Path) -> None:
    with TlsUpstream(good(authority)) as upstream:
        for number in range(20):
            upstream.write_pattern(f"{number}", 200_000, number)
            upstream.write(f"{number}", bytes([number]) * 200_000)
        assert len(fetched(upstream, folder, ca_certificate=pem_of(authority)).done) == 20
        assert pooled(data) == by_digest(upstream)


def test_a_certificate_is_shown_to_who_asks_for_it(folder: Path, authority: trustme.CA) -> None:
    certificate, key = client_pems(authority)
    values = {"ca_certificate": pem_of(authority), "client_certificate": certificate, "client_key": key}
    assert len(over_tls(asking_for_client(authority), folder, **values).done) == 60


def test_a_certificate_is_shown_to_one_origin_only(folder: Path, authority: trustme.CA) -> None:
    certificate, key = client_pems(authority)
    with TlsUpstream(asking_for_client(authority)) as upstream:
        write_small(upstream, 10)
        transport = Transport.for_url(
            "https://elsewhere.example/",
            ca_certificate=pem_of(authority),
            client_certificate=certificate,
            client_key=key,
        )
        courier = Courier(transport, upstream.url, folder)
        courier.send(order(upstream))
        told = heard(courier, 10)
        courier.close()
    assert (told.done, upstream.requests) == ([], [])


@pytest.mark.parametrize("wrong", [for_other_names, expired, signed_by_itself, good])
def test_an_upstream_that_is_not_trusted_is_asked_for_nothing(
    folder: Path, authority: trustme.CA, wrong: object, capfd: pytest.CaptureFixture[str]
) -> None:
    with TlsUpstream(wrong(authority)) as upstream:  # type: ignore[operator]
        write_small(upstream, 10)
        # The good one is trusted by others only.
        told = fetched(upstream, folder, ca_certificate=pem_of(trustme.CA() if wrong is good else authority))
        assert (told.done, upstream.requests) == ([], [])
    assert capfd.readouterr() == ("", "")


def test_whoever_it_is_may_be_asked_where_a_person_says_so(folder: Path, authority: trustme.CA) -> None:
    assert len(over_tls(for_other_names(authority), folder, tls_verify=False).done) == 60


# ---- the process itself ----------------------------------------------------------------------------------


def test_it_knows_nothing_of_django(upstream: Upstream) -> None:
    script = (
        "import sys, repos.pipelining, repos.tls; "
        "print([one for one in sys.modules if one.split('.')[0] in ('django', 'requests', 'huey', 'dashboard')])"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nobody_who_looks_at_it_sees_a_secret(
    upstream: Upstream, folder: Path, authority: trustme.CA, capfd: pytest.CaptureFixture[str]
) -> None:
    write_small(upstream, 3)
    certificate, key = client_pems(authority)
    values = {
        "token": "my-token",
        "headers": (("X-Key", "my-key"),),
        "client_certificate": certificate,
        "client_key": key,
    }
    with going(upstream, folder, **values) as courier:
        courier.send(order(upstream))
        heard(courier, 3)
        (pid,) = children()
        seen = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        # And what it would say of itself.
        os.kill(pid, signal.SIGABRT)
        assert heard(courier, 1).ended
    out, err = capfd.readouterr()
    secrets = ["my-token", "my-key", *key.splitlines()[1:-1]]
    assert not [secret for secret in secrets if secret in seen.decode("utf-8", "replace") + out + err]


def test_a_terminals_interrupt_is_not_for_it(
    upstream: Upstream, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_small(upstream, 20)
    with going(upstream, folder) as courier:
        courier.send(order(upstream)[:10])
        heard(courier, 10)
        os.kill(children()[0], signal.SIGINT)
        courier.send(order(upstream)[10:])
        assert len(heard(courier, 10).done) == 10
    assert capfd.readouterr() == ("", "")


PARENT = """
import subprocess, sys, time
from multiprocessing import Pipe
from repos.pipeline import Wanted
from repos.errand import Errand
mine, theirs = Pipe()
command = [sys.executable, "-m", "repos.pipelining", str(theirs.fileno())]
child = subprocess.Popen(command, pass_fds=[theirs.fileno()])
theirs.close()
mine.send(Errand("127.0.0.1", int(sys.argv[1]), b"Host: x\\r\\n\\r\\n", 4, 10, 600, 0, True, sys.argv[2], sys.argv[2]))
mine.send([Wanted(number, f"/{number:04}", "0" * 64, 1) for number in range(50)])
print(child.pid, flush=True)
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_it_ends_with_the_process_that_started_it_however_that_ends(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 50)
    upstream.fail(EVERY_FILE, Stall())
    command = [sys.executable, "-c", PARENT, str(upstream.port), str(folder)]
    with subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        until(lambda: upstream.requests)
        parent.kill()
        parent.wait()
        killed = time.monotonic()
        until(lambda: is_gone(pid))
    assert time.monotonic() - killed < SOON
