"""The paths in a list: which are legal, and that each is served as itself."""

from urllib.parse import quote

from repos.paths import content_url
from tests.bad_input.case import Case, Section
from tests.bad_input.lists import line, listed
from tests.bad_input.mirror import Mirror

PARTS = "has an empty part, “.” or “..” in it"
CONTROL = "has a control character in it"


def refused(title: str, path: str, shown: str, why: str) -> Case[Mirror]:
    return listed(title, line(path), f"cannot be read: the path “{shown}” {why}")


def served(title: str, *names: str) -> Case[Mirror]:
    """Names that are odd, but legal: each is asked for and served at an address that is quoted."""

    def run(mirror: Mirror) -> str:
        for name in names:
            mirror.upstream.write(name, name.encode())
        said = mirror.sync()
        targets = [request.target for request in mirror.upstream.requests]
        for name in names:
            assert f"/{quote(name)}" in targets
            assert mirror.body(name) == name.encode()
        assert not any(name in mirror.listing() for name in names if set(name) & set("<>\"'\u202e"))
        return said

    shown = ", ".join(content_url("files", name) for name in names)
    return Case(title, f"Served at {shown}", run, works=True)


PATHS = Section(
    "Paths in the list",
    "Any relative path without tricks is served as itself. In addresses it is quoted, on pages escaped; marks that "
    "turn the direction of writing are shown as what they are.",
    (
        refused("`..`", "a/../../etc/passwd", "a/../../etc/passwd", PARTS),
        refused("An absolute path", "/etc/passwd", "/etc/passwd", "is absolute"),
        refused("An empty part", "a//b", "a//b", PARTS),
        refused("A slash at the end", "folder/", "folder/", PARTS),
        refused("A backslash", "..\\windows", "..\\windows", "has a backslash in it"),
        refused("A NUL", "a\0b", "a\\x00b", CONTROL),
        refused("A control character (escape)", "a\x1b[31mb", "a\\x1b[31mb", CONTROL),
        refused("More than 1,024 bytes", "a" * 1025, "a" * 100 + "…", "is longer than 1024 bytes"),
        listed(
            "A byte-order mark within the list",
            line("\ufeffa"),
            "cannot be read: the path “\\ufeffa” begins with a byte-order mark, which readers of a list of files drop",
        ),
        listed("An empty path", line(""), "cannot be read: the path is empty"),
        served("Names that differ only by case", "README", "Readme", "readme"),
        served("Names that differ only by Unicode normalisation", "caf\u00e9.txt", "cafe\u0301.txt"),
        served("`%2e%2e`", "%2e%2e/%2e%2e/passwd"),
        served("`?` and `#`", "what?a=b", "c#d", "e/#f"),
        served("Commas, spaces", "a, b,c", " leading and trailing "),
        served("Quotes", "'single' \"double\" `back`"),
        served("Markup", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>.html", "&lt;b&gt;"),
        served("Marks that turn the direction of writing", "\u202etxt.exe", "\u2067name\u2069"),
        served("Signs that one cannot see", "zero\u200bwidth", "soft\u00adhyphen", "\u00a0"),
        served("Names that shells or Windows make something of", "-rf", "$(reboot)", "CON", "a:b", "*", "~"),
    ),
)
