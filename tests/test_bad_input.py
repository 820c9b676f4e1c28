"""Bad input gets a clear answer, and nothing is lost: the cases of tests/bad_input/; docs/errors.md is made of them."""

import resource
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from repos import pace
from repos.models import Content, Repository
from tests.bad_input import page
from tests.bad_input.case import Case, Section
from tests.bad_input.lists import LONG
from tests.bad_input.mirror import Mirror
from tests.bad_input.sections import MIRRORED, SECTIONS, TYPED
from tests.bad_input.site import Site
from tests.content_server import serving
from tests.upstream import Upstream

LINES = page.PATH.read_text().splitlines()


def cases(sections: Iterable[Section[Any]]) -> list[Any]:
    return [
        pytest.param(
            case,
            id=f"{section.title}: {case.title}",
            marks=() if section.on_each_database else pytest.mark.any_database,
        )
        for section in sections
        for case in section.cases
    ]


@pytest.fixture
def mirror(
    upstream: Upstream, repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirror]:
    monkeypatch.setattr(pace, "WINDOW", 0.2)
    settings.MILLRACE_MAX_LIST_BYTES = 1_000_000
    with serving() as get:
        yield Mirror(upstream, repository, get)


@pytest.mark.parametrize("case", cases(MIRRORED))
def test_what_comes_from_upstream(case: Case[Mirror], mirror: Mirror) -> None:
    said = mirror.normal(case.run(mirror))
    assert said == ("" if case.works else case.answer)
    assert page.row(case, said) in LINES
    if case.works:
        mirror.check_that_all_is_served()
    else:
        mirror.check_that_nothing_is_lost()
        mirror.check_that_the_next_run_brings_the_rest()


@pytest.mark.any_database
def test_a_long_list_is_read_in_little_memory(mirror: Mirror, settings: Settings) -> None:
    settings.MILLRACE_MAX_LIST_BYTES = 10_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert page.row(LONG, LONG.run(mirror)) in LINES
    assert Content.objects.count() == 50_002
    # In kilobytes. The rows alone would be more, were they ever all in memory.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.any_database
@pytest.mark.django_db
@pytest.mark.parametrize("case", cases(TYPED))
def test_what_people_send(case: Case[Site], admin_client: Client, bell: list[int]) -> None:
    site = Site(admin_client)
    said = site.normal(case.run(site))
    assert said == ("" if case.works else case.answer)
    assert page.row(case, said) in LINES
    if not case.works:
        site.check_that_nothing_is_lost()


def test_the_page_has_a_line_for_every_case_and_no_other() -> None:
    assert page.PATH.read_text() == page.written(SECTIONS), "run `python -m tests.bad_input`"
