"""How much of a request the web server takes before anybody has looked at it, and from whom.

It keeps a body on disk until all of it is there; only then Django learns of the request. So whoever sends much has to
be known to it beforehand: long bodies are taken from browsers in which somebody is signed in, and from nobody else.
"""

import copy
import logging
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError, close_old_connections
from django.http import parse_cookie
from waitress.parser import HTTPRequestParser
from waitress.utilities import Error, RequestEntityTooLarge

from repos.words import say

logger = logging.getLogger(__name__)

# In bytes. All that a stranger has to send is a name and a password.
OF_STRANGERS = 1024**2


class NotSignedIn(Error):  # type: ignore[misc]
    code = 403
    reason = "Forbidden"


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Waitress' own, but that it takes little from strangers."""

    adj: Any
    error: Any

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if (self.chunked or self.content_length > OF_STRANGERS) and not is_signed_in(self.headers.get("COOKIE", "")):
            self.adj = _little(self.adj)

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge) and self.adj.max_request_body_size == OF_STRANGERS:
            self.error = NotSignedIn(say("Sign in first, then send it again."))
        return consumed


def is_signed_in(cookies: str) -> bool:
    """Whether this cookie header is that of a browser in which somebody is signed in."""
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    # Here are none of the signals by which Django looks after the connections of its requests.
    close_old_connections()
    try:
        return SESSION_KEY in import_module(settings.SESSION_ENGINE).SessionStore(key).load()
    except DatabaseError as error:
        logger.error("A body is not taken, for nobody can say whose it is: %s", error)
        return False


@lru_cache(maxsize=1)
def _little(adjustments: Any) -> Any:
    """The server's settings, but for the length of bodies."""
    little = copy.copy(adjustments)
    little.max_request_body_size = OF_STRANGERS
    return little
