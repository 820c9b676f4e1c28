"""Pictures of every page, in both themes and at both widths: `python -m tests.screenshots OUTDIR [NAME …]`.

Whole pages, to be looked at; with --small what a window shows of them, in files that a repository can hold.
"""

# ruff: noqa: E402 - Django wants to be set up before what needs it is imported

import argparse
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["MILLRACE_URL"] = "http://mirror.example"
# Playwright's own thread looks like an event loop to Django.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

import django

django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import Client
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard.wsgi import application
from repos.models import Worker
from tests import scenes
from tests.browser import LAUNCH

# Who makes a page adds it there.
from tests.pages import pages
from tests.settings import HOME

WIDTHS = {"wide": (1440, 780), "narrow": (390, 740)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Of a small picture; those that most of it has are exact. Pages are flat: nobody sees that the others are not.
COLOURS, EXACT = 72, 24
# What most people's systems have is narrower than what Debian's chromium takes without being told.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match target="pattern"><test name="family"><string>sans-serif</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Liberation Sans</string></edit></match>
<match target="pattern"><edit name="family" mode="append" binding="weak"><string>Liberation Sans</string></edit></match>
</fontconfig>"""


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def serve() -> str:
    """Starts the dashboard on a free port of loopback; returns its address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(StaticFilesHandler(application))  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def session() -> str:
    client = Client()
    client.force_login(scenes.an_operator())
    return client.cookies["sessionid"].value


def windows(browser: Browser, address: str, cookie: str | None) -> Iterator[tuple[str, Page]]:
    """A page in each theme and width, under what its pictures end with."""
    for theme in THEMES:
        for width, (x, y) in WIDTHS.items():
            size = {"width": x, "height": y}
            with browser.new_context(viewport=size, color_scheme=theme, base_url=address) as context:  # type: ignore[arg-type]
                if cookie:
                    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
                yield f"{width}-{theme}", context.new_page()


def shoot(browser: Browser, address: str, out: Path, shown: dict[str, str], *, cookie: str | None, small: bool) -> None:
    for ending, page in windows(browser, address, cookie):
        for name, path in shown.items():
            page.goto(path)
            picture = out / f"{name}-{ending}.png"
            page.screenshot(path=picture, full_page=not small)
            if small:
                make_small(picture)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                sys.stdout.write(f"{picture.stem}: scrolls sideways\n")


def make_small(picture: Path) -> None:
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    pixels = whole.tobytes()
    most = Counter(zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)).most_common(EXACT)
    others = whole.quantize(COLOURS - len(most), Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*chain(*(colour for colour, _ in most)), *others])
    whole.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)


def fonts() -> dict[str, str | float | bool]:
    """The environment in which the browser finds the fonts that it shall take."""
    path = Path(HOME, "fonts.conf")
    path.write_text(FONTS)
    return {**os.environ, "FONTCONFIG_FILE": str(path)}


def main(out: Path, names: list[str], *, small: bool = False) -> None:
    out.mkdir(parents=True, exist_ok=True)
    # Pictures take longer than a worker may be silent.
    Worker.SILENCE = 3600
    call_command("migrate", verbosity=0)
    address, cookie = serve(), session()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH, env=fonts())
        shoot(browser, address, out, {"sign-in": "/login/"}, cookie=None, small=small)
        shoot(browser, address, out, {"empty": "/"}, cookie=cookie, small=small)
        shown = {name: path for name, path in pages().items() if not names or name in names}
        shoot(browser, address, out, shown, cookie=cookie, small=small)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    try:
        main(chosen.out, chosen.names, small=chosen.small)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
