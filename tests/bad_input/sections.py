"""All cases, by the stage that they are played on."""

from typing import Any

from tests.bad_input import addresses, forms, lists, names, secured, surroundings, upstreams, users
from tests.bad_input.case import Section
from tests.bad_input.mirror import Mirror
from tests.bad_input.site import Site

# What comes from upstreams, played on a Mirror.
MIRRORED: tuple[Section[Mirror], ...] = (
    lists.FORMS,
    names.PATHS,
    upstreams.WAY,
    upstreams.BODIES,
    secured.SECURED,
    surroundings.DISK,
    addresses.SERVED,
)
# What comes from people, played on a Site.
TYPED: tuple[Section[Site], ...] = (
    forms.BASE_PATHS,
    forms.URLS,
    forms.VALUES,
    forms.FILES,
    addresses.PAGES,
    users.USERS,
)
SECTIONS: tuple[Section[Any], ...] = (*MIRRORED, *TYPED)
