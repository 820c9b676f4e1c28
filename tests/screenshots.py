"""Pictures of every page, in both themes and at both widths: `python -m tests.screenshots OUTDIR [NAME …]`."""

# ruff: noqa: E402 - Django wants to be set up before what needs it is imported

import os
import shutil
import sys
import threading
from datetime import timedelta
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
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, sync_playwright

from repos.models import Publication, Repository, Worker
from tests import scenes
from tests.browser import LAUNCH
from tests.settings import HOME

WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def serve() -> str:
    """Starts the dashboard on a free port of loopback; returns its address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def session() -> str:
    client = Client()
    client.force_login(scenes.an_operator())
    return client.cookies["sessionid"].value


def pages() -> dict[str, str]:
    """The pages worth a picture, by name, on a busy house."""
    found = {name: f"/jobs/{job.pk}/" for name, job in scenes.a_busy_house().items()}
    # Pictures take longer than a worker may be silent.
    Worker.objects.update(heartbeat_at=timezone.now() + timedelta(hours=1))
    tools = Repository.objects.get(name="debian-tools")
    data = Repository.objects.get(name="open-data")
    distribution = tools.distributions.order_by("base_path")[0]
    publication = Publication.objects.filter(version__repository=tools).latest("pk")
    return (
        {"overview": "/", "jobs": "/jobs/", "lost": "/nowhere/"}
        | found
        | {
            "repository": f"/repositories/{tools.pk}/",
            "upload": f"/repositories/{tools.pk}/upload/",
            "remove": f"/repositories/{tools.pk}/remove/?path=a/file.iso",
            "repository-without-files": f"/repositories/{data.pk}/",
            "repository-new": "/repositories/new/",
            "repository-edit": f"/repositories/{tools.pk}/edit/",
            "repository-delete": f"/repositories/{tools.pk}/delete/",
            "version": f"/repositories/{tools.pk}/versions/2/",
            "publications": "/publications/",
            "publication": f"/publications/{publication.pk}/",
            "distributions": "/distributions/",
            "distribution": f"/distributions/{distribution.pk}/",
            "distribution-new": "/distributions/new/",
            "remotes": "/remotes/",
            "remote": f"/remotes/{tools.remote_id}/",
            "remote-edit": f"/remotes/{tools.remote_id}/edit/",
            "publish-settings": "/publish-settings/",
            "publish-settings-detail": f"/publish-settings/{tools.publish_settings_id}/",
            "publish-settings-edit": f"/publish-settings/{tools.publish_settings_id}/edit/?repository={tools.pk}",
        }
    )


def shoot(browser: Browser, address: str, out: Path, shown: dict[str, str], cookie: str | None) -> None:
    for theme in THEMES:
        for width, (x, y) in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": x, "height": y},
                color_scheme=theme,
                base_url=address,
            )
            if cookie:
                context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
            page = context.new_page()
            for name, path in shown.items():
                page.goto(path)
                page.screenshot(path=out / f"{name}-{width}-{theme}.png", full_page=True)
                if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                    sys.stdout.write(f"{name}, {width}: scrolls sideways\n")
            context.close()


def main(out: Path, names: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    address, cookie = serve(), session()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        shoot(browser, address, out, {"sign-in": "/login/"}, None)
        shoot(browser, address, out, {"empty": "/"}, cookie)
        shown = {name: path for name, path in pages().items() if not names or name in names}
        shoot(browser, address, out, shown, cookie)
        browser.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2:])
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
