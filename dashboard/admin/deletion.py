"""Deleting in the admin is the domain's deleting: what others need, or is served, is refused with the reason."""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

from django.contrib import messages
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from dashboard.templatetags.display import size
from repos.deletion import Consequences
from repos.errors import MillraceError

from .base import MOST_AT_ONCE, MillraceAdmin, ModelAdmin


class DeletingAdmin(MillraceAdmin):
    """A model whose objects the domain knows how to delete."""

    def consequences(self, obj: Any) -> Consequences:
        raise NotImplementedError

    def erase(self, obj: Any) -> None:
        """Deletes it by the domain, which has the last word. Raises MillraceError."""
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super(ModelAdmin, self).has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """What Django's pages ask: what goes, how many of what, what the user may not delete, what forbids it."""
        chosen = list(objs)
        if len(chosen) > MOST_AT_ONCE:
            return [], {}, set(), [f"Choose at most {MOST_AT_ONCE} at once."]
        found = [(str(one), self.consequences(one)) for one in chosen]
        goes = [part for name, comes in found for part in (name, _listed(comes))]
        refusals = [f"“{name}”: {comes.refusal}" for name, comes in found if comes.refusal]
        return goes, {str(self.opts.verbose_name_plural): len(chosen)}, set(), refusals

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Not in one transaction, as Django's would be: the domain chooses its own, and may take many."""
        inner: Callable[..., HttpResponse] = self._delete_view  # type: ignore[attr-defined]
        return self._or_refused(request, lambda: inner(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, lambda: super(DeletingAdmin, self).changelist_view(request, *args, **kwargs))

    def _or_refused(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        """A refusal that came only while it was being deleted is said, too."""
        try:
            return view()
        except (MillraceError, ProtectedError, RestrictedError) as error:
            why = str(error) if isinstance(error, MillraceError) else "Something began to need it just now."
            self.message_user(request, f"Not deleted: {why}", messages.ERROR)
            return redirect(request.get_full_path())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for one in queryset:
            self.delete_model(request, one)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        gone = copy(obj)
        self.erase(obj)
        super().log_deletions(request, [gone])  # type: ignore[arg-type]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Django logs a deletion before it is made; here it may still be refused."""


def _listed(comes: Consequences) -> list[Any]:
    """What it comes to, as Django's pages take it: a list of texts, each of which a list may follow."""
    words: list[Any] = []
    if comes.takes:
        words += ["Goes with it:", list(comes.takes)]
    if comes.breaks:
        words += ["Stops working:", list(comes.breaks)]
    if comes.frees:
        words.append(f"Then needed by nothing else: {size(comes.frees)}.")
    return words
