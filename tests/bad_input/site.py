"""The stage of forms and addresses: the dashboard as a browser meets it, over a repository that is served."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

from django.db.models import Model
from django.forms import BoundField
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from repos.models import (
    Content,
    Distribution,
    Job,
    Publication,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
)
from tests import factories
from tests.bad_input.mirror import check_the_folders
from tests.running import metadata, served

NOUNS: tuple[type[Model], ...] = (
    Remote,
    PublishSettings,
    Repository,
    RepositoryVersion,
    Content,
    Publication,
    Distribution,
    Job,
)


class Site:
    """What is sent to `client` is answered in words: the status, and each error with the label of its field."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.repository = factories.repository()
        factories.serve(self.repository, {"a.txt": b"one", "folder/b.txt": b"two"})
        self.distribution = self.repository.distributions.get()
        # What was made a moment ago could be what a form that is sent twice has made.
        Distribution.objects.update(created_at=timezone.now() - timedelta(days=1))
        self.remote = Remote.objects.get()
        self.led_to = ""
        self.remember()

    def remember(self) -> None:
        """What is there now is what must still be there afterwards."""
        self._before = self._state()

    def page_that_it_led_to(self) -> str:
        """The page that the last thing that was sent led to, as markup."""
        return self.client.get(self.led_to).content.decode()

    def fill(self, page: str, *args: object, **values: object) -> str:
        """Opens a page, changes these values of its form, sends it. What is refused has to come back as it was."""
        opened = self.form(page, *args)
        answer = self.client.post(reverse(page, args=args), opened | values)
        if answer.status_code == 422:
            typed = {name: value for name, value in values.items() if name in opened}
            _check_that_it_comes_back(typed, unescape(answer.content.decode()))
        return self.said(answer)

    def form(self, page: str, *args: object) -> dict[str, Any]:
        """What a browser would send of the form of a page, as it is opened."""
        form = self.client.get(reverse(page, args=args)).context["form"]
        return {field.html_name: value for field in form if (value := _sent(field)) is not None}

    def send(self, page: str, *args: object, **values: object) -> str:
        return self.said(self.client.post(reverse(page, args=args), values))

    def said(self, answer: Any) -> str:
        """What an answer says, if it is not that all went well."""
        if answer.status_code in (200, 302):
            self.led_to = answer.headers.get("Location", "")
            return ""
        return f"{answer.status_code}, {' '.join(_words(answer.content.decode()))}"

    def address(self, text: str) -> str:
        """With the numbers that things have in this run."""
        return text.format(repository=self.repository.pk)

    def numbers(self, page: str) -> list[int]:
        """The numbers in the address of a page about what is there."""
        publication = self.distribution.publication
        assert publication
        known = {
            "remote": [self.remote.pk],
            "publication": [publication.pk],
            "version": [self.repository.pk, publication.version.number],
            "publish-settings": [publication.settings_id],
        }
        return known[page.rpartition("-")[0]]

    def normal(self, text: str) -> str:
        return re.sub(r"\b[0-9a-f]{64}\b", "‹sha256›", text)

    def check_that_nothing_is_lost(self) -> None:
        """What was served still is, byte for byte; no row came or went, nothing lies about."""
        assert self._state() == self._before
        check_the_folders()

    def _state(self) -> Any:
        return self.rows(), served("files"), metadata("files")

    def rows(self) -> list[list[dict[str, Any]]]:
        """All rows that people make, or have made."""
        return [list(noun._default_manager.order_by("pk").values()) for noun in NOUNS]


def _check_that_it_comes_back(values: dict[str, object], page: str) -> None:
    """What was typed is still in the form, but for what is secret."""
    for name, value in values.items():
        if isinstance(value, str):
            kept = name not in Remote.SECRETS and "secret" not in value
            assert (value.strip() in page) == kept, (name, value)


def _sent(field: BoundField) -> Any:
    """What a browser sends of a field that nobody touches; None: nothing."""
    value = field.value()
    if getattr(field.field.widget, "input_type", "") == "checkbox":
        return "on" if value else None
    return None if field.field.widget.needs_multipart_form else "" if value is None else value


def _words(page: str) -> Iterator[str]:
    """What a page says is wrong: at a field, whose label comes first; above a form; or as all that it says."""
    for field in page.split('<div class="field')[1:]:
        label = re.search(r"<(?:label|legend)[^>]*>(.*?)<(?:span class=.optional|/label|/legend)", field, re.DOTALL)
        for said in re.findall(r'<p class="error".*?<span>(.*?)</span></p>', field, re.DOTALL):
            yield f"at “{_plain(label[1] if label else '')}”: {_plain(said)}"
    for said in re.findall(r'<p class="notice notice-[dw].*?<span>(.*?)</span></p>', page, re.DOTALL):
        yield _plain(said)
    if found := re.search(r'class="lost".*?<h1>(.*?)</h1>\s*((?:<p>.*?</p>\s*)+)', page, re.DOTALL):
        yield f"{_plain(found[1])}. {_plain(found[2])}"


def _plain(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", markup)).split())
