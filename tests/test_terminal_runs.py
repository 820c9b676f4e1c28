"""What a run does, chosen by options: more than the toggles say, or less; which version, with which settings."""

import io
import sys

import pytest

from repos.models import Artifact, Distribution, Job, Publication, PublishSettings, Repository
from tests import factories
from tests.running import metadata, served
from tests.terminal import call
from tests.upstream import Upstream

pytestmark = pytest.mark.any_database


ALL = ["sync", "publish", "distribute"]


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    upstream.write("a", b"1")
    return upstream


@pytest.fixture
def uploads(transactional_db: None, bell: list[int]) -> Repository:
    """Additive, with a distribution, and one stored file that is in no version."""
    factories.artifact(b"stored")
    return factories.repository()


def toggle(repository: Repository, *, publish: bool, distribute: bool) -> None:
    Repository.objects.filter(pk=repository.pk).update(auto_publish=publish, auto_distribute=distribute)


@pytest.mark.parametrize(
    ("options", "without", "with_publish", "with_both"),
    [
        ([], 1, 2, 3),
        (["--only-sync"], 1, 1, 1),
        (["--publish"], 2, 2, 3),
        (["--no-distribute"], 2, 2, 2),
        (["--publish", "--no-distribute"], 2, 2, 2),
        (["--distribute"], 3, 3, 3),
        (["--publish", "--distribute"], 3, 3, 3),
    ],
)
@pytest.mark.parametrize("toggles", [(False, False), (True, False), (True, True)])
def test_a_run_overrides_the_toggles_either_way(
    stocked: Upstream,
    repository: Repository,
    toggles: tuple[bool, bool],
    options: list[str],
    without: int,
    with_publish: int,
    with_both: int,
) -> None:
    toggle(repository, publish=toggles[0], distribute=toggles[1])
    status, said = call("sync", "files", *options)
    assert status == 0, said
    assert Job.objects.get().actions == ALL[: [without, with_publish, with_both][sum(toggles)]]


def test_changes_by_hand_override_them_too(uploads: Repository) -> None:
    toggle(uploads, publish=False, distribute=False)
    sha256 = Artifact.objects.get().sha256
    assert call("add", "files", f"{sha256}:a", "--publish")[0] == 0
    assert (Publication.objects.count(), served("files")) == (1, None)
    assert call("remove", "files", "a", "--distribute")[0] == 0
    assert served("files") == {}
    assert call("restore", "files", "1")[0] == 0
    assert served("files") == {}


@pytest.mark.parametrize("command", [["sync", "files"], ["remove", "files", "a"]])
def test_distribute_without_publish_is_refused(repository: Repository, command: list[str]) -> None:
    only = "--only-sync" if command[0] == "sync" else "--only-change"
    status, said = call(*command, only, "--distribute")
    assert status == 2
    assert "cannot distribute without publishing" in said
    assert not Job.objects.exists()


def test_only_sync_and_publish_contradict_each_other(repository: Repository) -> None:
    status, said = call("sync", "files", "--only-sync", "--publish")
    assert status
    assert "not allowed with argument" in said


# ---- publish -----------------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(uploads: Repository) -> Repository:
    factories.serve(uploads, {"a": b"1"})
    factories.serve(uploads, {"b": b"2"})
    return uploads


def test_any_version_is_published_with_any_settings(two_versions: Repository) -> None:
    status, said = call("publish", "files", "--version", "1", "--checksums", "SHA256SUMS")
    assert status == 0
    assert "published version 1." in said
    made = Publication.objects.latest("pk")
    assert (made.version.number, made.settings.manifest, made.settings.checksums) == (1, "PULP_MANIFEST", "SHA256SUMS")
    assert served("files") == {"a": b"1", "b": b"2"}, "what is served stays as it is"


def test_what_is_not_named_is_as_the_repository_has_it(two_versions: Repository) -> None:
    own = PublishSettings.objects.matching(manifest="LIST", checksums="SUMS")
    Repository.objects.update(publish_settings=own)
    call("publish", "files", "--manifest", "")
    settings = Publication.objects.latest("pk").settings
    assert (settings.manifest, settings.checksums) == ("", "SUMS")


def test_the_settings_of_the_repository_are_the_same_by_their_values(two_versions: Repository) -> None:
    call("publish", "files", "--manifest", "PULP_MANIFEST")
    assert Job.objects.get().request == "publish"


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["--version", "7"], "has no version 7 any more, or never had"),
        (["--version", "7", "--checksums", "NEW"], "has no version 7 any more, or never had"),
        (["--checksums", "a/b"], "without a folder"),
        (["--checksums", "PULP_MANIFEST"], "cannot be two files"),
    ],
)
def test_what_cannot_be_published_is_status_2_and_makes_nothing(
    two_versions: Repository, options: list[str], answer: str
) -> None:
    status, said = call("publish", "files", *options)
    assert status == 2
    assert answer in said
    assert (Job.objects.count(), PublishSettings.objects.count()) == (0, 1)


# ---- add ---------------------------------------------------------------------------------------------------


def test_stored_bytes_are_added_by_their_digest(uploads: Repository) -> None:
    sha256 = Artifact.objects.get().sha256
    status, said = call("add", "files", f"{sha256.upper()}:a", f"{sha256}:sub/b:c")
    assert status == 0, said
    assert served("files") == {"a": b"stored", "sub/b:c": b"stored"}
    assert "PULP_MANIFEST" in metadata("files")


def test_digests_come_from_sha256sum_too(uploads: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = Artifact.objects.get().sha256
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{sha256}  a b\n\n{sha256} *c\n"))
    assert call("add", "files", "-")[0] == 0
    assert served("files") == {"a b": b"stored", "c": b"stored"}


@pytest.mark.parametrize("text", ["nonsense\n", "{sha256} a\n", "{sha256}\n"])
def test_a_bad_line_is_named(uploads: Repository, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    sha256 = Artifact.objects.get().sha256
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{sha256}  a\n{text.format(sha256=sha256)}"))
    status, said = call("add", "files", "-")
    assert status == 2
    assert "Line 2 is not a sha256" in said


def test_other_bytes_are_replaced_only_when_asked(uploads: Repository) -> None:
    sha256 = Artifact.objects.get().sha256
    factories.serve(uploads, {"a": b"1"})
    status, said = call("add", "files", f"{sha256}:a")
    assert status == 2
    assert "“a” is there already, with other bytes" in said
    assert call("add", "files", f"{sha256}:a", "--replace")[0] == 0
    assert served("files") == {"a": b"stored"}
    status, said = call("add", "files", f"{sha256}:a")
    assert status == 0
    assert "All of this is in version 2 already" in said


@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("nonsense", "is not a sha256"),
        (f"{'0' * 64}:a", "No stored file has the sha256"),
        ("{sha256}:../a", "has an empty part, “.” or “..”"),
        ("{sha256}:", "is empty"),
        ("{sha256}:PULP_MANIFEST", "a list that publishing writes itself"),
    ],
)
def test_what_cannot_be_added_is_status_2(uploads: Repository, file: str, answer: str) -> None:
    status, said = call("add", "files", file.format(sha256=Artifact.objects.get().sha256))
    assert status == 2
    assert answer in said
    assert not Job.objects.exists()
    assert Distribution.objects.get().publication is None
