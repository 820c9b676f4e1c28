"""What we depend on is pinned by digest."""

import pytest

from bench import audit

GOOD = f"django==5.2 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n    # via -r requirements.in\n"


@pytest.mark.parametrize("name", [file.name for file in audit.FILES])
def test_every_requirement_has_one_version_and_digests(name: str) -> None:
    text = (audit.ROOT / name).read_text()
    assert len(list(audit.requirements(text))) > 5
    assert list(audit.unpinned(text)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (GOOD, []),
        ("django==5.2\n", ["“django==5.2” has no digest"]),
        ("django==5.2 --hash=md5:00\n", ["“django==5.2” has no digest"]),
        ("django>=5.2 --hash=sha256:00\n", ["“django>=5.2” has no one version"]),
        ("git+https://example.org/django\n", ["“git+https://example.org/django” has no one version"]),
        ("psycopg[binary]==3.2 ; python_version > '3' --hash=sha256:" + "a" * 64, []),
    ],
)
def test_what_is_not_pinned_is_named(text: str, wrong: list[str]) -> None:
    assert list(audit.unpinned(text)) == wrong
