"""How an upstream is reached: all that a Fetcher needs to know, as plain values, secrets opened.

What is only needed to fetch is imported late: every command about a remote knows its transport.
"""

from base64 import b64encode
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any
from urllib.parse import unquote, urlsplit

from . import vault
from .errors.storage import SecretLost
from .errors.values import InvalidValue
from .headers import checked_value, parse_headers
from .models import Remote
from .words import say

# A scheme, a host and a port, all in their usual form.
Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Transport:
    """The transport fields of a remote (see its model for what they mean and their units), with the same defaults.

    `origin` is where credentials may go: logins, further headers and the client certificate go nowhere else, and
    without an origin nowhere at all. Raises InvalidValue for what no request can carry.
    """

    origin: Origin | None = None
    _: KW_ONLY
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    user_agent: str = ""
    tls_verify: bool = True
    ca_certificate: str = field(default="", repr=False)
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    proxy_url: str = ""
    proxy_username: str = ""
    proxy_password: str = field(default="", repr=False)
    use_environment: bool = False
    concurrency: int = 16
    tries: int = 4
    connect_timeout: float = 10
    read_timeout: float = 30
    least_speed: int = 100
    deadline: float = 0
    rate_limit: int = 0

    def __post_init__(self) -> None:
        checked_value("token", self.token)
        checked_value("user_agent", self.user_agent)
        for name in ("username", "proxy_username"):
            if ":" in getattr(self, name):
                raise InvalidValue(
                    name, say("A user name cannot have a colon in it: that is where the password begins.")
                )

    @classmethod
    def for_url(cls, url: str, **values: Any) -> "Transport":
        """Credentials may go to where `url` leads."""
        return cls(origin_of(url), **values)

    @property
    def login(self) -> str:
        """What kind of login is set, in words; empty: none."""
        if self.token:
            return "token"
        return say("user name and password") if self.username or self.password else ""

    def trusts(self, url: str) -> bool:
        """Whether credentials may go to `url`."""
        return origin_of(url) == self.origin

    def authorization(self) -> str:
        """The header Authorization of the login that is set, or that ~/.netrc has where that may be asked."""
        if self.token:
            return f"Bearer {self.token}"
        if self.login:
            return basic(self.username, self.password)
        given = any(name.lower() == "authorization" for name, _ in self.headers)
        if self.use_environment and self.origin and not given and self._is_private(url := _url_of(self.origin)):
            from requests.utils import get_netrc_auth

            found = get_netrc_auth(url)
            return basic(*found) if found else ""
        return ""

    def _is_private(self, url: str) -> bool:
        """Whether no proxy can read what goes to `url`: the logins of ~/.netrc are not for whoever sets up a remote."""
        verified = self.tls_verify and not self.ca_certificate
        return self.proxy(url) is None or (verified and url.startswith("https:"))

    def proxy(self, url: str) -> "Proxy | None":
        """The proxy on the way to `url`: the remote's own, or where that may be asked the environment's."""
        if self.proxy_url:
            return Proxy(self.proxy_url, self._proxy_authorization())
        if self.use_environment:
            from requests.utils import get_environ_proxies, select_proxy

            found = select_proxy(url, get_environ_proxies(url))
            return Proxy.of_environment(found) if found else None
        return None

    def _proxy_authorization(self) -> str:
        return basic(self.proxy_username, self.proxy_password) if self.proxy_username or self.proxy_password else ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, without its login, and the header Proxy-Authorization, empty if there is none."""

    url: str
    authorization: str = field(default="", repr=False)

    @classmethod
    def of_environment(cls, url: str) -> "Proxy":
        """From a variable such as http_proxy: its scheme may be missing, and its login stands in it."""
        from urllib3.exceptions import LocationParseError
        from urllib3.util import parse_url

        try:
            parts = parse_url(url if "://" in url else f"http://{url}")
        except LocationParseError:
            return cls("unreadable")
        username, _, password = (parts.auth or "").partition(":")
        login = basic(unquote(username), unquote(password)) if parts.auth else ""
        return cls(parts._replace(auth=None).url, login)

    @property
    def name(self) -> str:
        """As it is told to people."""
        return urlsplit(self.url).netloc or self.url


def of(remote: Remote) -> Transport:
    """That of a remote, its secrets opened. Raises SecretLost."""
    try:
        return _of(remote)
    except SecretLost:
        if remote.pk is None:
            raise
        # It may have been sealed anew, and its key dropped, since the row was read.
        remote.refresh_from_db(fields=Remote.SECRETS)
        return _of(remote)


def _of(remote: Remote) -> Transport:
    values = {one.name: getattr(remote, one.name) for one in fields(Transport) if one.name != "origin"}
    values |= {name: vault.reveal(getattr(remote, name)) for name in Remote.SECRETS}
    values["headers"] = parse_headers(values["headers"])
    return Transport.for_url(remote.url, **values)


def origin_of(url: str) -> Origin:
    """The origin of an http or https address (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def basic(username: str, password: str) -> str:
    """The value of a header for basic authentication (RFC 7617, in UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def _url_of(origin: Origin) -> str:
    scheme, host, port = origin
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
