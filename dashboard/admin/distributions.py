"""Distributions and their history."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from dashboard.forms.base import accepted
from dashboard.views.http import Request
from repos import base_paths, deletion, distributions, paths
from repos.deletion import Consequences
from repos.errors import MillraceError
from repos.models import Distribution, Switch

from .base import MillraceAdmin, link
from .correcting import CorrectingAdmin, CorrectionForm
from .deletion import DeletingAdmin
from .jobs import requested


class DistributionForm(CorrectionForm):
    def clean_base_path(self) -> str:
        return accepted(paths.base_path, self.cleaned_data["base_path"])

    def faults(self, before: Distribution, values: dict[str, Any]) -> Iterable[MillraceError]:
        try:
            base_paths.refuse_taken(values.get("base_path", before.base_path), but=before.pk)
        except MillraceError as error:
            yield error


@admin.register(Distribution)
class DistributionAdmin(CorrectingAdmin, DeletingAdmin):
    form = DistributionForm
    corrigible = ["base_path"]
    list_display = ["base_path", "of", "pinned", "serves", "created_at"]
    list_select_related = ["repository", "publication__version__repository", "publication__settings"]
    list_filter = ["pinned"]
    search_fields = ["base_path", "repository__name"]
    page = "distribution"
    actions = ["refresh"]

    def correct(self, request: Request, before: Distribution, values: dict[str, Any]) -> None:
        distributions.change_base_path(before, by=request.user, **values)

    def consequences(self, obj: Distribution) -> Consequences:
        """What it serves breaks only after its base path was typed: on its own page."""
        comes = deletion.of_distribution(obj)
        if comes.breaks and not comes.refusal:
            return Consequences(f"“{obj}” serves something. Delete it on its own page, where that has to be confirmed.")
        return comes

    def erase(self, obj: Distribution) -> None:
        deletion.delete_distribution(obj)

    @admin.action(description="Refresh selected distributions", permissions=["act"])
    def refresh(self, request: Request, queryset: QuerySet[Distribution]) -> None:
        self.each(request, queryset, lambda one: requested(distributions.refresh(one, by=request.user), after=one))

    @admin.display(description="repository", ordering="repository__name")
    def of(self, distribution: Distribution) -> str:
        return link(distribution.repository)

    @admin.display(description="publication")
    def serves(self, distribution: Distribution) -> str:
        return link(distribution.publication)


@admin.register(Switch)
class SwitchAdmin(MillraceAdmin):
    list_display = ["at", "of", "by", "was", "became", "made_by", "reason"]
    list_filter = ["at", "distribution__pinned"]
    list_select_related = ["distribution", "by", "job", "earlier__version__repository", "later__version__repository"]
    search_fields = ["distribution__base_path", "reason"]
    date_hierarchy = "at"

    @admin.display(description="distribution", ordering="distribution__base_path")
    def of(self, switch: Switch) -> str:
        return link(switch.distribution)

    @admin.display(description="job", ordering="job")
    def made_by(self, switch: Switch) -> str:
        return link(switch.job)

    @admin.display(description="from")
    def was(self, switch: Switch) -> str:
        return link(switch.earlier, switch.earlier and switch.earlier.version)

    @admin.display(description="to")
    def became(self, switch: Switch) -> str:
        return link(switch.later, switch.later and switch.later.version)
