"""What every page has around it."""

from typing import Any

from django import template

from dashboard import places
from dashboard.roles import Role

register = template.Library()


@register.inclusion_tag("shared/_navigation.html", takes_context=True)
def navigation(context: template.Context) -> dict[str, Any]:
    """The places that the reader may enter, and which of them this page is in."""
    match = context["request"].resolver_match
    return {"groups": places.offered(_role(context)), "here": places.place_of(match.url_name if match else None)}


@register.simple_tag(takes_context=True)
def is_profile(context: template.Context) -> bool:
    match = context["request"].resolver_match
    return places.place_of(match.url_name if match else None) is places.PROFILE


def _role(context: template.Context) -> Role:
    """By the flags that every template has, which cost no query here."""
    if context.get("may_administer"):
        return Role.ADMINISTRATOR
    return Role.OPERATOR if context.get("may_operate") else Role.VIEWER
