"""Slows the guessing of passwords: after a few failures each further try waits, also one with the right password.

Failures are counted by name and address together, and by address alone. A count begins with its first failure and is
forgotten WINDOW seconds later. While one has to wait nothing is looked up, so that neither an answer nor the time it
takes tells whether there is such a name. An address is what the web server says it is: behind the one proxy that it
trusts, the client's (see MILLRACE_PROXY).
"""

import logging
import time
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from . import cache

logger = logging.getLogger(__name__)

# In seconds.
WINDOW = 15 * 60
# So many failures are free, of a name from an address; and from an address, where several people may be.
OF_NAME = 5
OF_ADDRESS = 20


def wait(address: str, name: str) -> int:
    """Seconds until somebody at `address` may try again as `name`; 0 if they may now."""
    return max(_wait(key, free) for key, free in _counts(address, name))


def failed(address: str, name: str, what: str = "sign-in") -> None:
    """Counts a failure, and logs it. `what` is what was tried; the password is nobody's business."""
    for key, _ in _counts(address, name):
        cache.add(f"{key}:until", time.time() + WINDOW, WINDOW)
        cache.incr(key, WINDOW)
    # As Python writes it: a name can have line ends.
    logger.warning("Failed %s: user %.150r from %s", what, name, address)
    if seconds := wait(address, name):
        logger.warning("User %.150r from %s has to wait %d s before the next try", name, address, seconds)


def succeeded(address: str, name: str) -> None:
    """The name's failures from there are forgotten; those of the address as a whole are not."""
    (key, _), *_ = _counts(address, name)
    cache.delete(key)
    cache.delete(f"{key}:until")


def _wait(key: str, free: int) -> int:
    if (cache.get(key) or 0) < free:
        return 0
    left = (cache.get(f"{key}:until") or 0) - time.time()
    # Rounded up; a clock that was set back prolongs nothing.
    return min(int(left) + 1, WINDOW) if left > 0 else 0


def _counts(address: str, name: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """What is counted, and how many failures of it are free."""
    network = _network(address)
    return (_key(f"{network}\n{name.casefold()}"), OF_NAME), (_key(network), OF_ADDRESS)


def _key(text: str) -> str:
    return f"throttle:{blake2b(text.encode(errors='replace'), digest_size=16).hexdigest()}"


def _network(address: str) -> str:
    """Of IPv6 the half that a network has: within it a client takes whatever address it likes."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found.packed[:8]) if isinstance(found, IPv6Address) and not found.ipv4_mapped else address
