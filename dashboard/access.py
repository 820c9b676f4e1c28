"""Who may download from protected distributions: whoever sends a token that opens them, and whoever is signed in.

A token comes in the header Authorization: as Bearer, or as the password of Basic with any user name. Nowhere else is it
looked for: an address ends up in logs and histories.
"""

import logging
import re
from base64 import b64decode
from collections.abc import Collection
from functools import cached_property
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError

from repos import tokens

from . import throttle

logger = logging.getLogger(__name__)

CHALLENGE = 'Basic realm="Millrace", charset="UTF-8", Bearer realm="Millrace"'
# RFC 7235 allows more than one space.
_CREDENTIALS = re.compile(r"(basic|bearer) +(\S+) *", re.IGNORECASE | re.ASCII)


class Visitor:
    """Who asks for what is served. Who that is is looked up when something is protected, and not before.

    One query for a token, and two for a session; none for whoever brings neither.
    """

    def __init__(self, request: WSGIRequest) -> None:
        self._request = request
        self._known: dict[int, bool] = {}
        # Whether the answer depends on who asks.
        self.mattered = False
        # Whether it brings a token that opens anything at all, as far as that was asked.
        self._usable = False

    def allowed(self, distributions: Collection[int]) -> set[int]:
        """Which of these protected distributions the visitor may look into (see repos/published.py)."""
        self.mattered = True
        if new := [one for one in distributions if one not in self._known]:
            opened = self._opened(new)
            self._known |= {one: one in opened for one in new}
        return {one for one in distributions if self._known[one]}

    def _opened(self, distributions: Collection[int]) -> set[int]:
        key = tokens.key(self.secret, distributions) if self.secret else None
        self._usable = key is not None
        opened = key.opens if key else set()
        if key and opened:
            _note_use(key)
        if len(opened) < len(distributions) and self._signed_in:
            return set(distributions)
        return opened

    @cached_property
    def secret(self) -> str:
        """The token that the request brings; empty if it brings none."""
        return secret_in(self._request.META.get("HTTP_AUTHORIZATION", ""))

    @cached_property
    def has_to_wait(self) -> int:
        """Seconds until another wrong token may be tried; counts one that is wrong. To be asked of who is not let in.

        No token can be guessed, so a right one is let in whatever came before it: what is slowed down is a client that
        goes on and on with a wrong one. Sign-ins from the same address are counted apart.
        """
        if not self.secret or self._usable:
            return 0
        # Which names are tried does not matter: the token's beginning tells it from others in the log.
        where, which = f"{self._request.META.get('REMOTE_ADDR')} (tokens)", self.secret[: tokens.SHOWN]
        seconds = throttle.wait(where, which)
        if not seconds:
            throttle.failed(where, which, "download with a token")
        return seconds

    @cached_property
    def _signed_in(self) -> bool:
        """Whether the request has the cookie of somebody's session. Django looks, as its own middleware has it look."""
        key = self._request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return False
        self._request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        return get_user(self._request).is_active


def secret_in(header: str) -> str:
    """The token in a header Authorization; empty if there is none."""
    found = _CREDENTIALS.fullmatch(header)
    if not found:
        return ""
    if found[1].lower() == "bearer":
        return found[2]
    try:
        return b64decode(found[2], validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _note_use(token: tokens.Key) -> None:
    """No download fails for want of the note."""
    try:
        tokens.used(token)
    except DatabaseError as error:
        logger.warning("The use of the token %s… could not be noted: %s", token.start, error)
