"""A single client of the dashboard: one connection kept alive, signed in, and as light as can be."""

import http.client
import re
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

FIELD = re.compile(r"<input[^>]*name=[\"']csrfmiddlewaretoken[\"'][^>]*value=[\"']([^\"']+)[\"']")


class Browser:
    """Sends back the cookies that it gets; follows no redirects."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """By the form at /login/. Raises when the dashboard does not let us in."""
        _, page = self.get("/login/")
        token = FIELD.search(page)
        if token is None:
            raise RuntimeError("the page at /login/ has no form with a csrfmiddlewaretoken")
        form = {"csrfmiddlewaretoken": token[1], "username": username, "password": password}
        self._ask("POST", "/login/", urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        if "sessionid" not in self._cookies:
            raise RuntimeError(f"{username} could not sign in")

    def get(self, path: str) -> tuple[int, str]:
        status, body = self._ask("GET", path)
        return status, body.decode(errors="replace")

    def time(self, path: str) -> float:
        """Seconds until the whole page is here; raises for any status but 200."""
        begun = time.perf_counter()
        status, _ = self._ask("GET", path)
        seconds = time.perf_counter() - begun
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        return seconds

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sent = {"Cookie": cookie, "Origin": self._origin, **(headers or {})}
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        received = answer.read()
        for header in answer.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(header).items()})
        return answer.status, received
