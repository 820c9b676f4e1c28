"""How requests travel: requests' adapter, with headers, TLS contexts and proxies of a Transport in place of its own."""

import ssl
import threading
from functools import cached_property
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import urldefragauth

from . import conf, dial, tls, wire
from .transport import Origin, Proxy, Transport, origin_of

# In seconds: how long a look at what a proxy is to be asked for holds, and the longest that it waits for DNS.
_LOOK_AGAIN, _LOOK = 60.0, 3.0


class Route(HTTPAdapter):
    """Sends requests, from many threads at once; of them `trusted` ones with all that tells who we are.

    Straight through the adapter: what a session does besides for each request costs more than the request.
    """

    def __init__(self, transport: Transport, *, trusted: bool) -> None:
        super().__init__(max_retries=0)
        self.trusted = trusted
        self._transport = transport
        self._lock = threading.RLock()
        self._managers: dict[tuple[str, Proxy | None], urllib3.PoolManager] = {}
        self._proxies: dict[Origin, Proxy | None] = {}
        self._looked: dict[str, float] = {}
        self._template = requests.Request("GET", "http://localhost/", self.headers()).prepare()

    def headers(self) -> dict[str, str]:
        """What every request has, whatever it asks for."""
        given = {"User-Agent": self._transport.user_agent or conf.user_agent(), "Accept-Encoding": "identity"}
        headers = requests.structures.CaseInsensitiveDict({"Accept": "*/*"})
        if self.trusted:
            headers.update(self._transport.headers)
            if login := self._transport.authorization():
                headers["Authorization"] = login
        headers.update(given)
        return dict(headers)

    def get(self, url: str, conditions: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        """The answer to one request, its body still to be read. `timeout`: seconds to connect, and for each step.

        Raises dial.NotAsked for a host that nobody may ask, beside what requests raises.
        """
        if self.proxy(url):
            self._look(origin_of(url)[1], timeout[0])
        request = self._template.copy()
        request.url = url
        request.headers.update(conditions)
        return self.send(request, stream=True, timeout=timeout)

    def proxy(self, url: str) -> Proxy | None:
        """The one that requests for `url` go through."""
        if not self._transport.proxy_url and not self._transport.use_environment:
            return None
        origin = origin_of(url)
        if origin not in self._proxies:
            self._proxies[origin] = self._transport.proxy(url)
        return self._proxies[origin]

    def _look(self, host: str, seconds: float) -> None:
        """That no proxy is asked for what we may not ask ourselves, as far as that is known here."""
        if monotonic() - self._looked.get(host, -_LOOK_AGAIN) >= _LOOK_AGAIN:
            dial.check(host, min(seconds, _LOOK), private=conf.allow_private())
            self._looked[host] = monotonic()

    def close(self) -> None:
        super().close()
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    # ---- what requests' adapter calls ----

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: object, proxies: object = None, cert: object = None
    ) -> urllib3.HTTPConnectionPool:
        assert request.url
        scheme, host, port = origin_of(request.url)
        return self._manager(scheme, self.proxy(request.url)).connection_from_host(host, port, scheme)

    def cert_verify(self, *arguments: object) -> None:
        """The context does that. What requests would do is trust the usual authorities besides."""

    def request_url(self, request: requests.PreparedRequest, proxies: object) -> str:
        """A proxy that is to forward wants the whole address; one that is to connect only has been told the host."""
        assert request.url
        if self.proxy(request.url) and origin_of(request.url)[0] == "http":
            return str(urldefragauth(request.url))
        return request.path_url

    def _manager(self, scheme: str, proxy: Proxy | None) -> urllib3.PoolManager:
        key = (scheme, proxy)
        if key not in self._managers:
            # One thread makes it: a context takes some time to make, and would be made by all at once.
            with self._lock:
                if key not in self._managers:
                    self._managers[key] = self._make_manager(scheme, proxy)
        return self._managers[key]

    def _make_manager(self, scheme: str, proxy: Proxy | None) -> urllib3.PoolManager:
        settings: dict[str, Any] = {"num_pools": 10, "maxsize": self._transport.concurrency}
        if scheme == "https":
            settings["ssl_context"] = self._context
        manager = self._manager_of(proxy, settings) if proxy else urllib3.PoolManager(**settings)
        manager.pool_classes_by_scheme = wire.POOLS
        return manager

    def _manager_of(self, proxy: Proxy, settings: dict[str, Any]) -> urllib3.PoolManager:
        login = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        if proxy.url.startswith("https:"):
            settings["proxy_ssl_context"] = self._proxy_context
        return urllib3.ProxyManager(proxy.url, proxy_headers=login, **settings)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls.context(self._transport, client=self.trusted)

    @cached_property
    def _proxy_context(self) -> ssl.SSLContext:
        made = tls.context(self._transport, client=False)
        made.sslsocket_class = wire.Tunnel
        return made
