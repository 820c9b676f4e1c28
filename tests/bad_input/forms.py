"""What people put into forms."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.urls import reverse

from repos.distributions import make_distribution
from repos.models import Damage, Distribution, PublishSettings, Remote, Repository
from tests import factories
from tests.bad_input.case import Case, Section
from tests.bad_input.site import Site

URL = "http://127.0.0.1/new/"
LOST = "404, Not found. There is nothing at this address. What was here may have been deleted."
WORDS = "Use words without spaces, parted by “/”, such as “docs/python”."
PARTS = "has an empty part, “.” or “..” in it"
OTHER = "Choose another path."
LONG = "It has 300 characters. Shorten it to 200 at most."
AGAIN = "Enter it again: what is secret is not shown again."
NAME = "422, at “Name”: A name has 1 to 200 characters, all of which can be printed."
WRITE = "Write it as in https://example.org/files/."
PORT = "The address has a port that there is not. Ports are numbers from 1 to 65535."
NEVER = (
    "This host is at an address that is never asked: one that is link-local, a cloud's metadata service, or no single "
    "host's. Name the upstream by an address that others reach it at, too."
)


def based(title: str, base_path: str, why: str, advice: str = WORDS) -> Case[Site]:
    """A base path, of a new repository and of a new distribution: the answers are the same."""

    def run(site: Site) -> str:
        said = site.fill("distribution-new", repository=site.repository.pk, base_path=base_path)
        assert site.fill("repository-new", name="new", url=URL, base_path=base_path) == said
        return said

    return Case(title, f"422, at “Base path”: The base path {why}. {advice}", run)


def addressed(title: str, url: str, why: str) -> Case[Site]:
    """The URL of a new remote, and of a new repository: the answers are the same."""

    def run(site: Site) -> str:
        said = site.fill("remote-new", name="new", url=url)
        of_repository = site.fill("repository-new", name="new", url=url, base_path="new")
        assert of_repository == said
        return said

    return Case(title, f"422, at “Upstream URL”: {why}", run)


def _usual(site: Site) -> dict[str, Any]:
    """Good values for all that pages of nothing that is there ask for."""
    return {"name": "new", "url": URL, "base_path": "new", "repository": site.repository.pk}


def entered(title: str, page: str, answer: str, **values: str) -> Case[Site]:
    """These values in the form of a page that is of nothing that is there."""

    def run(site: Site) -> str:
        return site.fill(page, **_usual(site) | values)

    return Case(title, answer, run)


def accepted(title: str, how: str, page: str, made: type[Model], *, shown: str, **values: str) -> Case[Site]:
    """Odd values that are taken: one row comes of it, and the page that it leads to shows this markup."""

    def run(site: Site) -> str:
        before = made._default_manager.count()
        said = site.fill(page, **_usual(site) | values)
        assert made._default_manager.count() == before + 1
        assert shown in site.page_that_it_led_to()
        return said

    return Case(title, how, run, works=True)


def by_hand(title: str, way: str, answer: str, *files: tuple[str, bytes], **values: str) -> Case[Site]:
    """A change of the repository's files: uploads of `files`, or what `values` say."""

    def run(site: Site) -> str:
        sent = {"file": [SimpleUploadedFile(name, data) for name, data in files]} if files else {}
        return site.fill(f"repository-{way}", site.repository.pk, **sent, **values)

    return Case(title, answer, run)


def _of_a_mirror(site: Site) -> str:
    Repository.objects.update(mirror=True)
    site.remember()
    return site.send("repository-remove", site.repository.pk, lines="a.txt")


def _damaged(site: Site) -> str:
    artifact = factories.artifact(b"damaged")
    Damage.objects.create(artifact=artifact, cause=Damage.Cause.DIGEST, why="its sha256 is another")
    site.remember()
    return site.fill("repository-add", site.repository.pk, lines=f"{artifact.sha256}  x")


def _stale(site: Site) -> str:
    """The form was opened, then somebody else changed what it is about, then it was sent."""
    opened = site.form("repository-edit", site.repository.pk)
    Repository.objects.update(brake=20)
    site.remember()
    return site.send("repository-edit", site.repository.pk, **opened | {"name": "mine"})


def _stale_remote(site: Site) -> str:
    opened = site.form("remote-edit", site.remote.pk)
    Remote.objects.update(tries=7)
    site.remember()
    return site.send("remote-edit", site.remote.pk, **opened | {"user_agent": "mine", "tries": "3"})


def _stale_distribution(site: Site) -> str:
    other = make_distribution(site.repository, "other")
    opened = site.form("distribution-edit", other.pk)
    Distribution.objects.filter(pk=other.pk).update(base_path="moved")
    site.remember()
    said = site.send("distribution-edit", other.pk, **opened | {"base_path": "mine"})
    # What the page warns of anyway.
    return said.partition(" If the base path is changed")[0]


def _stale_publish_settings(site: Site) -> str:
    opened = site.form("publish-settings-edit", site.repository.publish_settings_id)
    factories.repository("another", "another")
    site.remember()
    return site.send("publish-settings-edit", site.repository.publish_settings_id, **opened | {"checksums": "SUMS"})


def _changed_twice(page: str, number: Callable[[Site], int], **values: str) -> Callable[[Site], str]:
    """The form of what is there, sent by one click too many."""

    def run(site: Site) -> str:
        pk = number(site)
        return _twice(site, page, pk, **site.form(page, pk) | values)

    return run


def _made_twice(page: str) -> Callable[[Site], str]:
    return lambda site: _twice(site, page, **site.form(page) | _usual(site))


def _twice(site: Site, page: str, *args: int, **values: Any) -> str:
    assert site.send(page, *args, **values) == ""
    first, rows = site.led_to, site.rows()
    said = site.send(page, *args, **values)
    assert (site.led_to, site.rows()) == (first, rows)
    return said


def _another_distribution(site: Site) -> int:
    return make_distribution(site.repository, "other").pk


def _missing(*pages: str) -> Callable[[Site], str]:
    """Pages of numbers that nothing has."""

    def run(site: Site) -> str:
        addresses = [reverse(page, args=[number]) for page in pages for number in (4711, 10**30)]
        (said,) = {site.said(site.client.get(address)) for address in addresses}
        return said

    return run


def _run_twice(site: Site) -> str:
    assert site.send("repository-run", site.repository.pk, actions="sync") == ""
    first = site.led_to
    said = site.send("repository-run", site.repository.pk, actions="sync")
    assert site.led_to == first
    return said


def _run_nothing(site: Site) -> str:
    return site.send("repository-run", site.repository.pk, actions="nonsense")


def _choose_what_is_not_offered(site: Site) -> str:
    return site.send("distribution-new", **site.form("distribution-new") | {"repository": "999", "base_path": "new"})


def _pin_what_is_not_there(site: Site) -> str:
    return site.send("distribution-pin", site.distribution.pk, publication="999")


BASE_PATHS = Section(
    "Base paths",
    "Where a repository is served is checked while it is typed, when it is sent, and by the database.",
    (
        entered("None at all", "distribution-new", "422, at “Base path”: Enter the base path.", base_path=" "),
        based("A space", "a b", "“a b” has a space in it"),
        based("`..`", "a/../b", f"“a/../b” {PARTS}"),
        based("Two slashes", "a//b", f"“a//b” {PARTS}"),
        based("`?`", "a?b", "“a?b” has “?” in it"),
        based("`#`", "#a", "“#a” has “#” in it"),
        based("`%`", "a%20b", "“a%20b” has “%” in it"),
        based("A backslash", "a\\b", "“a\\b” has a backslash in it"),
        based("300 characters", "a" * 300, f"“{'a' * 100}…” is longer than 255 characters"),
        based("Nothing but slashes", "///", "is empty"),
        based(
            "One that is in use", "files", "“files” is already used by the distribution at “files”", "Choose another."
        ),
        based(
            "One inside another", "files/a", "“files/a” overlaps with the distribution at “files”", "Choose another."
        ),
        accepted(
            "Slashes at the ends",
            "They are taken off.",
            "distribution-new",
            Distribution,
            shown="/content/a/b/",
            base_path="/a/b/",
        ),
        accepted(
            "Markup",
            "It is shown as it is.",
            "distribution-new",
            Distribution,
            shown="&lt;b&gt;x&lt;/b&gt;",
            base_path="<b>x</b>",
        ),
    ),
)

URLS = Section(
    "Addresses of upstreams",
    "An address is refused where it is typed if nothing could be fetched from it, or if it would give a secret away.",
    (
        addressed(
            "With a user name and a password",
            "http://me:secret@example.org/",
            "The address has a user name or a password in it, which would show up in logs and pages. "
            "Take them out: a remote has fields of its own for them.",
        ),
        entered("None, for a remote", "remote-new", "422, at “Upstream URL”: Enter the upstream URL.", url=""),
        entered(
            "None, for a repository with a new remote",
            "repository-new",
            "422, at “Upstream URL”: Give the address of the upstream, or choose another place that its files come "
            "from.",
            url="",
        ),
        addressed("Of another scheme", "ftp://example.org/", "The address must begin with http:// or https://."),
        addressed("A file of this server", "file:///etc/passwd", "The address must begin with http:// or https://."),
        addressed("JavaScript", "javascript:alert(1)", "The address must begin with http:// or https://."),
        addressed("Without a scheme", "example.org/files/", "The address must begin with http:// or https://."),
        addressed("Without a host", "http:///files/", f"The address names no host that could be asked. {WRITE}"),
        addressed("A host with a space", "http://a b/", f"The address names no host that could be asked. {WRITE}"),
        addressed("Half an IPv6 address", "http://[::1/", f"The address cannot be read. {WRITE}"),
        addressed("A port of 99999", "http://example.org:99999/", PORT),
        addressed("A port of 0", "http://example.org:0/", PORT),
        addressed("A port that is no number", "http://example.org:http/", PORT),
        addressed("The metadata service of a cloud", "http://169.254.169.254/latest/meta-data/", NEVER),
        addressed("The same as one number", "http://2852039166/", NEVER),
        addressed("The same within IPv6", "http://[::ffff:a9fe:a9fe]/", NEVER),
        addressed(
            "A mark that turns the direction of writing",
            "http://example.org/\u202egpj.exe",
            "The address has a sign in it that cannot be shown.",
        ),
    ),
)

VALUES = Section(
    "Other values in forms",
    "A form that is refused comes back with all that was typed (but for secrets) and says what is wrong at each field.",
    (
        entered(
            "A name that is taken",
            "repository-new",
            "422, at “Name”: There is already a repository called “files”. Choose another name.",
            name="files",
        ),
        entered(
            "A remote's name that is taken",
            "remote-new",
            "422, at “Name”: There is already a remote called “files”. Choose another name.",
            name="files",
        ),
        entered("No name", "repository-new", "422, at “Name”: Enter the name.", name="  "),
        entered("No name for a remote", "remote-new", "422, at “Name”: Enter the name.", name="  "),
        entered("A name of 300 characters", "repository-new", NAME, name="n" * 300),
        entered("A remote's name of 300 characters", "remote-new", f"422, at “Name”: {LONG}", name="n" * 300),
        entered("A name with a line break", "repository-new", NAME, name="two\nlines"),
        entered(
            "A NUL",
            "repository-new",
            "422, at “Name”: It has a character that cannot be stored. Enter it without.",
            name="a\0b",
        ),
        accepted(
            "A name with markup",
            "It is shown as it is.",
            "repository-new",
            Repository,
            shown="&lt;script&gt;alert(1)&lt;/script&gt;",
            name="<script>alert(1)</script>",
        ),
        accepted(
            "A remote's name with markup",
            "It is shown as it is.",
            "remote-new",
            Remote,
            shown="&lt;script&gt;alert(1)&lt;/script&gt;",
            name="<script>alert(1)</script>",
        ),
        entered(
            "A user name with a colon",
            "remote-new",
            "422, at “User name”: A user name cannot have a colon in it: that is where the password begins. "
            f"at “Password”: {AGAIN}",
            username="a:b",
            password="hush-hush",
        ),
        entered(
            "A password and a token",
            "remote-new",
            f"422, at “Password”: {AGAIN} "
            "at “Bearer token”: There is a user name as well, and only one login can be sent. "
            f"Remove that, or the token. at “Bearer token”: {AGAIN}",
            username="me",
            password="hush-hush",
            token="hush-hush",
        ),
        entered(
            "A header that is none",
            "remote-new",
            f"422, at “Further headers”: Line 2 is not of the form “Name: value”. at “Further headers”: {AGAIN}",
            headers="X-Key: 1\nnonsense",
        ),
        entered(
            "A header that Millrace sets itself",
            "remote-new",
            "422, at “Further headers”: Line 1 gives the header “Host”, which Millrace sets itself. "
            f"at “Further headers”: {AGAIN}",
            headers="Host: other.example",
        ),
        entered(
            "A certificate that is none",
            "remote-new",
            "422, at “CA certificates”: It is no certificate in PEM form, which begins with "
            "-----BEGIN CERTIFICATE-----. Paste it whole.",
            ca_certificate="nonsense",
        ),
        entered(
            "No downloads at once",
            "remote-new",
            "422, at “Concurrency”: Give a whole number from 1 to 100.",
            concurrency="0",
        ),
        entered(
            "A list's name that is a path",
            "publish-settings-new",
            "422, at “Manifest name”: The file lies at the top of what is published. Give its name without a folder.",
            manifest="a/b",
        ),
        entered(
            "A list's name that is `..`",
            "publish-settings-new",
            "422, at “Manifest name”: The path “..” has an empty part, “.” or “..” in it. Choose another path.",
            manifest="..",
        ),
        entered(
            "A list's name of 300 characters",
            "publish-settings-new",
            f"422, at “Manifest name”: {LONG}",
            manifest="n" * 300,
        ),
        accepted(
            "A list's name with markup",
            "It is shown as it is.",
            "publish-settings-new",
            PublishSettings,
            shown="&lt;b&gt;x",
            manifest="<b>x",
        ),
        accepted(
            "No names for the lists",
            "Then none is written.",
            "publish-settings-new",
            PublishSettings,
            shown="none is written",
            manifest="",
            checksums="",
        ),
        entered(
            "One name for two lists",
            "publish-settings-new",
            "422, at “Checksum file”: “PULP_MANIFEST” cannot be two files. Give one of them another name.",
            checksums="PULP_MANIFEST",
        ),
        Case(
            "A choice that is not offered",
            "422, at “Repository”: It is not there, or not any more. Choose another.",
            _choose_what_is_not_offered,
        ),
        Case("A run that is none", "422, Choose what the run is to do.", _run_nothing),
        Case(
            "A publication that is not there, to be pinned to",
            "422, This publication is not there, or is of another repository. Choose another.",
            _pin_what_is_not_there,
        ),
        Case(
            "A form of what somebody else changed meanwhile",
            "409, “files” was changed by somebody else meanwhile. Look at what is there now, then try again.",
            _stale,
        ),
        Case(
            "The same of a remote, with a field that both changed",
            "409, at “Tries”: Somebody else changed it. Now: “7”. The remote “files” was changed by "
            "somebody else meanwhile. Look at what is there now, then try again.",
            _stale_remote,
        ),
        Case(
            "The same of a distribution",
            "409, at “Base path”: Somebody else changed it. Now: “moved”. The distribution at “moved” was changed by "
            "somebody else meanwhile. Look at what is there now, then try again.",
            _stale_distribution,
        ),
        Case(
            "The same of publish settings, which others use by now",
            "409, The use of the publish settings “PULP_MANIFEST” was changed by somebody else meanwhile. Look at what "
            "is there now, then try again.",
            _stale_publish_settings,
        ),
        Case(
            "A page of a remote that is not there",
            LOST,
            _missing("remote", "remote-edit", "remote-delete"),
        ),
        Case(
            "A page of a distribution that is not there",
            LOST,
            _missing("distribution", "distribution-edit", "distribution-delete"),
        ),
        Case(
            "A page of publish settings that are not there",
            LOST,
            _missing("publish-settings-detail", "publish-settings-edit", "publish-settings-delete"),
        ),
        Case("The same new remote twice", "What the first one made is shown.", _made_twice("remote-new"), works=True),
        Case(
            "The same new distribution twice",
            "What the first one made is shown.",
            _made_twice("distribution-new"),
            works=True,
        ),
        Case(
            "The same change of a remote twice",
            "It is made once.",
            _changed_twice("remote-edit", lambda site: site.remote.pk, tries="7"),
            works=True,
        ),
        Case(
            "The same change of a base path twice",
            "It is made once.",
            _changed_twice("distribution-edit", _another_distribution, base_path="new"),
            works=True,
        ),
        Case("The same form twice", "What the first one made is shown.", _made_twice("repository-new"), works=True),
        Case("The same run twice", "The one that is waiting is joined.", _run_twice, works=True),
    ),
)

FILES = Section(
    "Files by hand",
    "Refused before there is a job; what was uploaded and may still be wanted is kept.",
    (
        by_hand("No file at all", "upload", "422, at “Files”: Choose the files to upload."),
        by_hand(
            "A name that begins with `#`",
            "upload",
            "422, at “Files”: The path “#a” begins with “#”, so every list of files that names it would be read as if "
            f"that were a comment. {OTHER}",
            ("#a", b"new"),
        ),
        by_hand(
            "A folder above",
            "upload",
            f"422, at “Put into”: The path “../..” {PARTS}. {OTHER}",
            ("a", b"new"),
            into="../..",
        ),
        by_hand(
            "A path that is there, with other bytes",
            "upload",
            "409, 1 file of these is there already, with other bytes, so nothing was changed. What you sent is kept: "
            "nothing has to be sent again.",
            ("a.txt", b"new"),
        ),
        by_hand(
            "A file where a folder is",
            "upload",
            "422, at “Files”: “folder” cannot be both a file and the folder of “folder/b.txt”. One of the two has to "
            "go first: remove it by hand, or make the repository a mirror.",
            ("folder", b"new"),
        ),
        by_hand(
            "The same path twice",
            "upload",
            "422, at “Files”: “x” is named twice. Name each path once.",
            ("x", b"1"),
            ("x", b"2"),
        ),
        by_hand(
            "A file called as the published list",
            "upload",
            "422, at “Files”: “PULP_MANIFEST” is the name of a list that publishing writes itself, so an uploaded one "
            "would never be served. Give it another name, or change the publish settings.",
            ("PULP_MANIFEST", b"new"),
        ),
        by_hand(
            "A digest of nothing that is stored",
            "add",
            "422, at “Digest and path of each file”: No stored file has the sha256 ‹sha256›. Upload the file itself.",
            lines=f"{'0' * 64}  x",
        ),
        Case(
            "A digest of what is stored, but damaged",
            "422, at “Digest and path of each file”: The stored file with the sha256 ‹sha256› is damaged. Upload the "
            "file itself.",
            _damaged,
        ),
        by_hand(
            "A line of another form",
            "add",
            "422, at “Digest and path of each file”: Line 1 is not a sha256 of 64 hexadecimal digits, two spaces and "
            "a path.",
            lines="nonsense",
        ),
        by_hand(
            "A path to remove that is not there",
            "remove",
            "422, at “Paths of the files to remove”: “none.txt” is not in version 1, so it cannot be removed.",
            lines="none.txt",
        ),
        Case(
            "A change of a mirror",
            "409, “files” is a mirror: exactly what its upstream is, so its files cannot be changed by hand. "
            "Make it additive first, or change the upstream.",
            _of_a_mirror,
        ),
    ),
)
