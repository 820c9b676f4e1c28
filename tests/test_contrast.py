"""The colours: all text can be read on every ground it may stand on, in both themes, as WCAG 2.2 asks for (AA)."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = Path(settings.BASE_DIR, "static", "css", "tokens.css").read_text()
PAIRS = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS)
THEMES = {
    "light": {name: light for name, light, _ in PAIRS},
    "dark": {name: dark for name, _, dark in PAIRS},
}
TEXTS = ["text", "muted", "accent", "good", "bad", "warn", "idle"]
GROUNDS = ["frame", "ground", "surface", "raised", "control"]
GROUNDS += ["idle-soft", "accent-soft", "good-soft", "warn-soft", "bad-soft"]
# What a button is filled with, and when the pointer is over it.
FILLED = [("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-bad", "bad"), ("on-bad", "bad-strong")]


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_it_works() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_ground(theme: str, text: str) -> None:
    colours = THEMES[theme]
    weak = {ground: round(contrast(colours[text], colours[ground]), 2) for ground in GROUNDS}
    assert min(weak.values()) >= 4.5, weak


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), FILLED)
def test_the_words_of_buttons_can_be_read(theme: str, text: str, ground: str) -> None:
    assert contrast(THEMES[theme][text], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["frame", "ground", "surface", "raised"])
def test_what_can_be_filled_in_and_what_has_the_focus_is_seen(theme: str, ground: str) -> None:
    """The edges of fields and the ring of the focus: 3:1."""
    colours = THEMES[theme]
    assert contrast(colours["accent"], colours[ground]) >= 3
    if ground != "frame":
        assert contrast(colours["line-strong"], colours[ground]) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_the_grounds_can_be_told_apart(theme: str) -> None:
    colours = THEMES[theme]
    assert len({colours[name] for name in ("frame", "ground", "surface", "raised")}) == 4


def test_no_other_style_names_a_colour_of_its_own() -> None:
    for path in sorted(Path(settings.BASE_DIR, "static", "css").glob("*.css")):
        if path.name != "tokens.css":
            named = re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*[{>.:])|\b(?:rgb|hsl)a?\((?!0 0 0 /)", path.read_text())
            assert named == [], path.name
