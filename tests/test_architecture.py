"""The shape of the house: two rooms and one arrow. It reads the imports, and fails on a wrong one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
PURE = {
    *("chunks", "compare", "errors", "keyfile", "manifest", "names", "paths", "pieces", "pipeline", "representation"),
    *("splice", "units", "window", "worklist", "nouns"),
    *("errors.values", "errors.refusals", "errors.upstreams", "errors.storage", "errors.stops"),
}
ATTICS = {"utils", "util", "helpers", "helper", "services", "service", "managers", "manager", "misc", "common"}


def name_of(file: Path) -> str:
    """A file's module: repos/models/job.py is repos.models.job, repos/models/__init__.py is repos.models."""
    return ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


def files_of(*rooms: str) -> list[Path]:
    return sorted(file for room in rooms for file in (HOUSE / room).rglob("*.py"))


def imports_of(source: str, name: str, *, is_package: bool = False) -> set[str]:
    """All that module `name` imports, wherever in it, absolute: `from a import b` is both a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = origin_of(node, name, is_package=is_package)
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return found


def origin_of(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """The module that a `from … import` names, its dots resolved."""
    levels_up = max(node.level - is_package, 0)
    above = name.split(".")[: len(name.split(".")) - levels_up] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def lies_in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def wrong_imports(source: str, name: str, *, is_package: bool = False) -> set[str]:
    """What `source` imports that module `name` may not."""
    packages = set(forbidden(name))
    found = imports_of(source, name, is_package=is_package)
    return {module for module in found if any(lies_in(module, one) for one in packages) or leaves_models(name, module)}


def leaves_models(name: str, module: str) -> bool:
    """Whether a model imports another part of the domain; `from repos import models` names the package above, too."""
    return lies_in(name, "repos.models") and module.startswith("repos.") and not lies_in(module, "repos.models")


def forbidden(name: str) -> Iterator[str]:
    """The packages that module `name` may not import."""
    if name != "dashboard.tasks":
        yield "huey"
    if lies_in(name, "repos"):
        yield from ("dashboard", "waitress", "whitenoise", "django_htmx")
        yield from ("django.http", "django.template", "django.shortcuts", "django.views", "django.urls", "django.forms")
    if name in {f"repos.{module}" for module in PURE}:
        yield from ("django", "requests", "urllib3", "repos.models", "repos.conf")


def wrong_in(file: Path) -> set[str]:
    return wrong_imports(file.read_text(), name_of(file), is_package=file.name == "__init__.py")


def test_it_works() -> None:
    source = "import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g\n"
    assert imports_of(source, "x.y.z") == {"a.b", "c", "c.d", "x.y", "x.y.e", "x.f", "x.f.g"}
    assert imports_of("from . import e\nfrom .f import g", "x.y", is_package=True) == {
        "x.y",
        "x.y.e",
        "x.y.f",
        "x.y.f.g",
    }


@pytest.mark.parametrize("file", files_of("repos", "dashboard"), ids=name_of)
def test_a_module_imports_what_it_may(file: Path) -> None:
    assert wrong_in(file) == set()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("repos.sync", "import dashboard"),
        ("repos.sync", "from dashboard import tasks"),
        ("repos.sync", "from dashboard.tasks import ring"),
        ("repos.sync", "import huey"),
        ("repos.sync", "from huey.consumer import Consumer"),
        ("repos.sync", "from django.http import HttpRequest"),
        ("repos.sync", "from django import http"),
        ("repos.sync", "import django.template.loader as loader"),
        ("repos.sync", "from django.shortcuts import render"),
        ("repos.sync", "import waitress"),
        ("repos.sync", "def late():\n    from dashboard import tasks"),
        ("repos.sync", "if TYPE_CHECKING:\n    from django.http import HttpRequest"),
        ("repos.sync", "from ..dashboard import tasks"),
        ("repos.management.commands.sync", "from dashboard.tasks import huey"),
        ("repos.models.job", "from repos import jobs"),
        ("repos.models.job", "from repos.errors.refusals import Refused"),
        ("repos.models.job", "from .. import conf"),
        ("repos.models.job", "from ..conf import silence"),
        ("repos.paths", "from django.conf import settings"),
        ("repos.manifest", "import requests"),
        ("repos.compare", "from .models import Content"),
        ("dashboard.views.jobs", "import huey"),
        ("dashboard.views.jobs", "from huey import SqliteHuey"),
        ("dashboard.tasks.more", "import huey"),
    ],
)
def test_a_wrong_import_is_found(name: str, source: str) -> None:
    assert wrong_imports(source, name)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("repos.sync", "from .models import Content\nfrom django.db import transaction\nimport requests"),
        ("repos.sync", "import dashboards\nimport hueys\nfrom django import httpx"),
        ("repos.models.job", "from .publication import Publication\nfrom django.db import models"),
        ("repos.models.job", "from repos.models.publication import Publication\nfrom repos import models"),
        ("repos.manifest", "from . import paths\nfrom .errors.upstreams import BadList"),
        ("dashboard.tasks", "from huey import SqliteHuey\nfrom repos import chain"),
        ("dashboard.views.jobs", "from django.http import HttpResponse\nfrom repos import jobs"),
    ],
)
def test_a_right_import_is_left_alone(name: str, source: str) -> None:
    assert wrong_imports(source, name) == set()


def test_the_rooms_are_where_they_are_looked_for() -> None:
    names = {name_of(file) for file in files_of("repos", "dashboard")}
    assert {"repos", "repos.models.job", "repos.management.commands.sync", "dashboard.tasks"} <= names
    assert {f"repos.{module}" for module in PURE} <= names


def attics(files: list[Path]) -> list[Path]:
    """Modules and packages with a name that does not tell what belongs in them."""
    return [file for file in files if {file.stem, file.parent.name} & ATTICS]


def test_no_module_is_an_attic() -> None:
    assert attics(files_of("repos", "dashboard", "tests")) == []


def test_an_attic_would_be_found() -> None:
    wrong = [Path("repos/utils.py"), Path("dashboard/services/mail.py")]
    assert attics([*wrong, Path("repos/units.py"), Path("repos/management/terminal.py")]) == wrong


def needs() -> dict[str, set[str]]:
    """What each module of the domain imports of the domain, when it is imported itself."""
    files = {name_of(file): file for file in files_of("repos")}
    found = {
        name: imports_of(file.read_text(), name, is_package=file.name == "__init__.py") for name, file in files.items()
    }
    # A package that a module lies in is there before the module is.
    return {
        name: {one for one in modules if one in files and not lies_in(name, one)} for name, modules in found.items()
    }


def circle(needs: dict[str, set[str]]) -> set[str]:
    """Modules that need each other, however far around; none if there are none."""
    left = {name: set(modules) for name, modules in needs.items()}
    while free := {name for name, modules in left.items() if not modules & left.keys()}:
        left = {name: modules for name, modules in left.items() if name not in free}
    return set(left)


def test_no_modules_of_the_domain_import_each_other() -> None:
    assert circle(needs()) == set()


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set(), "e": {"d"}}) == {"a", "b", "c"}


def map_of_the_house() -> set[str]:
    """The files that CONTRIBUTING.md says where to find."""
    found = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\n```\nrepos/")[2].partition("```")[0]
    return set(re.findall(r"\w+\.py", found))


@pytest.mark.parametrize("room", ["repos", "dashboard", "bench", "tests"])
def test_the_map_names_every_module(room: str) -> None:
    names = {file.name for file in (HOUSE / room).glob("*.py")}
    plain = {name for name in names if name.startswith("test_")} | {"__init__.py", "apps.py"}
    assert names - plain - map_of_the_house() == set()


def test_the_map_names_no_module_that_is_gone() -> None:
    there = {file.name for file in files_of("repos", "dashboard", "bench", "tests")} | {"manage.py"}
    assert map_of_the_house() - there == set()
