"""Which addresses may be connected to. Upstreams are named by people and by other upstreams' redirects, and some names
lead to what only this machine may ask: the metadata services of clouds, which hand out keys to whoever connects.

Pure: addresses and hosts in, refusals out. What is judged at last is the address that is connected to (see dial.py).
"""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from .words import later

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Refusal(NamedTuple):
    """Why an address is not asked, behind the words “this host is”; and a sentence on what to do. Both for `say`."""

    why: str
    advice: str


NEVER = Refusal(
    later("at an address that is never asked: one that is link-local, a cloud's metadata service, or no single host's"),
    later("Name the upstream by an address that others reach it at, too."),
)
PRIVATE = Refusal(
    later("on this machine or in a private network, where upstreams may not be"),
    later("Whoever runs this server can allow that with MILLRACE_ALLOW_PRIVATE."),
)


def _networks(*names: str) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in names)


_NEVER = _networks(
    # Link-local (RFC 3927, RFC 4291): with few exceptions, metadata services are here.
    "169.254.0.0/16",
    "fe80::/10",
    # The exceptions, from the documentation of the clouds: Alibaba, Azure's host, Oracle's old one; then by IPv6 Amazon
    # (with its other services), Google, Oracle, Scaleway, Linode, Alibaba.
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fd00:ec2::/32",
    "fd20:ce::254/128",
    "fd00:c1::a9fe:a9fe/128",
    "fd00:42::42/128",
    "fd00:a9fe:a9fe::1/128",
    "fd00:100::100:200/128",
    # No host's: “this network” (RFC 1122, by which Linux means itself), none, multicast, broadcast.
    "0.0.0.0/8",
    "::/128",
    "224.0.0.0/4",
    "ff00::/8",
    "255.255.255.255/32",
)
# What Python's own table of private ranges does not have in every release: site-local, NAT64 of one's own (RFC 8215).
_PRIVATE = _networks("fec0::/10", "64:ff9b:1::/48")

# IPv6 in which an IPv4 address stands, and the bit behind that: mapped, translated (RFC 2765), NAT64 (RFC 6052), 6to4.
_EMBEDDING = (
    (IPv6Network("::ffff:0:0/96"), 128),
    (IPv6Network("::ffff:0:0:0/96"), 128),
    (IPv6Network("64:ff9b::/96"), 128),
    (IPv6Network("2002::/16"), 48),
)
_COMPATIBLE = IPv6Network("::/96")
_OWN_NAT64 = IPv6Network("64:ff9b:1::/48")
_TEREDO = IPv6Network("2001::/32")
# The third quarter of an ISATAP address (RFC 5214), but for the bit that says whether its IPv4 address is unique.
_ISATAP = 0x0000_5EFE


def refusal(address: str, *, private: bool) -> Refusal | None:
    """Why `address`, in the usual spelling, may not be connected to. `private`: whether private ones may."""
    meant = list(_meant(ip_address(address.partition("%")[0])))
    if any(_lies_in(one, _NEVER) for one in meant):
        return NEVER
    if not private and any(not one.is_global or _lies_in(one, _PRIVATE) for one in meant):
        return PRIVATE
    return None


def of_host(host: str, *, private: bool) -> Refusal | None:
    """The same for a host, if it is an address, however spelled. What a name leads to is known when it is looked up."""
    address = literal(host)
    return refusal(address, private=private) if address else None


def literal(host: str) -> str:
    """The address that `host` is, in the usual spelling; empty if it is a name.

    The system takes more for IPv4 than four decimal numbers: fewer of them, octal, hexadecimal; and by IDNA (RFC 3490)
    digits and dots of other scripts.
    """
    host = host.strip("[]")
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host.encode("idna").decode().rstrip(".")))
    except (OSError, UnicodeError):
        return ""


def _meant(address: Address) -> Iterator[Address]:
    """The addresses that packets to `address` may end at: those that stand in it, else itself."""
    if isinstance(address, IPv4Address):
        yield address
        return
    found = list(_embedded(address))
    # What one's own NAT64 translates is in one's own network, whatever it is.
    if not found or address in _OWN_NAT64:
        yield address
    yield from found


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    number = int(address)
    for network, end in _EMBEDDING:
        if address in network:
            yield _bits(number, end)
    if (address in _COMPATIBLE and number > 1) or address in _OWN_NAT64 or _bits_of(number, 96) & ~(1 << 25) == _ISATAP:
        yield _bits(number, 128)
    if address in _TEREDO:
        yield _bits(number, 64)
        yield _bits(~number, 128)


def _bits(number: int, end: int) -> IPv4Address:
    return IPv4Address(_bits_of(number, end))


def _bits_of(number: int, end: int) -> int:
    """The 32 bits of an IPv6 address before its bit `end`."""
    return number >> (128 - end) & 0xFFFF_FFFF


def _lies_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
