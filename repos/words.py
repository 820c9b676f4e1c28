"""Sentences for people, in the language of this installation (see docs/translating.md).

The English sentence is the key under which catalogs have its translation, so it stands where it is said. Those that
are given as plain strings to the functions below are found by `make messages`. What has no translation is said in
English.
"""

from functools import cache

ENGLISH = "en"


def later(sentence: str) -> str:
    """`sentence` as it is: one that stands in a table, for `say` to say when it is needed."""
    return sentence


def later_by(one: str, many: str) -> tuple[str, str]:
    """The same for `say_by`."""
    return one, many


def say(sentence: str, /, **values: object) -> str:
    """`sentence` in our language, with the values at their `{names}`."""
    if language() != ENGLISH:
        from django.utils.translation import gettext

        sentence = gettext(sentence)
    return sentence.format(**values) if values else sentence


def say_by(number: int, one: str, many: str, /, **values: object) -> str:
    """The same of a sentence that differs by a number: `one` for 1, else `many`; languages may have more forms."""
    if language() == ENGLISH:
        return (one if number == 1 else many).format(**values)
    from django.utils.translation import ngettext

    return ngettext(one, many, number).format(**values)


@cache
def language() -> str:
    """The language of this installation: the same as long as a process lives."""
    # Late: a process without Django has such sentences in tables, and says none of them.
    from django.conf import settings

    return str(settings.LANGUAGE_CODE)


def capital(sentence: str) -> str:
    """`sentence` with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def marked(figure: str) -> str:
    """A figure as English writes it, such as `2,345.6`, with the marks of our language for thousands and decimals."""
    return figure if language() == ENGLISH else figure.translate(_marks())


@cache
def _marks() -> dict[int, str]:
    """What stands for the two marks of English."""
    from django.utils.formats import get_format

    return {
        ord(","): get_format("THOUSAND_SEPARATOR", language()),
        ord("."): get_format("DECIMAL_SEPARATOR", language()),
    }
