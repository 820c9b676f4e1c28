"""Somebody who downloads all the time, whatever happens to the server: does she ever get anything half done?"""

import random
import threading
from collections.abc import Iterable
from urllib.parse import quote

import requests

from bench.moving import Moving, read, sha256


class Onlooker:
    """A thread that asks for lists, and for files that they name. A context manager."""

    def __init__(self, address: str, upstreams: Iterable[Moving]) -> None:
        self.seen = 0
        self.wrong: list[str] = []
        self._address = address
        self._upstreams = list(upstreams)
        self._dice = random.Random(0)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="onlooker", daemon=True)

    def __enter__(self) -> "Onlooker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._ending.wait(0.1):
            try:
                self._look(self._dice.choice(self._upstreams))
            except requests.RequestException:
                # Killed, and not back yet.
                continue

    def _look(self, moving: Moving) -> None:
        base = f"{self._address}/content/{moving.name}/"
        # What may be served now: noted before, for the next round may begin meanwhile, and after.
        before = self._sets(moving)
        answer = requests.get(f"{base}PULP_MANIFEST", timeout=30)
        listed = read(answer.content) if answer.status_code == 200 else {}
        if listed not in before + self._sets(moving):
            self.wrong.append(f"{base}: status {answer.status_code}, and a list of neither version")
            return
        for path in self._dice.sample(sorted(listed), 3):
            response = requests.get(base + quote(path), timeout=30)
            may_be = {one.get(path) for one in before + self._sets(moving)}
            if response.status_code != 200 or sha256(response.content) not in may_be:
                self.wrong.append(f"{base}{path}: status {response.status_code}, or bytes of neither version")
        self.seen += 4

    @staticmethod
    def _sets(moving: Moving) -> list[dict[str, str]]:
        return [moving.before, moving.expected]
