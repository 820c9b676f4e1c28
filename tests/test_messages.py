"""The catalogs: all that can be translated is found, and the one of English is up to date."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from dashboard.templatetags import display
from repos import nouns, terms
from tests import messages
from tests.messages import BASE_DIR, SOURCE

pytestmark = pytest.mark.any_database

_COUNTED = re.compile(r"""\|counted:"([^"]+)"|\bnoun="([^"]+)"|\bcounted\([^"'\n]*["']([^"']+)["']\)""")


def test_it_works() -> None:
    sentences = {one.id for one in messages.catalog()}
    # Of the domain, of a table, of a template.
    assert {"There is already a remote called “{name}”. Choose another name.", "the file is gone (410)"} <= sentences
    assert ("{count} repository", "{count} repositories") in sentences
    assert "Sign in" in sentences


def test_the_catalog_of_english_is_up_to_date() -> None:
    assert SOURCE.read_text() == messages.written(messages.catalog()), "run `make messages`"


def test_it_can_be_read() -> None:
    assert len(read_po(io.BytesIO(SOURCE.read_bytes()))) > 1000


def test_a_language_gets_what_is_new_and_keeps_what_is_translated(tmp_path: Path) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(
        messages.HEADER + 'msgid "Sign in"\nmsgstr "Anmelden"\n\nmsgid "Gone"\nmsgstr "Weg"\n'
    )
    messages.bring_up_to_date(folder, messages.catalog())
    language = read_po(io.BytesIO((folder / "django.po").read_bytes()))
    assert language["Sign in"].string == "Anmelden"
    assert "Gone" not in language
    assert "the file is gone (410)" in language
    assert b"Anmelden" in (folder / "django.mo").read_bytes()


def test_a_translation_with_values_that_there_are_not_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    wrong = 'msgid "without {files}"\nmsgstr "ohne {dateien}"\n\nmsgid "Sign in"\nmsgstr "Anmelden"\n'
    (folder / "django.po").write_text(messages.HEADER + wrong)
    messages.bring_up_to_date(folder, messages.catalog())
    assert "ohne {dateien}" in capsys.readouterr().out
    assert "ohne" in (folder / "django.po").read_text()
    compiled = (folder / "django.mo").read_bytes()
    assert b"Anmelden" in compiled
    assert b"ohne" not in compiled


def test_whatever_is_counted_has_a_plural() -> None:
    counted = {
        noun for file in messages.files() for found in _COUNTED.findall(file.read_text()) for noun in found if noun
    }
    # Some lists are only named, and one error says “base path”.
    assert counted - {"base path", *terms.ALL} <= nouns.COUNTED.keys()


def test_every_state_has_a_word() -> None:
    assert set(display.shown_states()) <= set(terms.ALL)


def test_no_sentence_is_chosen_within_say() -> None:
    """Only what stands there as a plain string is found: `say(later("a") if b else later("c"))`."""
    for file in messages.files():
        if file.suffix == ".py":
            assert not re.search(r"""\b(?:say|later)\(\s*(?:f["']|["'][^"']*["'] if )""", file.read_text()), file


def test_the_folder_has_no_language_that_is_not_compiled() -> None:
    for folder in messages.languages():
        assert (folder / "django.mo").exists(), f"run `make messages`: {folder.relative_to(BASE_DIR)}"
