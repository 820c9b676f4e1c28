"""Changing a repository's files: uploads, files that are stored already, removals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from dashboard.uploads import Uploaded
from repos import by_hand, obstacles, paths
from repos.actions import Actions
from repos.arrivals import Arrived
from repos.errors import MillraceError
from repos.models import Repository

from .base import DomainForm, accepted

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_RUNS = {
    "modify": (_("Nothing more"), by_hand.ONLY_MODIFY),
    "publish": (_("Publish it"), by_hand.AND_PUBLISH),
    "distribute": (_("Publish it, and serve it"), by_hand.AND_DISTRIBUTE),
}


class _Then(forms.ChoiceField):
    def clean(self, value: Any) -> str:
        """Pages always send it; who does not leaves it to the repository."""
        return super().clean(value) if value else ""


class ChangeFilesForm(DomainForm):
    """What all changes by hand have: `wanted`, of which each form says what it is, and which actions follow (`then`).

    The latter is cleaned to Actions, or to None for the repository's own choice.
    """

    def __init__(self, *args: Any, repository: Repository, **options: Any) -> None:
        super().__init__(*args, **options)
        possible = {name: run for name, run in _RUNS.items() if not obstacles.refusal(repository, run[1])}
        default = by_hand.defaults(repository)
        # Where no distribution follows, the next best is offered.
        wanted = [name for name, run in possible.items() if run[1] == default] or list(possible)[-1:]
        self.fields["then"] = _Then(
            label=_("When the version is made"),
            choices=[(name, run[0]) for name, run in possible.items()],
            initial=wanted[0] if wanted else None,
        )

    def clean_then(self) -> Actions | None:
        chosen = self.cleaned_data["then"]
        return _RUNS[chosen][1] if chosen else None

    def clean(self) -> None:
        if not self.errors:
            try:
                self.cleaned_data["wanted"] = self.wanted()
            except MillraceError as error:
                self.refuse(error)

    def wanted(self) -> Any:
        raise NotImplementedError


class _FilesInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, Any], name: str) -> list[Uploaded]:
        return files.getlist(name)


class UploadForm(ChangeFilesForm):
    """Files that were sent: by path, what arrived."""

    PLACES = {"path": "file", "files": "file"}

    file = forms.Field(
        label=_("Files"),
        # Kept while the form is drawn anew: no page can choose a file again by itself.
        widget=_FilesInput({"hx-preserve": "true"}),
        help_text=_("Several at once make one version."),
        error_messages={"required": _("Choose the files to upload.")},
    )
    into = forms.CharField(
        label=_("Put into"),
        required=False,
        help_text=_("A folder, such as images/2026. Empty: the top."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    replace = forms.BooleanField(label=_("Replace files that are there already"), required=False)

    def clean_into(self) -> str:
        folder = self.cleaned_data["into"].strip("/")
        return accepted(paths.checked, folder) if folder else ""

    def wanted(self) -> dict[str, Arrived]:
        folder = self.cleaned_data["into"]
        uploaded: list[Uploaded] = self.cleaned_data["file"]
        placed = ((f"{folder}/{one.path}" if folder else one.path, one.arrived) for one in uploaded)
        return by_hand.once(placed, field="files")


def _lines(label: "StrPromise", help_text: "StrPromise") -> forms.CharField:
    widget = forms.Textarea({"rows": 8, "spellcheck": "false", "autocapitalize": "none"})
    return forms.CharField(label=label, help_text=help_text, strip=False, widget=widget)


class _LinesForm(ChangeFilesForm):
    PLACES = {"path": "lines", "files": "lines", "digests": "lines"}

    def numbered(self) -> list[tuple[int, str]]:
        """The lines with something in them, from 1. A path may have signs that Python would break lines at."""
        lines = self.cleaned_data["lines"].replace("\r\n", "\n").split("\n")
        return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


class AddForm(_LinesForm):
    """Files that are stored already: by path, their digests."""

    lines = _lines(
        _("Digest and path of each file"),
        _("A line for each, as sha256sum writes it: the sha256, two spaces, the path."),
    )
    replace = forms.BooleanField(label=_("Replace files that are there already"), required=False)

    def wanted(self) -> dict[str, str]:
        return by_hand.once((by_hand.listed(number, line) for number, line in self.numbered()), field="files")


class RemoveForm(_LinesForm):
    """The paths of files that are to go."""

    lines = _lines(_("Paths of the files to remove"), _("A line for each. Earlier versions keep them."))

    def wanted(self) -> list[str]:
        return [line for _, line in self.numbered()]


def lines_of(files: Mapping[str, str]) -> str:
    """What AddForm reads as these files: by path, their digests."""
    return "\n".join(f"{sha256}  {path}" for path, sha256 in files.items())
