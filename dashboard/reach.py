"""How a remote is reached, in words. What is secret is told as set or not, and nothing more."""

from repos.models import Remote
from repos.words import say


def login(remote: Remote) -> str:
    """The kind of login, with the further headers; empty if there is none."""
    token = remote.token and say("a token")
    name = (remote.username or remote.password) and say("a user name and a password")
    headers = remote.headers and say("further headers")
    environment = remote.use_environment and not (token or name) and say("~/.netrc of the server")
    return _listed(token, name, environment, headers, remote.client_certificate and say("a client certificate"))


def trust(remote: Remote) -> str:
    """Whom it has to prove to be; empty where no TLS is spoken."""
    if not remote.url.lower().startswith("https:"):
        return ""
    if not remote.tls_verify:
        return say("not verified")
    return say("verified by its own CA certificates") if remote.ca_certificate else say("verified")


def way(remote: Remote) -> str:
    """What is between us and the upstream; empty if nothing is."""
    if remote.proxy_url:
        return (
            say("through a proxy, with a login")
            if remote.proxy_username or remote.proxy_password
            else say("through a proxy")
        )
    return say("through the server’s proxies, if it has any") if remote.use_environment else ""


def summary(remote: Remote) -> str:
    """All of it in a line, for lists."""
    by = login(remote)
    tls = trust(remote)
    said = _listed(by and say("with {by}", by=by), tls and say("TLS {tls}", tls=tls), way(remote), joined=" · ")
    return said[:1].upper() + said[1:]


def _listed(*parts: str | bool, joined: str = ", ") -> str:
    return joined.join(str(part) for part in parts if part)
