"""What all models share in the admin: pages that are quick whatever the number of rows, links, refusals in words."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Paginator
from django.db import IntegrityError, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from repos.errors import MillraceError

# Django's class takes a parameter only where types are checked.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    ModelAdmin, AnyPaginator = admin.ModelAdmin, Paginator

# So many rows are counted, and can be paged through; a search leads to the others.
MOST_COUNTED = 10_000
# So many objects are acted on at once: each is told of by itself.
MOST_AT_ONCE = 100

# What came of an act: how serious it is (django.contrib.messages), and the words. A name comes in quotes, else Django
# makes its first letter a capital.
Said = tuple[int, str]


class BoundedPaginator(AnyPaginator):
    """Counts no further than a person would page: a table of a million rows is not read for its first page."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_COUNTED)

    @cached_property
    def cut(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: MOST_COUNTED + 1].count()


class MillraceAdmin(ModelAdmin):
    """A model that can be looked at. What may be corrected of it are the fields in `corrigible`."""

    corrigible: Sequence[str] = ()
    # The name of the dashboard's own page of such an object, if it has one.
    page = ""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.corrigible) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the actions are for this user: who may change such objects, were they ever changed by hand."""
        return super().has_change_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        every = [field.name for field in self.opts.fields if not field.primary_key]
        return self.fields or [*every, *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = [field.name for field in self.opts.fields if field.name not in self.corrigible]
        return [*shown, *self.readonly_fields]

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return reverse(self.page, args=self.page_args(obj)) if self.page and obj else None

    def page_args(self, obj: Any) -> Sequence[Any]:
        return [obj.pk]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list whose address asks for what no database can look for is shown whole."""
        if any(_impossible(name, str(value)) for name, value in request.GET.items()):
            return redirect(request.path)
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What the form let through and the domain or the database then refused, such as in a race, is said."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (MillraceError, IntegrityError) as error:
            self.message_user(request, said(error), messages.ERROR)
            return redirect(request.get_full_path())

    def each(self, request: HttpRequest, chosen: QuerySet[Any], do: Callable[[Any], Said]) -> None:
        """Does it to each of the chosen objects, and says of each what came of it."""
        rows = list(chosen[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            self.message_user(request, f"Nothing was done: choose at most {MOST_AT_ONCE} at once.", messages.ERROR)
            return
        for row in rows:
            try:
                level, text = do(row)
                self.message_user(request, text, level)
            except MillraceError as error:
                self.message_user(request, f"“{row}”: {error}", messages.ERROR)


def _impossible(name: str, value: str) -> bool:
    """Text with a NUL, or a number that is too long for one."""
    return "\0" in value or (name != SEARCH_VAR and value.isdecimal() and len(value) > 18)


def said(error: Exception) -> str:
    """A refusal as a sentence; of a constraint only the name is told, for a database's words may hold values."""
    if isinstance(error, MillraceError):
        return str(error)
    named = re.search(r"constraint(?: failed:)? \"?([\w.]+)", str(error))
    rule = f"“{named[1].replace('_', ' ')}”" if named else "that something is there only once"
    return f"Nothing was changed, for the database keeps the rule {rule}. Look at the values, then try again."


def link(to: models.Model | None, text: object = None) -> str:
    """A link to an object's own page of the admin."""
    if to is None:
        return "–"
    name = f"admin:{to._meta.app_label}_{to._meta.model_name}_change"
    return anchor(reverse(name, args=[to.pk]), to if text is None else text)


def rows_link(model: type[models.Model], text: str, **where: object) -> str:
    """A link to those rows of a model's list that have these values."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    query = "&".join(f"{name}={value}" for name, value in where.items())
    return anchor(f"{address}?{query}", text)


def anchor(address: str, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, text)
