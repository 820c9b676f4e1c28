"""English words of templates and of code that are not marked for translation (docs/translating.md)."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template.base import DebugLexer, Token, TokenType

# What people read or hear of an element.
ATTRIBUTES = {"title", "aria-label", "aria-description", "aria-roledescription", "placeholder", "alt", "label"}
# Elements whose text is no sentence: code is the same in every language.
CODE = {"code", "kbd", "samp", "pre", "script", "style"}
# Arguments of tags and filters that are told to people.
_ARGUMENT = re.compile(
    r"""\b(?:words|title|placeholder|what|label|heading|lead|text|note|advice|empty|\w+_words)="([^"]*)\""""
)
_FILTER = re.compile(r"""\|(?:default|default_if_none|yesno|add|pluralize):"([^"]*)\"""")
_WORD = re.compile(r"[A-Za-z]{2,}")
# What has the same name in every language.
_NAMES = re.compile(
    r"\b(?:Millrace|PULP_MANIFEST|SHA256SUMS|sha256|https?://\S+|UTC|TLS|SHA|JSON|TSV|Python|Django|Huey"
    # Of the examples in the style guide.
    r"|debian-tools|pool/a/archive.tar.gz)\b"
    # Of what stands within a tag.
    r"|\b(?:hx|data)-[\w-]+=\"[^\"]*\""
)
# What stands where a template puts in something of its own.
_HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"


class _Texts(HTMLParser):
    """Collects what people read of a page with holes in it."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.heard: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in CODE:
            self._within.append(tag)
        self.heard += [value or "" for name, value in attributes if name in ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.read.append(data)


def texts_of(page: str) -> tuple[list[str], list[str]]:
    """What people read of a page, in its order; and what they read or hear of its elements besides."""
    parser = _Texts()
    parser.feed(page)
    parser.close()
    return parser.read, parser.heard


# ---- of templates ----


def of_template(source: str) -> Iterator[str]:
    """The texts of a template that have words outside of all translation."""
    read, heard = texts_of("".join(_holed(source)))
    for text in [*read, *heard, *_arguments(source)]:
        if _WORD.search(_NAMES.sub("", text)):
            yield " ".join(text.replace(_HOLE, "…").split())


def _holed(source: str) -> Iterator[str]:
    """The template's own text; tags, variables and what is translated are holes."""
    within = ""
    for token in DebugLexer(source).tokenize():
        if within:
            within = "" if _tag(token) == within else within
        elif _tag(token) in ("blocktranslate", "blocktrans", "comment"):
            within = f"end{_tag(token)}"
            yield _HOLE
        elif token.token_type == TokenType.TEXT:
            yield token.contents
        elif token.token_type != TokenType.COMMENT:
            yield _HOLE


def _tag(token: Token) -> str:
    return token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""


def _arguments(source: str) -> Iterator[str]:
    """What is given to tags and filters as plain strings, for people."""
    for token in DebugLexer(source).tokenize():
        if token.token_type in (TokenType.BLOCK, TokenType.VAR) and _tag(token) != "blocktranslate":
            yield from _ARGUMENT.findall(token.contents)
            yield from _FILTER.findall(token.contents)


# ---- of code ----

# Functions that mark a sentence, and those whose texts are for who runs or writes Millrace.
_MARKS = {"say", "say_by", "later", "later_by", "_", "_lazy", "gettext", "gettext_lazy", "ngettext"}
_FOR_US = {
    "ImproperlyConfigured",
    "TypeError",
    *(f"logger.{level}" for level in ("info", "warning", "error", "exception")),
}
_SENTENCE = re.compile(r"[A-Z“{][^\n]* [^\n]*[.]\s?")


def of_code(source: str) -> Iterator[str]:
    """The sentences of a module, whole and with a full stop, that nothing marks; docstrings are none."""
    return _sentences(ast.parse(source))


def _sentences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _MARKS | _FOR_US:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        yield from _if_sentence("".join(map(_part, node.values)))
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _if_sentence(node.value)
    for child in ast.iter_child_nodes(node):
        yield from _sentences(child)


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def _if_sentence(text: str) -> Iterator[str]:
    if _SENTENCE.fullmatch(text) and len(_WORD.findall(text)) > 1:
        yield text
