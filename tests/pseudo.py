"""A language that is none: each sentence in brackets. What a page says outside of brackets was never translated."""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from django.apps import apps
from django.db.models import CharField, TextField

from tests import messages, unmarked

# Any that Django knows, with other marks in its figures than English has.
CODE = "eo"
OPEN, CLOSE = "⟦", "⟧"
_INNERMOST = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
_BETWEEN = "\0"
_WORD = re.compile(r"[A-Za-z]{2,}")
# What is the same in every language: units, digests, names of things that are not ours.
SAME = {
    # Of examples in forms and in the style guide.
    *("Api", "docs", "org", "example", "proxy", "iso", "pool", "archive", "tar", "gz", "Key"),
    *("kB", "MB", "GB", "TB", "UTC", "min", "sha", "PULP", "MANIFEST", "http", "https", "testserver", "content"),
    *("Millrace", "Python", "Django", "Huey", "SQLite", "PostgreSQL", "Redis", "TLS", "DNS", "URL", "JSON"),
}
_DIGEST = re.compile(r"\b[0-9a-f]{12,64}\b|\bMILLRACE_\w+")


def bracketed(sentence: str) -> str:
    return f"{OPEN}{sentence}{CLOSE}"


def compile_into(folder: Path) -> None:
    """Writes the catalog of all our sentences, translated, below a folder of catalogs."""
    made = Catalog(locale=CODE, charset="utf-8")
    for one in messages.catalog():
        if one.id:
            translated = bracketed(one.id) if isinstance(one.id, str) else tuple(map(bracketed, one.id))
            made.add(one.id, translated, context=one.context)
    path = folder / CODE / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, made)


def names() -> set[str]:
    """The words in the names, paths and addresses that there are: whatever the database has in letters."""
    found = set(SAME)
    for model in apps.get_app_config("repos").get_models():
        for field in model._meta.fields:
            if isinstance(field, CharField | TextField) and not field.choices:
                for value in model._default_manager.values_list(field.name, flat=True).distinct():
                    found.update(_WORD.findall(_without_brackets(value or "")))
    return found


def english(page: str, names: set[str]) -> Iterator[str]:
    """What a page says, to eyes and ears, outside of brackets: the texts that have words which are no names."""
    read, heard = unmarked.texts_of(page)
    for text in _without_brackets(_BETWEEN.join(read)).split(_BETWEEN) + [_without_brackets(one) for one in heard]:
        if set(_WORD.findall(_DIGEST.sub("", text))) - names:
            yield " ".join(text.split())


def words(text: str) -> set[str]:
    """The words of a text that are outside of brackets."""
    return set(_WORD.findall(_without_brackets(text)))


def _without_brackets(text: str) -> str:
    left, before = text, ""
    while left != before:
        left, before = _INNERMOST.sub(lambda found: _BETWEEN * found[0].count(_BETWEEN), left), left
    return left
