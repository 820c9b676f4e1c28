"""What is proposed for an upstream: a name, and a base path."""

import pytest

from repos import names, paths, proposals
from repos.models import Remote
from repos.proposals import Proposal, propose
from tests import factories


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://example.org/python-docs/PULP_MANIFEST", ["python-docs"]),
        ("https://example.org/python-docs/", ["python-docs"]),
        ("https://example.org/pub/fedora/40/", ["fedora", "40"]),
        ("https://example.org/tools/stable/PULP_MANIFEST", ["tools", "stable"]),
        ("https://example.org/v2/", ["example", "v2"]),
        ("https://downloads.example.org/files/", ["example"]),
        ("https://mirrors.example.co.uk/", ["co"]),
        ("http://127.0.0.1:8000/", ["files"]),
        ("http://[::1]/pub/", ["files"]),
        ("http://localhost/", ["localhost"]),
        ("https://example.org/my%20files%20%26%20more/", ["my-files-more"]),
        ("https://example.org/a/b/%E2%82%AC/", ["a", "b"]),
        ("https://example.org/docs/index.html?x=1#y", ["docs"]),
        ("https://example.org/docs//x86_64/", ["docs", "x86_64"]),
    ],
)
def test_it_is_told_by_the_end_of_the_address(url: str, words: list[str]) -> None:
    assert proposals.telling(url) == words


@pytest.mark.django_db
def test_it_works() -> None:
    assert propose("https://example.org/pub/fedora/40/") == Proposal("fedora-40", "fedora/40")


@pytest.mark.django_db
def test_what_is_taken_is_not_proposed() -> None:
    factories.repository("docs", "guides")
    Remote.objects.create(name="docs-2", url="https://example.org/")
    factories.repository("other", "docs/python")
    assert propose("https://example.org/docs/") == Proposal("docs-3", "docs-2")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["https://x/" + "ä" * 300, "https://x/..%2F..", "https://x/%00/a", "x", "https://x/-/.."]
)
def test_what_is_proposed_can_be_taken(url: str) -> None:
    found = propose(url)
    assert names.checked(found.name) == found.name
    assert paths.base_path(found.base_path) == found.base_path
