"""The values of a remote: which can be, by themselves and together. Pure: nothing is read, stored or sealed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from . import certificates, names, units, urls
from .errors.values import InvalidUrl, InvalidValue
from .headers import checked_value, parse_headers
from .models import Remote
from .transport import origin_of
from .words import later, say

# The least and the most of each number.
RANGES = {
    "concurrency": (1, 100),
    "tries": (1, 20),
    "connect_timeout": (1, 3600),
    "read_timeout": (1, 3600),
    "least_speed": (0, 10**9),
    "deadline": (0, 7 * 86400),
    "rate_limit": (0, 10**12),
}
# In characters: what servers take as a header's value, and room for a bundle of all authorities.
MAX_SECRET = 16_384
MAX_PEM = 500_000
MAX_LINE = 200

_NEEDED = ("name", "url", "kind", "policy")
# What another server would learn if it were sent there.
_LOGIN = ("password", "token", "headers")


def tidied(field: str, value: Any) -> Any:
    """`value` without what pasting adds to it. Passwords are left as they are: spaces may be part of them."""
    if not isinstance(value, str) or field in ("password", "proxy_password"):
        return value
    value = value.replace("\r\n", "\n").strip()
    return value.rstrip("/") if field == "proxy_url" else value


def checked_one(field: str, value: Any) -> Any:
    """A value as it is stored. Raises InvalidName, InvalidUrl or InvalidValue, whose sentence has no secret in it."""
    if field in RANGES:
        return _number(field, value)
    if field in _CHECKS and (value or field in _NEEDED):
        _CHECKS[field](field, value)
    return value


def faults_together(before: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[InvalidValue]:
    """What is wrong with the values `given` beside the others, which stay as `before` (there, secrets are sealed)."""
    after = {**before, **given}
    if after["token"] and (after["username"] or after["password"]):
        name = later("There is a user name as well, and only one login can be sent. Remove that, or the token.")
        password = later("There is a password as well, and only one login can be sent. Remove that, or the token.")
        why = say(name if after["username"] else password)
        yield InvalidValue("token", why)
    if after["client_key"] and not after["client_certificate"]:
        why = say("The client key needs its certificate. Paste that too, or remove the key.")
        yield InvalidValue("client_certificate", why)
    if after["client_certificate"] and not after["client_key"]:
        yield InvalidValue("client_key", say("The client certificate needs its private key. Paste that too."))
    if (after["proxy_username"] or after["proxy_password"]) and not after["proxy_url"]:
        why = say("There is a login for a proxy, but no proxy. Enter its address, or remove user name and password.")
        yield InvalidValue("proxy_url", why)
    yield from _secrets_led_elsewhere(before, given)


def _secrets_led_elsewhere(before: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[InvalidValue]:
    """A secret is kept only for the server that it was entered for, and the way there: who may edit could read it else.

    That of the client certificate is never sent, whatever the way.
    """
    after = {**before, **given}
    weaker = _trusts_others(before, after)
    login = _moved("url", before, given) or _other_way(before, after) or weaker
    proxy = _moved("proxy_url", before, given) or (weaker if urlsplit(after["proxy_url"]).scheme == "https" else "")
    for field, why in {**dict.fromkeys(_LOGIN, login), "proxy_password": proxy}.items():
        if why and before[field] and field not in given:
            yield InvalidValue(field, say("What is stored {why}. Enter it again, or remove it.", why=why))


def _moved(field: str, before: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Why a secret cannot stay, where the address in `field` is to lead to another origin; else nothing."""
    old, new = before[field], given.get(field)
    if not old or not new or origin_of(old) == origin_of(new):
        return ""
    parts = urlsplit(old)
    return say("was entered for {host}, and is sent nowhere else", host=f"{parts.scheme}://{parts.netloc}")


def _other_way(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The same where another proxy, which may read along, is to be on the way."""
    new = _proxy_of(after)
    if not new or new == _proxy_of(before):
        return ""
    if after["proxy_url"]:
        way = later("was not entered for a way through {proxy}, where it might be read")
    else:
        way = later("was not entered for a way through proxies of the server's environment, where it might be read")
    return say(way, proxy=after["proxy_url"])


def _proxy_of(values: Mapping[str, Any]) -> object:
    """What tells one proxy from another; nothing where the way is direct."""
    return origin_of(values["proxy_url"]) if values["proxy_url"] else values["use_environment"]


def _trusts_others(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The same where who is not trusted yet might then pass for the server."""
    if before["tls_verify"] and not after["tls_verify"]:
        return say("was entered while TLS was verified; without that anybody on the way might read it")
    if after["ca_certificate"] and after["ca_certificate"] != before["ca_certificate"]:
        return say("was entered while others were trusted; whoever these certificates belong to might read it")
    return ""


def _number(field: str, value: Any) -> int:
    least, most = RANGES[field]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(
            field,
            say("Give a whole number from {least} to {most}.", least=units.number(least), most=units.number(most)),
        )
    return value


def _name(field: str, value: str) -> None:
    names.checked(value)


def _url(field: str, value: str) -> None:
    urls.checked(value)


def _choice(field: str, value: str) -> None:
    if value not in {"kind": Remote.Kind.values, "policy": Remote.Policy.values}[field]:
        raise InvalidValue(field, say("There is no {field} “{value}”.", field=field, value=value))


def _user_name(field: str, value: str) -> None:
    _text(field, value, MAX_LINE)
    if ":" in value:
        raise InvalidValue(field, say("A user name cannot have a colon in it: that is where the password begins."))


def _password(field: str, value: str) -> None:
    _text(field, value, MAX_SECRET)


def _user_agent(field: str, value: str) -> None:
    _text(field, value, MAX_LINE)
    checked_value(field, value)


def _token(field: str, value: str) -> None:
    _text(field, value, MAX_SECRET)
    checked_value(field, value)
    if " " in value:
        raise InvalidValue(field, say("A token has no spaces in it. Enter it alone, without the word “Bearer”."))


def _headers(field: str, value: str) -> None:
    _long(field, value, MAX_SECRET)
    parse_headers(value)


def _text(field: str, value: str, most: int) -> None:
    """Any text of one line."""
    _long(field, value, most)
    if not value.isprintable():
        raise InvalidValue(field, say("It has a line break in it, or another sign that cannot be shown."))


def _long(field: str, value: str, most: int) -> None:
    if len(value) > most:
        raise InvalidValue(field, say("It is longer than {most} characters.", most=units.number(most)))


def _proxy(field: str, value: str) -> None:
    try:
        parts = urlsplit(urls.checked(value, proxy=True))
    except InvalidUrl as error:
        raise InvalidValue(
            field, say("{reason} Write it as in http://proxy.example:3128.", reason=error.reason)
        ) from None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidValue(
            field, say("A proxy is a host and a port, without a path. Write it as in http://proxy.example:3128.")
        )


def _pem(check: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def checked(field: str, value: str) -> None:
        _long(field, value, MAX_PEM)
        check(field, value)

    return checked


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "name": _name,
    "url": _url,
    "kind": _choice,
    "policy": _choice,
    "username": _user_name,
    "password": _password,
    "token": _token,
    "headers": _headers,
    "user_agent": _user_agent,
    "ca_certificate": _pem(certificates.check_authorities),
    "client_certificate": _pem(certificates.check_client),
    "client_key": _pem(certificates.check_key),
    "proxy_url": _proxy,
    "proxy_username": _user_name,
    "proxy_password": _password,
}
