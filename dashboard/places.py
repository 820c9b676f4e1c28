"""Where things are: the one table behind the navigation, which says, too, in which place an address lies."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .roles import Role


@dataclass(frozen=True)
class Place:
    """`address` is the name of its first page; `holds` are the first words of the names of all addresses in it."""

    address: str
    word: str | Promise
    icon: str
    holds: tuple[str, ...]
    least: Role = Role.VIEWER


# Groups, as the navigation shows them from top to bottom.
GROUPS: tuple[tuple[Place, ...], ...] = (
    (
        Place("overview", _("Overview"), "home", ("overview",)),
        Place("repositories", _("Repositories"), "archive-box", ("repositories", "repository", "version", "compare")),
        Place("jobs", _("Jobs"), "queue-list", ("jobs", "job", "dry")),
    ),
    (
        Place("distributions", _("Distributions"), "globe-alt", ("distributions", "distribution", "base")),
        Place("publications", _("Publications"), "book-open", ("publications", "publication")),
        Place("publish-settings", _("Publish settings"), "adjustments-horizontal", ("publish",)),
        Place("remotes", _("Remotes"), "cloud-arrow-down", ("remotes", "remote")),
    ),
    (
        Place("storage", _("Storage"), "circle-stack", ("storage",)),
        Place("status-page", _("Status"), "heart", ("status", "metrics")),
    ),
    (
        Place("tokens", _("Tokens"), "key", ("tokens", "token"), Role.OPERATOR),
        Place("users", _("Users"), "users", ("users", "user"), Role.ADMINISTRATOR),
        Place("admin:index", _("Admin"), "wrench-screwdriver", (), Role.ADMINISTRATOR),
    ),
)
# Not in the groups: it stands below them, under the name of whoever is signed in.
PROFILE = Place("profile", _("Profile"), "user-circle", ("profile", "password", "styleguide"))


def places() -> Iterator[Place]:
    yield from (place for group in GROUPS for place in group)
    yield PROFILE


_HOLDER = {word: place for place in places() for word in place.holds}


def place_of(name: str | None) -> Place | None:
    """Where the address called `name` lies; None for one that is nowhere, such as that to sign in at."""
    return _HOLDER.get((name or "").partition("-")[0])


def offered(role: Role) -> list[list[Place]]:
    """The groups with the places that `role` may enter, without those that are left empty."""
    groups = ([place for place in group if place.least <= role] for group in GROUPS)
    return [group for group in groups if group]
