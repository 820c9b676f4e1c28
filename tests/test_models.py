"""What must never be false is a named constraint: each refuses what it must. And the queries that have a name."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError, UniqueConstraint
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from repos import reservations
from repos.models import (
    AccessToken,
    Artifact,
    Content,
    Damage,
    Distribution,
    FailedFile,
    Job,
    LogLine,
    ProgressReport,
    Publication,
    PublishedMetadata,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
    RequestedChange,
    Reservation,
    Switch,
    SyncState,
    Worker,
)
from repos.models.job import ACTIVE, ENDED, State
from tests import factories

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def files() -> Repository:
    """A repository whose version 1, with one file, is served."""
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    return files


def the_publication() -> Publication:
    return Publication.objects.get()


def refusal(make: Callable[[], object]) -> str:
    """What the database says when it refuses."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make()
    return str(caught.value)


def all_constraints() -> dict[str, tuple[type[models.Model], models.BaseConstraint]]:
    """Those of the domain by their names, each with its model."""
    known = apps.get_app_config("repos").get_models()
    return {constraint.name: (model, constraint) for model in known for constraint in model._meta.constraints}


def words(name: str) -> list[str]:
    """Those of a refusal: the constraint's name, or, for what SQLite finds not unique, its columns."""
    model, constraint = all_constraints()[name]
    if connection.vendor == "sqlite" and isinstance(constraint, UniqueConstraint):
        columns = {field.name: field.column for field in model._meta.concrete_fields}
        return [f"{model._meta.db_table}.{columns[field]}" for field in constraint.fields]
    return [name]


# A state that is not known is neither one of those that have an end nor one of those that have none: PostgreSQL,
# which looks at constraints in the order of their names, says that.
SAID_INSTEAD = {"job_state_is_known": "job_finished_when_ended"}


# ---- each row: a constraint, and an object that breaks it and nothing else ---------------------------------


def remote(**values: Any) -> models.Model:
    return Remote(**{"name": "other", "url": "http://127.0.0.1/", **values})


def repository(**values: Any) -> models.Model:
    return Repository(**{"name": "other", "publish_settings": PublishSettings.objects.matching(), **values})


def version(**values: Any) -> models.Model:
    return RepositoryVersion(**{"repository": Repository.objects.get(), "number": 2, "complete": True, **values})


def second_in_the_making() -> models.Model:
    version(complete=False).save()
    return version(number=3, complete=False)


def content(**values: Any) -> models.Model:
    parts = {"repository": Repository.objects.get(), "path": "b", "artifact": Artifact.objects.all()[0], "added": 1}
    return Content(**{**parts, **values})


def metadata(**values: Any) -> models.Model:
    parts = {"publication": the_publication(), "path": "SUMS", "artifact": Artifact.objects.all()[0]}
    return PublishedMetadata(**{**parts, **values})


def distribution(**values: Any) -> models.Model:
    return Distribution(**{"base_path": "other", "repository": Repository.objects.get(), **values})


def job(**values: Any) -> Job:
    parts = {"with_sync": True, "with_publish": True, "with_distribute": True, **values}
    request = " ".join(name for name in parts if name.startswith("with_") and parts[name])
    return Job(**{"repository": Repository.objects.order_by("pk")[0], "request": request or "-", **parts})


def running(**values: Any) -> Job:
    parts = {"state": State.RUNNING, "worker": "one", "started_at": NOW, "heartbeat_at": NOW}
    return job(**{**parts, **values})


def after(first: models.Model, second: models.Model) -> models.Model:
    """The second of two that cannot both be: the first is saved."""
    first.save()
    return second


def saved(row: Job) -> Job:
    row.save()
    return row


def report(**values: Any) -> models.Model:
    parts = {"action": "sync", "code": "sync.parsing.metadata", "message": "Reading"}
    return ProgressReport(**{"job": saved(job()), **parts, **values})


def second_holder() -> models.Model:
    first, second = saved(job(with_sync=False)), saved(job())
    return after(
        Reservation(job=first, resource="repository:1", held=True),
        Reservation(job=second, resource="repository:1", held=True),
    )


def second_reservation() -> models.Model:
    one = saved(job())
    return after(Reservation(job=one, resource="repository:1"), Reservation(job=one, resource="repository:1"))


def verify(**values: Any) -> Job:
    upkeep = {"with_sync": False, "with_publish": False, "with_distribute": False, "with_verify": True}
    return job(**{"repository": None, **upkeep, **values})


def second_change() -> models.Model:
    one = saved(job())
    return after(RequestedChange(job=one, path="a"), RequestedChange(job=one, path="a"))


BROKEN: list[tuple[str, Callable[[], models.Model]]] = [
    ("remote_has_name", lambda: remote(name="")),
    ("remote_url_is_http", lambda: remote(url="ftp://127.0.0.1/")),
    ("remote_url_is_http", lambda: remote(url="")),
    ("remote_kind_is_known", lambda: remote(kind="other")),
    ("remote_policy_is_known", lambda: remote(policy="other")),
    ("remote_concurrency_in_range", lambda: remote(concurrency=0)),
    ("remote_concurrency_in_range", lambda: remote(concurrency=101)),
    ("remote_tries_in_range", lambda: remote(tries=0)),
    ("remote_tries_in_range", lambda: remote(tries=21)),
    ("remote_waits_some_time", lambda: remote(connect_timeout=0)),
    ("remote_waits_some_time", lambda: remote(read_timeout=0)),
    # A secret as it is can be stored nowhere.
    ("remote_password_is_sealed", lambda: remote(username="me", password="open sesame")),
    ("remote_token_is_sealed", lambda: remote(token="open sesame")),
    ("remote_headers_is_sealed", lambda: remote(headers="X-Key: open sesame")),
    ("remote_client_key_is_sealed", lambda: remote(client_certificate="C", client_key="open sesame")),
    ("remote_proxy_password_is_sealed", lambda: remote(proxy_password="open sesame")),
    ("remote_one_kind_of_login", lambda: remote(username="me", token="gAAAAAx")),
    ("remote_key_has_certificate", lambda: remote(client_key="gAAAAAx")),
    ("publish_settings_once", lambda: PublishSettings()),
    ("publish_settings_names_differ", lambda: PublishSettings(manifest="A", checksums="A")),
    ("repository_has_name", lambda: repository(name="")),
    ("repository_distribute_needs_publish", lambda: repository(auto_publish=False, auto_distribute=True)),
    ("repository_brake_is_percentage", lambda: repository(brake=101)),
    ("repository_keeps_something", lambda: repository(keep_versions=0)),
    ("repository_keeps_something", lambda: repository(keep_days=0)),
    ("repository_stale_some_time", lambda: repository(stale_days=0)),
    ("version_number_once", lambda: version(number=1)),
    ("version_one_in_the_making", second_in_the_making),
    ("version_0_is_empty", lambda: after_removal_of_version_0(version(number=0, files=1))),
    ("version_0_is_empty", lambda: after_removal_of_version_0(version(number=0, size=1))),
    ("version_0_is_empty", lambda: after_removal_of_version_0(version(number=0, removed=1))),
    ("version_0_is_empty", lambda: after_removal_of_version_0(version(number=0, failed=1))),
    ("version_0_is_empty", lambda: after_removal_of_version_0(version(number=0, complete=False))),
    ("version_has_its_additions", lambda: version(files=2, added=3)),
    ("version_has_its_additions", lambda: version(files=2, added=1, changed=2)),
    ("artifact_sha256_is_whole", lambda: Artifact(sha256="0" * 63, size=1)),
    ("artifact_sha256_is_whole", lambda: Artifact(sha256="", size=1)),
    # Its bytes lie in the pool under the name in small letters, and would never be found.
    ("artifact_sha256_is_lower", lambda: Artifact(sha256="ABCDEF01" * 8, size=1)),
    ("damage_cause_is_known", lambda: Damage(artifact=Artifact.objects.all()[0], cause="rust", why="it is red")),
    ("content_path_once", lambda: content(path="a")),
    ("content_path_once", lambda: after(content(path="b", added=1, removed=2), content(path="b", added=0, removed=2))),
    ("content_has_path", lambda: content(path="")),
    ("content_added_before_removed", lambda: content(added=2, removed=2)),
    ("content_added_before_removed", lambda: content(added=2, removed=1)),
    (
        "publication_pair_once",
        lambda: Publication(version=the_publication().version, settings=the_publication().settings),
    ),
    ("metadata_path_once", lambda: metadata(path="PULP_MANIFEST")),
    ("metadata_has_path", lambda: metadata(path="")),
    ("distribution_base_path_is_relative", lambda: distribution(base_path="")),
    ("distribution_base_path_is_relative", lambda: distribution(base_path="/a")),
    ("distribution_base_path_is_relative", lambda: distribution(base_path="a/")),
    ("distribution_pinned_to_something", lambda: distribution(pinned=True)),
    ("token_has_name", lambda: AccessToken(name="", digest="0" * 64)),
    ("token_digest_is_whole", lambda: AccessToken(name="one", digest="0" * 63)),
    ("token_digest_is_whole", lambda: AccessToken(name="one", digest="")),
    ("job_state_is_known", lambda: job(state="asleep")),
    ("job_does_something", lambda: job(with_sync=False, with_publish=False, with_distribute=False)),
    ("job_sync_or_modify", lambda: job(with_modify=True)),
    ("job_has_request", lambda: job(request="")),
    ("job_upkeep_stands_alone", lambda: verify(with_clean=True)),
    ("job_upkeep_stands_alone", lambda: job(with_verify=True)),
    ("job_dry_run_only_syncs", lambda: job(dry_run=True)),
    ("log_line_level_is_known", lambda: LogLine(job=saved(job()), level="loud", message="a")),
    ("log_line_says_something", lambda: LogLine(job=saved(job()), message="")),
    ("job_run_has_repository", lambda: job(repository=None)),
    ("job_distribute_needs_publish", lambda: job(with_publish=False)),
    ("job_finished_when_ended", lambda: job(state=State.COMPLETED)),
    ("job_finished_when_ended", lambda: job(state=State.CANCELED)),
    ("job_finished_when_ended", lambda: job(finished_at=NOW)),
    ("job_running_has_worker", lambda: running(worker="")),
    ("job_running_has_worker", lambda: running(started_at=None)),
    ("job_running_has_worker", lambda: running(heartbeat_at=None)),
    ("job_failed_says_why", lambda: job(state=State.FAILED, finished_at=NOW)),
    ("job_identical_once", lambda: after(job(), job())),
    ("job_identical_once", lambda: after(running(), job())),
    ("job_identical_upkeep_once", lambda: after(verify(), verify())),
    ("job_one_running_per_repository", lambda: after(running(), running(request="sync"))),
    ("requested_change_once", second_change),
    ("requested_change_has_path", lambda: RequestedChange(job=saved(job()), path="")),
    ("reservation_once", second_reservation),
    ("reservation_held_by_one", second_holder),
    ("report_state_is_known", lambda: report(state="asleep", finished_at=NOW)),
    ("report_action_is_known", lambda: report(action="dream")),
    ("report_finished_when_ended", lambda: report(state="completed")),
    ("report_finished_when_ended", lambda: report(finished_at=NOW)),
]


def after_removal_of_version_0(broken: models.Model) -> models.Model:
    RepositoryVersion.objects.filter(number=0).delete()
    return broken


def test_it_works(files: Repository) -> None:
    assert files.latest_version().number == 1
    assert [one.publication for one in files.distributions.all()] == [the_publication()]
    for row in (remote(), repository(), version(), content(), metadata(), distribution(), report()):
        row.save()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("name", "make"), BROKEN, ids=[name for name, _ in BROKEN])
def test_a_constraint_refuses_what_must_never_be(name: str, make: Callable[[], models.Model]) -> None:
    broken = make()
    said = re.findall(r"[\w.]+", refusal(broken.save))
    assert set(words(name)) <= set(said) or SAID_INSTEAD.get(name) in said


def test_every_constraint_is_tried_above() -> None:
    assert {name for name, _ in BROKEN} == set(all_constraints())


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    "make",
    [
        lambda: remote(name="files"),
        lambda: repository(name="files"),
        lambda: Artifact(sha256=Artifact.objects.all()[0].sha256, size=1),
        lambda: distribution(base_path="files"),
        lambda: after(Worker(name="one", pid=1, threads=1), Worker(name="one", pid=2, threads=1)),
        lambda: after(AccessToken(name="one", digest="0" * 64), AccessToken(name="two", digest="0" * 64)),
    ],
    ids=["remote name", "repository name", "artifact", "base path", "worker", "token"],
)
def test_what_is_unique_is_refused_a_second_time(make: Callable[[], models.Model]) -> None:
    broken = make()
    assert "unique" in refusal(broken.save).lower()


@pytest.mark.usefixtures("files")
def test_a_sync_state_is_kept_once_for_a_repository() -> None:
    state = {"repository": Repository.objects.get(), "version": the_publication().version, "mirror": False}
    SyncState.objects.create(**state, url="http://127.0.0.1/", sha256="0" * 64)
    assert "unique" in refusal(SyncState(**state, url="http://127.0.0.2/", sha256="1" * 64).save).lower()


@pytest.mark.usefixtures("files")
def test_an_ended_job_does_not_keep_an_identical_one_away() -> None:
    for state in (State.COMPLETED, State.CANCELED):
        job(state=state, finished_at=NOW).save()
    job(state=State.FAILED, finished_at=NOW, error="no luck").save()
    job().save()
    assert Job.objects.active().count() == 1


@pytest.mark.usefixtures("files")
def test_a_held_resource_may_be_waited_for_by_many() -> None:
    first, second, third = saved(job(with_sync=False)), saved(job()), saved(job(with_distribute=False))
    Reservation.objects.create(job=first, resource="repository:1", held=True)
    Reservation.objects.create(job=second, resource="repository:1")
    Reservation.objects.create(job=third, resource="repository:1")
    assert Reservation.objects.count() == 3


@pytest.mark.parametrize(
    "gone",
    [
        lambda: Artifact.objects.get(content__path="a"),
        lambda: the_publication().metadata.get().artifact,
        lambda: PublishSettings.objects.get(),
        lambda: Remote.objects.get(),
        lambda: the_publication(),
        lambda: the_publication().version,
        lambda: Repository.objects.get(),
    ],
    ids=["artifact", "metadata", "settings", "remote", "publication", "version", "repository"],
)
def test_what_is_served_cannot_be_deleted(files: Repository, gone: Callable[[], models.Model]) -> None:
    with pytest.raises(ProtectedError):
        gone().delete()


# ---- remotes, settings, repositories and versions ---------------------------------------------------------


def test_the_same_settings_are_the_same_row() -> None:
    assert PublishSettings.objects.matching() == PublishSettings.objects.matching(manifest="PULP_MANIFEST")
    assert PublishSettings.objects.matching(checksums="SHA256SUMS") != PublishSettings.objects.matching()
    assert PublishSettings.objects.count() == 2


@pytest.mark.parametrize(
    ("manifest", "checksums", "names"),
    [("PULP_MANIFEST", "", ["PULP_MANIFEST"]), ("A", "B", ["A", "B"]), ("", "B", ["B"]), ("", "", [])],
)
def test_settings_name_their_metadata_files(manifest: str, checksums: str, names: list[str]) -> None:
    settings = PublishSettings.objects.matching(manifest=manifest, checksums=checksums)
    assert settings.metadata_names() == names
    assert str(settings) == (", ".join(names) or "no metadata files")


def test_every_value_of_settings_decides_which_row_they_are() -> None:
    fields = {field.name for field in PublishSettings._meta.concrete_fields}
    assert set(PublishSettings.VALUES) == fields - {"id", "created_at"}


def test_a_version_in_the_making_is_not_the_latest(files: Repository) -> None:
    files.versions.create(number=2)
    assert files.latest_version().number == 1
    assert [one.number for one in files.versions.complete().order_by("number")] == [0, 1]


def test_a_repository_names_its_mode(files: Repository) -> None:
    assert files.mode == "additive"
    files.mirror = True
    assert files.mode == "mirror"


def test_the_overview_shows_the_newest_complete_version(files: Repository) -> None:
    files.versions.create(number=2)
    (shown,) = map(vars, Repository.objects.for_overview())
    assert (shown["newest_number"], shown["newest_files"], shown["newest_size"]) == (1, 1, 1)


@pytest.mark.parametrize("number", [1, 10])
def test_the_overview_is_one_query(django_assert_num_queries: DjangoAssertNumQueries, number: int) -> None:
    for index in range(number):
        factories.repository(f"files {index}", f"files{index}")
    with django_assert_num_queries(1):
        assert len([(one.remote, one.publish_settings) for one in Repository.objects.for_overview()]) == number


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "9" * 30, "٣x", "\0"])
def test_a_text_that_is_no_number_finds_no_repository(files: Repository, text: str) -> None:
    assert list(Repository.objects.numbered(text)) == []


def test_a_repository_is_found_by_its_number(files: Repository) -> None:
    assert list(Repository.objects.numbered(str(files.pk))) == [files]


def test_versions_come_newest_first_with_their_jobs(
    files: Repository, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one = saved(job(version=files.latest_version()))
    with django_assert_num_queries(2):
        found = [(version.number, list(version.jobs.all())) for version in files.versions.with_jobs()]
    assert found == [(1, [one]), (0, [])]


# ---- content and publications -----------------------------------------------------------------------------


def test_a_version_has_the_files_that_were_there_then(files: Repository) -> None:
    factories.version(files, {"b": b"2"})
    factories.version(files, {"a": b"other", "b": None})
    factories.version(files, {"b": b"2"})
    found = {number: dict_of(files, number) for number in range(5)}
    one, other, two = (sizes(data) for data in (b"1", b"other", b"2"))
    assert found == {0: {}, 1: {"a": one}, 2: {"a": one, "b": two}, 3: {"a": other}, 4: {"a": other, "b": two}}


def sizes(data: bytes) -> tuple[str, int]:
    return factories.artifact(data).sha256, len(data)


def dict_of(repository: Repository, number: int) -> dict[str, tuple[str, int]]:
    """The files of a version, by path."""
    rows = Content.objects.of(repository.versions.get(number=number)).in_path_order()
    return {path: (sha256, size) for path, sha256, size in rows}


def test_a_version_has_no_files_of_another_repository(files: Repository) -> None:
    other = factories.repository("other", "other")
    factories.version(other, {"of the other": b"2"})
    assert list(dict_of(files, 1)) == ["a"]


# In the order of their UTF-8 bytes, which no language sorts by.
ORDERED = ["A", "Z", "_", "a", "a b", "a,b", "a-b", "a/b", "a0", "aa", "b", "e\u0301", "é", "ü", "\uffff", "😀"]


@pytest.mark.parametrize("chunk", [1, 2, 3, len(ORDERED) - 1, len(ORDERED), len(ORDERED) + 1, 2000])
def test_files_come_in_the_order_of_their_bytes_whatever_the_chunk(chunk: int) -> None:
    made = factories.version(factories.repository(), {path: path.encode() for path in reversed(ORDERED)})
    found = [path for path, _, _ in Content.objects.of(made).in_path_order(chunk=chunk)]
    assert found == ORDERED


def test_files_come_from_a_path_onwards() -> None:
    made = factories.version(factories.repository(), dict.fromkeys(ORDERED, b""))
    for number, path in enumerate(ORDERED):
        found = [path for path, _, _ in Content.objects.of(made).in_path_order(after=path, chunk=3)]
        assert found == ORDERED[number + 1 :]


@pytest.mark.parametrize(("files", "queries"), [(0, 1), (9, 2), (10, 2), (11, 3)])
def test_files_are_read_a_chunk_at_a_time(
    django_assert_num_queries: DjangoAssertNumQueries, files: int, queries: int
) -> None:
    made = factories.version(factories.repository(), {f"{number:02}": b"" for number in range(files)})
    with django_assert_num_queries(queries):
        assert len(list(Content.objects.of(made).in_path_order(chunk=10))) == files


def test_the_pool_is_counted_as_a_whole_or_from_a_number_on(files: Repository) -> None:
    first = Artifact.objects.order_by("pk")[0]
    manifest = len(f"a,{'0' * 64},1\n")
    last = Artifact.objects.create(sha256="0" * 64, size=10**15)
    assert Artifact.objects.totals() == (3, 1 + manifest + 10**15, last.pk)
    assert Artifact.objects.totals(first.pk) == (2, manifest + 10**15, last.pk)
    assert Artifact.objects.totals(last.pk) == (0, 0, last.pk)


def test_publications_come_newest_first(files: Repository, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.serve(files, {"b": b"2"})
    factories.serve(factories.repository("other", "other"), {"of the other": b"3"})
    with django_assert_num_queries(2):
        found = [
            (one.version.number, str(one.settings), len(one.distributions.all()))
            for one in Publication.objects.of(files)
        ]
    assert found == [(2, "PULP_MANIFEST", 1), (1, "PULP_MANIFEST", 0)]


# ---- distributions ----------------------------------------------------------------------------------------


def test_a_pinned_distribution_does_not_follow(files: Repository) -> None:
    files.distributions.create(base_path="pinned", pinned=True, publication=the_publication())
    files.distributions.create(base_path="other")
    factories.repository("other", "elsewhere")
    assert [one.base_path for one in Distribution.objects.following(files)] == ["files", "other"]


def test_a_distribution_knows_since_when_it_serves(files: Repository) -> None:
    distribution = files.distributions.get()
    last = factories.switch(distribution, factories.publication(factories.version(files, {"b": b"2"})))
    last.refresh_from_db()
    never = files.distributions.create(base_path="never")
    found = {one.pk: vars(one)["since"] for one in Distribution.objects.with_served()}
    assert found == {distribution.pk: last.at, never.pk: None}


def test_a_switch_away_from_nothing_superseded_nothing(files: Repository) -> None:
    assert list(Switch.objects.superseded_since(NOW - timedelta(days=1))) == []


def test_what_was_superseded_long_ago_is_out_of_its_grace(files: Repository) -> None:
    factories.serve(files, {"b": b"2"}, days_ago=5)
    factories.serve(files, {"c": b"3"}, days_ago=1)
    found = Switch.objects.superseded_since(timezone.now() - timedelta(days=3))
    assert [one.earlier.version.number for one in found if one.earlier] == [2]


# ---- jobs -------------------------------------------------------------------------------------------------


def ended(state: str, **values: Any) -> Job:
    return saved(job(state=state, finished_at=NOW, error="no luck" if state == State.FAILED else "", **values))


def test_active_jobs_come_in_order_of_request(files: Repository) -> None:
    for state in ENDED:
        ended(state)
    first, second = saved(job(with_sync=False)), saved(running())
    assert list(Job.objects.active()) == [first, second]
    assert [one.is_active for one in Job.objects.order_by("pk")] == [False] * 3 + [True] * 2


def test_a_state_is_either_active_or_ended() -> None:
    assert sorted([*ACTIVE, *ENDED]) == sorted(State.values)


def test_jobs_are_counted_by_state(files: Repository) -> None:
    assert Job.objects.counts() == {}
    ended(State.COMPLETED)
    ended(State.COMPLETED)
    saved(job())
    assert Job.objects.counts() == {"completed": 2, "waiting": 1}


def test_an_earlier_job_with_a_resource_in_common_is_in_the_way(files: Repository) -> None:
    first, second = saved(job(with_sync=False)), saved(job())
    other = saved(job(repository=factories.repository("other", "other")))
    for one in (first, second, other):
        reservations.reserve(one)
    assert list(Job.objects.in_the_way_of(first)) == []
    assert list(Job.objects.in_the_way_of(second)) == [first]
    assert list(Job.objects.in_the_way_of(other)) == []


def test_an_ended_job_is_in_nobodys_way(files: Repository) -> None:
    first, second = ended(State.COMPLETED), saved(job())
    for one in (first, second):
        reservations.reserve(one)
    assert list(Job.objects.in_the_way_of(second)) == []


def test_a_job_with_several_resources_in_common_is_in_the_way_once(files: Repository) -> None:
    first, second = saved(job(with_sync=False)), saved(job())
    for one in (first, second):
        reservations.reserve(one)
    assert first.reservations.count() == 2
    assert list(Job.objects.in_the_way_of(second)) == [first]


def test_what_tells_of_a_repository_are_its_active_runs_and_the_newest_that_ended(files: Repository) -> None:
    ended(State.COMPLETED)
    latest = ended(State.FAILED)
    elsewhere = factories.repository("other", "other")
    other = saved(job(repository=elsewhere))
    assert set(Job.objects.telling([files.pk, elsewhere.pk])) == {latest, other}


def test_the_jobs_of_today_are_those_since_midnight(files: Repository) -> None:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ended(State.COMPLETED, requested_at=midnight - timedelta(microseconds=1))
    today = ended(State.COMPLETED, requested_at=midnight)
    assert list(Job.objects.requested_today()) == [today]


@pytest.mark.parametrize("number", [2, 10])
def test_lists_of_jobs_cost_the_same_however_many(
    django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for index in range(number):
        made = factories.repository(f"files {index}", f"files{index}")
        one = saved(job(repository=made))
        reservations.reserve(one)
        ProgressReport.objects.create(job=one, action="sync", code="sync", message="Syncing")
    with django_assert_num_queries(1):
        list_ = [(one.repository, one.requested_by, one.version, one.publication) for one in Job.objects.for_list()]
    with django_assert_num_queries(1):
        page = [(one.repository and one.repository.remote, one.publication) for one in Job.objects.for_page()]
    with django_assert_num_queries(3):
        panel = [(one.repository, [*one.reports.all()], [*one.reservations.all()]) for one in Job.objects.for_panel()]
    assert len(list_) == len(page) == len(panel) == number


@pytest.mark.parametrize(
    ("sync", "publish", "distribute", "actions"),
    [
        (True, True, True, ["sync", "publish", "distribute"]),
        (True, False, False, ["sync"]),
        (False, True, True, ["publish", "distribute"]),
    ],
)
def test_a_job_names_its_actions_in_order(
    files: Repository, sync: bool, publish: bool, distribute: bool, actions: list[str]
) -> None:
    assert job(with_sync=sync, with_publish=publish, with_distribute=distribute).actions == actions


def test_the_duration_of_a_job_is_from_start_to_end(files: Repository) -> None:
    assert job().duration is None
    assert job(started_at=NOW, finished_at=NOW + timedelta(seconds=5)).duration == timedelta(seconds=5)
    going_on = running(started_at=timezone.now() - timedelta(hours=1)).duration
    assert going_on
    assert timedelta(hours=1) <= going_on < timedelta(hours=1, minutes=1)


def test_reports_come_in_order_of_creation(files: Repository) -> None:
    one = saved(job())
    for code in ("c", "a", "b"):
        ProgressReport.objects.create(job=one, action="sync", code=code, message="")
    assert [report.code for report in one.reports.all()] == ["c", "a", "b"]


def test_all_of_a_job_goes_with_it(files: Repository) -> None:
    one = saved(job())
    reservations.reserve(one)
    ProgressReport.objects.create(job=one, action="sync", code="sync", message="")
    FailedFile.objects.create(
        job=one, path="a", url="", cause="404", message="", tries=1, expected_sha256="", expected_size=0
    )
    one.delete()
    assert not (Reservation.objects.exists() or ProgressReport.objects.exists() or FailedFile.objects.exists())


def test_a_worker_that_does_not_sign_is_not_alive() -> None:
    now = timezone.now()
    Worker.objects.create(name="alive", pid=1, threads=1, heartbeat_at=now)
    Worker.objects.create(name="gone", pid=2, threads=1, heartbeat_at=now - timedelta(seconds=Worker.SILENCE + 1))
    assert [one.name for one in Worker.objects.alive()] == ["alive"]
    assert [(one.name, one.alive) for one in Worker.objects.order_by("name")] == [("alive", True), ("gone", False)]


@pytest.mark.usefixtures("files")
def test_every_row_has_a_name_for_people() -> None:
    one = saved(job())
    named = [
        (Repository.objects.get(), "files"),
        (Remote.objects.get(), "files"),
        (the_publication().version, "files version 1"),
        (the_publication(), "files version 1 with PULP_MANIFEST"),
        (Content.objects.get(), "a"),
        (Distribution.objects.get(), "files"),
        (one, f"job {one.pk}"),
    ]
    assert [str(row) for row, _ in named] == [text for _, text in named]
