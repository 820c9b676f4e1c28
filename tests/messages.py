"""The sentences that can be translated, as catalogs: `make messages` (docs/translating.md).

It finds them in the code and in the templates, and writes the catalog of English, which translators copy. Catalogs of
other languages get what is new, keep what is translated, and are compiled.
"""

import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

BASE_DIR = Path(__file__).resolve().parent.parent
LOCALE = BASE_DIR / "dashboard" / "locale"
SOURCE = LOCALE / "en" / "LC_MESSAGES" / "django.po"
CODE = ("repos", "dashboard")
# Of Django's admin, the terminal and old schemas: these speak English.
ENGLISH = ("repos/management/", "repos/migrations/", "dashboard/admin/", "dashboard/management/", "templates/admin/")
# Which arguments of which functions are sentences: those of repos/words.py and of Django.
KEYWORDS = {
    **dict.fromkeys(("say", "later", "_", "_lazy", "gettext", "gettext_lazy"), None),
    **dict.fromkeys(("later_by", "ngettext", "ngettext_lazy"), (1, 2)),
    "say_by": (2, 3),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Where a sentence has a value: {name}, %(name)s or %s; and a brace that is none of those.
_VALUE = re.compile(r"\{[^{}]*\}|[{}]|%\(\w+\)[a-z]|%[sd]")
HEADER = """\
# The sentences of Millrace. `make messages` writes this file; docs/translating.md says how to translate it.
msgid ""
msgstr ""
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def files() -> Iterator[Path]:
    """Where sentences are, in the order of their paths."""
    found = [file for room in CODE for file in (BASE_DIR / room).rglob("*.py")]
    found += (BASE_DIR / "templates").rglob("*.html")
    return (file for file in sorted(found) if not name_of(file).startswith(ENGLISH))


def name_of(file: Path) -> str:
    return file.relative_to(BASE_DIR).as_posix()


def catalog() -> Catalog:
    """All sentences, each with the files that it stands in."""
    made = Catalog(charset="utf-8")
    for file in files():
        for _, sentence, _, context in extract("python", io.BytesIO(_code(file).encode()), KEYWORDS):
            made.add(sentence, locations=[(name_of(file), 0)], context=context)
    return made


def _code(file: Path) -> str:
    """Code that has the sentences of a file; of a template, it is indented as no Python is, and so made flat."""
    source = file.read_text()
    return "\n".join(map(str.lstrip, templatize(source).splitlines())) if file.suffix == ".html" else source


def written(made: Catalog) -> str:
    """A catalog as the text of a file, the same whenever the sentences are."""
    file = io.BytesIO()
    write_po(file, made, omit_header=True, include_lineno=False, sort_by_file=True, width=120)
    return HEADER + file.getvalue().decode()


def languages() -> list[Path]:
    """The folders of the catalogs, but for that of English."""
    return sorted(folder for folder in LOCALE.glob("*/LC_MESSAGES") if folder != SOURCE.parent)


def bring_up_to_date(folder: Path, made: Catalog) -> None:
    """What is new in English comes to a language, what is gone leaves it; then it is compiled."""
    path = folder / "django.po"
    language = read_po(io.BytesIO(path.read_bytes() if path.exists() else b""), locale=folder.parent.name)
    # A translation of another sentence, however like, would pass for one of this.
    language.update(made, no_fuzzy_matching=True)
    language.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, language, include_lineno=False, sort_by_file=True, width=120)
    for one in wrong(language):
        sys.stdout.write(f"{folder.parent.name}: left out, for it names a value that there is not: {one.string}\n")
        one.string = ("",) * language.num_plurals if one.pluralizable else ""
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, language)


def wrong(language: Catalog) -> list[Message]:
    """Translations that name values which the sentence does not have: said, they would be errors."""
    return [one for one in language if one.id and _values(one.string) - _values(one.id)]


def _values(sentence: str | Sequence[str] | None) -> set[str]:
    return set(_VALUE.findall(sentence if isinstance(sentence, str) else " ".join(sentence or ())))


def main() -> None:
    made = catalog()
    SOURCE.parent.mkdir(parents=True, exist_ok=True)
    SOURCE.write_text(written(made))
    for folder in languages():
        bring_up_to_date(folder, made)


if __name__ == "__main__":
    main()
