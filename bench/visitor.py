"""Somebody with a browser: signed in, looks at pages, fills in their forms and sends them; all of it is counted."""

import re
import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import requests

Fields = dict[str, str]

# Seconds until whoever asks gives up, which counts as an answer that never came.
PATIENCE = 60
# What an answer may be: done, moved on, not found any more, in conflict with what is there now, wrong as it was sent.
EXPECTED = {200, 302, 404, 409, 422}
_TOKEN = re.compile(r"name=[\"']csrfmiddlewaretoken[\"'] value=[\"'](\w+)[\"']")


class Forms(HTMLParser):
    """The fields of each form of a page as a browser would send them, by its `action` (empty: the page itself)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, Fields] = {}
        self._fields: Fields = {}
        self._select = self._text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._fields = self.found.setdefault(given.get("action") or "", {})
        elif tag == "select":
            self._select = name
            self._fields.setdefault(name, "")
        elif tag == "option" and "selected" in given:
            self._fields[self._select] = value
        elif tag == "textarea":
            self._text = name
            self._fields[name] = ""
        elif tag == "input" and name:
            self._enter(given.get("type") or "text", name, value, checked="checked" in given)

    def _enter(self, kind: str, name: str, value: str, *, checked: bool) -> None:
        if kind in ("checkbox", "radio"):
            if checked:
                self._fields[name] = value or "on"
        elif kind not in ("file", "submit", "button"):
            self._fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._text:
            self._fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # Templates begin it with a line break, which is none of its text.
            self._fields[self._text] = self._fields[self._text].removeprefix("\n")
            self._text = ""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str = ""
    location: str = ""

    def form(self, action: str = "") -> Fields | None:
        return Forms(self.text).found.get(action)

    @property
    def number(self) -> int | None:
        """That of the job (or whatever it is) to whose page it leads."""
        found = re.search(r"/(\d+)/$", self.location)
        return int(found[1]) if found else None


@dataclass
class Tally:
    """What was asked and answered, by everybody. `wrong` are answers that may never come."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, path: str, answer: Answer, seconds: float) -> None:
        with self._lock:
            self.answers[kind, answer.status] += 1
            self.seconds[kind].append(seconds)
            if answer.status not in EXPECTED:
                self.wrong.append(f"{kind} {path}: status {answer.status} {_words(answer.text)}")

    def complain(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)

    def rows(self) -> list[tuple[str, dict[int, int], float, float]]:
        """For each kind: how often each status, and the median and 95th percentile of the seconds."""
        kinds = sorted(self.seconds)
        return [(kind, self._statuses(kind), *_middle_and_high(self.seconds[kind])) for kind in kinds]

    def _statuses(self, kind: str) -> dict[int, int]:
        return {status: count for (one, status), count in sorted(self.answers.items()) if one == kind}


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())[:200]


def _middle_and_high(seconds: list[float]) -> tuple[float, float]:
    return statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.95)]


class Visitor:
    """One browser, with cookies of its own; follows no redirects."""

    def __init__(self, address: str, tally: Tally) -> None:
        self._address, self.tally = address, tally
        self._session = requests.Session()
        self._token = ""

    def sign_in(self, name: str, password: str) -> None:
        self.look("/login/", "sign in")
        answer = self.send("/login/", {"username": name, "password": password}, "sign in")
        if answer.status != 302:
            raise RuntimeError(f"{name} could not sign in: status {answer.status}")
        self.look("/", "look")

    def look(self, path: str, kind: str = "look") -> Answer:
        return self._ask("GET", path, kind)

    def send(self, path: str, fields: Mapping[str, str], kind: str, files: Any = None) -> Answer:
        """Sends a form with these fields, and the token of the page that was seen last."""
        data = {**fields, "csrfmiddlewaretoken": self._token}
        return self._ask("POST", path, kind, data=data, files=files)

    def _ask(self, method: str, path: str, kind: str, **sent: Any) -> Answer:
        begun = time.monotonic()
        try:
            response = self._session.request(
                method, self._address + path, timeout=PATIENCE, allow_redirects=False, **sent
            )
            answer = Answer(response.status_code, response.text, response.headers.get("Location", ""))
        except requests.RequestException as error:
            answer = Answer(0, f"no answer: {error}")
        self.tally.add(kind, path, answer, time.monotonic() - begun)
        if token := _TOKEN.search(answer.text):
            self._token = token[1]
        return answer
