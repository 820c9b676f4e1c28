"""The style guide: every part of which pages are made, in all its states. What is in it is made up."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard import places
from dashboard.forms.styleguide import ExampleForm
from dashboard.roles import for_administrators
from dashboard.templatetags.display import shown_states

from .http import Request

# By their anchors.
SECTIONS = (
    ("colours", _("Colours")),
    ("type", _("Type")),
    ("buttons", _("Buttons")),
    ("states", _("States")),
    ("notices", _("Notices")),
    ("forms", _("Forms")),
    ("tables", _("Tables")),
    ("ways", _("Finding one’s way")),
    ("steps", _("Steps and progress")),
    ("code", _("Code")),
    ("empty", _("Nothing here")),
    ("icons", _("Icons")),
)
COLOURS = (
    *("ground", "surface", "line", "accent", "accent-soft", "good", "good-soft"),
    *("warn", "warn-soft", "bad", "bad-soft", "idle-soft"),
)
# What icons mean, beside those of places and states: one for each deed and thing.
ICONS = {
    "play": _("run"),
    "arrow-path": _("run again"),
    "stop-circle": _("cancel"),
    "eye": _("watch"),
    "plus": _("make, add"),
    "minus": _("removed"),
    "pencil": _("changed"),
    "pencil-square": _("edit"),
    "check": _("save, yes"),
    "x-mark": _("dismiss"),
    "trash": _("delete"),
    "arrow-uturn-left": _("roll back"),
    "arrow-up-tray": _("upload"),
    "magnifying-glass": _("search"),
    "magnifying-glass-circle": _("check an upstream"),
    "clipboard": _("copy"),
    "command-line": _("for a terminal"),
    "code-bracket": _("for programs"),
    "chart-bar": _("for Prometheus"),
    "document": _("file"),
    "folder": _("folder"),
    "arrows-right-left": _("compare"),
    "plus-circle": _("comes"),
    "cog-6-tooth": _("settings"),
    "shield-check": _("verify"),
    "link": _("follows"),
    "map-pin": _("pinned"),
    "lock-closed": _("protected"),
    "ellipsis-horizontal": _("more"),
    "information-circle": _("good to know"),
    "exclamation-triangle": _("take care"),
    "bars-3": _("menu"),
    "chevron-down": _("a menu, sorted down"),
    "chevron-up": _("sorted up"),
    "chevron-up-down": _("can be sorted"),
    "chevron-left": _("back"),
    "chevron-right": _("on"),
    "chevron-double-left": _("first page"),
    "computer-desktop": _("theme of the system"),
    "sun": _("light"),
    "moon": _("dark"),
    "arrow-right-start-on-rectangle": _("sign out"),
}


@require_GET
@for_administrators
def styleguide(request: Request) -> HttpResponse:
    """`toast` in the query string is the level of a message to show, as if something had been done."""
    if level := {"success": messages.SUCCESS, "error": messages.ERROR}.get(request.GET.get("toast", "")):
        messages.add_message(request, level, _("Job 42 was requested."))
    context = {
        "sections": SECTIONS,
        "colours": COLOURS,
        "states": shown_states(),
        "pipeline": [(_("Sync"), "completed"), (_("Publish"), "running"), (_("Distribute"), "waiting")],
        "icons": ICONS,
        "places": list(places.places()),
        "form": ExampleForm(),
        "wrong": ExampleForm({"wrong-base_path": "docs/"}, prefix="wrong"),
        "moments": [timezone.now() - timedelta(seconds=seconds) for seconds in (4, 190, 7200, 200_000, 10**7)],
    }
    return render(request, "styleguide/index.html", context)
