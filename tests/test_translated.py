"""Whatever people read can be translated: no template has a sentence of its own, and no page says one in English.

The language that these tests speak is tests/pseudo.py's: every sentence in brackets.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db.models import F, TextField, Value
from django.db.models.functions import Concat
from django.test import Client
from pytest_django.fixtures import Settings

from repos import chain, joblog, jobs, pool, units, words
from repos.actions import CLEAN, NO_DETAILS, VERIFY, Details
from repos.errors.upstreams import FilesFailed
from repos.errors.values import InvalidPath, NameTaken
from repos.models import Artifact, FailedFile, Job, LogLine, ProgressReport, Repository, Switch
from tests import pseudo, unmarked
from tests.messages import BASE_DIR, files, name_of
from tests.misbehaviour import Status
from tests.pages import pages
from tests.running import run
from tests.upstream import Upstream

pytestmark = pytest.mark.any_database

TEMPLATES = [file for file in sorted((BASE_DIR / "templates").rglob("*.html")) if "admin" not in file.parts]
MODULES = [file for file in files() if file.suffix == ".py" and file.name != "settings.py"]
# What jobs told when scenes.py made them up is as if it had been told in that language.
TOLD = (
    (ProgressReport, "message"),
    (ProgressReport, "suffix"),
    (LogLine, "message"),
    (Job, "error"),
    (FailedFile, "message"),
    (FailedFile, "advice"),
    (Switch, "reason"),
)


@pytest.fixture
def another_language(settings: Settings, tmp_path: Path) -> Iterator[None]:
    pseudo.compile_into(tmp_path)
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [(pseudo.CODE, pseudo.CODE)]
    settings.LANGUAGE_CODE = pseudo.CODE
    # For as long as a process lives: this one lives on.
    words.language.cache_clear()
    yield
    words.language.cache_clear()


@pytest.mark.parametrize("file", TEMPLATES, ids=name_of)
def test_a_template_marks_all_its_words(file: Path) -> None:
    assert list(unmarked.of_template(file.read_text())) == []


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_code_marks_all_its_sentences(file: Path) -> None:
    assert list(unmarked.of_code(file.read_text())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{% translate 'Sign in' %}</p>", []),
        ("<p>{% blocktranslate trimmed %}Sign <b>in</b>{% endblocktranslate %}</p>", []),
        ("<p>Sign in</p>", ["Sign in"]),
        ("<p>{{ count }} files</p>", ["… files"]),
        ('<a title="Go there" href="/files/">{% icon "x" %}</a>', ["Go there"]),
        ('{% include "x.html" with title="Go there" %}', ["Go there"]),
        ('{{ name|default:"nothing" }}', ["nothing"]),
        ("<code>manage.py sync</code> {# Sign in #} Millrace", []),
    ],
)
def test_words_without_a_mark_are_found(source: str, found: list[str]) -> None:
    assert list(unmarked.of_template(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise Refused(say('It is gone. Choose another.'))", []),
        ("raise Refused('It is gone. Choose another.')", ["It is gone. Choose another."]),
        ("raise Refused(f'“{name}” is gone.')", ["“{}” is gone."]),
        ("logger.warning('It is gone.')", []),
        ('def it():\n    """It is gone."""', []),
    ],
)
def test_a_sentence_without_a_mark_is_found(source: str, found: list[str]) -> None:
    assert list(unmarked.of_code(source)) == found


def test_every_page_comes_out_translated(another_language: None, admin_client: Client) -> None:
    shown = pages()
    for model, field in TOLD:
        told = Concat(Value(pseudo.OPEN), F(field), Value(pseudo.CLOSE), output_field=TextField())
        model.objects.exclude(**{field: ""}).update(**{field: told})
    names = pseudo.names() | {"admin", "ada"}
    left = {}
    for name, path in shown.items():
        asked = set(re.findall(r"\w+", urlsplit(path).query))
        if found := list(pseudo.english(admin_client.get(path).content.decode(), names | asked)):
            left[name] = found
    assert left == {}


@pytest.mark.parametrize(
    ("path", "status"), [("/login/", 200), ("/users/", 403), ("/jobs/1/", 404), ("/repositories/create/", 405)]
)
def test_so_do_the_pages_that_say_no(
    another_language: None, path: str, status: int, client: Client, django_user_model: type[User]
) -> None:
    if status != 200:
        client.force_login(django_user_model.objects.create_user("ada"))
    answer = client.get(path)
    assert answer.status_code == status
    assert list(pseudo.english(answer.content.decode(), pseudo.SAME | {"ada"})) == []


def test_so_does_a_form_with_errors(another_language: None, admin_client: Client) -> None:
    for path in ("/repositories/new/", "/remotes/new/", "/distributions/new/", "/tokens/new/", "/users/new/"):
        answer = admin_client.post(path, {"url": "ftp://x", "base_path": "a b", "name": ""})
        assert answer.status_code == 422, path
        assert list(pseudo.english(answer.content.decode(), pseudo.SAME | {"admin", "ftp", "files", "python"})) == [], (
            path
        )


def test_a_job_tells_its_story_translated(another_language: None, repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    run(repository)
    run(repository)
    upstream.write("b", b"2")
    upstream.fail("b", Status(404))
    failed = run(repository)
    assert {word for line in told() for word in pseudo.words(line)} == {repository.name}
    listed = failed.failed_files.get()
    assert "⟦there is no such file (404)⟧" in failed.error
    assert (listed.message, listed.advice[:1]) == ("⟦there is no such file (404)⟧", pseudo.OPEN)


def test_so_does_upkeep(another_language: None, repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    run(repository)
    pool.path(Artifact.objects.get(size=1).sha256).unlink()
    for actions, details in ((VERIFY, Details(may_repair=True)), (CLEAN, NO_DETAILS)):
        chain.run(jobs.request(None, actions=actions, details=details).job.pk, "test")
    assert {word for line in told() for word in pseudo.words(line)} == {repository.name}


def told() -> list[str]:
    """What all jobs told of themselves, line by line."""
    return [
        *ProgressReport.objects.values_list("message", flat=True),
        *ProgressReport.objects.exclude(suffix="").values_list("suffix", flat=True),
        *(line.message for job in Job.objects.all() for line in joblog.lines_of(job)),
    ]


def test_errors_are_translated(another_language: None) -> None:
    assert str(NameTaken("files")) == "⟦There is already a repository called “files”. Choose another name.⟧"
    assert "⟦12 files could not be fetched" in str(FilesFailed(12, "a"))
    # Also one that has a part which was translated, and a capital.
    assert str(InvalidPath("a", "is odd", noun="base path")).startswith("⟦the base path “a” is odd⟧")


def test_figures_have_the_marks_of_the_language(another_language: None) -> None:
    assert units.size(1_234_567_890) == "1,2 GB"
    assert units.number(1_234_567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
    assert units.duration(timedelta(seconds=1.5)) == "⟦1,5 s⟧"


def test_what_programs_read_is_the_same_in_every_language(another_language: None, admin_client: Client) -> None:
    findings = admin_client.get("/status.json").json()["attention"]
    assert [finding["kind"] for finding in findings] in ([], ["worker"])


def test_a_page_says_which_language_it_is_in(another_language: None, client: Client) -> None:
    assert '<html lang="eo"' in client.get("/login/").content.decode()
