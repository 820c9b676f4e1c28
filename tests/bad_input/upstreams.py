"""What upstreams do: faults of the way there, of the answer, of the body."""

from repos.addresses import NEVER
from repos.models import FailedFile
from tests.bad_input.case import Case, Section
from tests.bad_input.lists import LIST, LOST
from tests.bad_input.mirror import Mirror
from tests.misbehaviour import (
    Busy,
    Chunked,
    Corrupt,
    CutHeaders,
    Drip,
    DripHeaders,
    Fault,
    Garbage,
    Longer,
    NotModified,
    Overrun,
    Partial,
    Redirect,
    Reset,
    Short,
    Stall,
    Status,
    Unframed,
)
from tests.upstream import MANIFEST, Upstream

FILE = "‹upstream›/bad.txt"
LOOK = "Look whether the upstream runs and is reached from this server; it may be mended by itself later."
LATER = "Run again later, or ask who runs the upstream."
UNFIT = "The list and the files upstream do not fit together: run again later, or ask who runs the upstream."
GONE = "The list names a file that is not there: run again later, or ask who runs the upstream."
BROWSE = "Look at the URL in a browser; enter the address that it ends at."
LOGIN = "Set a user name and a password, or a token, on the remote."
THERE = (
    f"1 file could not be fetched, so no version was made: bad.txt ({FILE}): the upstream answered 500, at "
    "the address to which it redirects: ‹other›/bad.txt"
)


def broken(title: str, fault: Fault, why: str, advice: str, **remote: object) -> Case[Mirror]:
    """A file that fails, beside one that comes."""

    def run(mirror: Mirror) -> str:
        mirror.remote(**remote or {"tries": 2})
        mirror.upstream.write("bad.txt", b"bad bytes")
        mirror.upstream.write("new.txt", b"new")
        mirror.upstream.fail("bad.txt", fault)
        return mirror.sync()

    answer = f"1 file could not be fetched, so no version was made: bad.txt ({FILE}): {why}. {advice} {LOST}"
    return Case(title, answer, run)


def whole(title: str, fault: Fault, how: str) -> Case[Mirror]:
    """A file that comes as it should, in the end or in an odd way; the list comes in the same way."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.write("odd.txt", b"odd")
        mirror.upstream.fail("odd.txt", fault)
        mirror.upstream.fail(MANIFEST, fault)
        return mirror.sync()

    return Case(title, how, run, works=True)


def unreached(title: str, url: str, why: str, advice: str) -> Case[Mirror]:
    """A remote with another URL."""

    def run(mirror: Mirror) -> str:
        return mirror.sync_from(url)

    return Case(title, f"{url}: {why}. {advice} Nothing was changed here.", run)


def _gone(mirror: Mirror) -> str:
    mirror.upstream.stop()
    try:
        return mirror.sync()
    finally:
        mirror.upstream.start()


def _elsewhere(mirror: Mirror) -> str:
    mirror.upstream.write("odd.txt", b"odd")
    with Upstream() as other:
        other.write("odd.txt", b"odd")
        mirror.upstream.fail("odd.txt", Redirect(f"{other.url}odd.txt"))
        said = mirror.sync()
        assert other.count("odd.txt") == 1
        return said


def _fails_elsewhere(mirror: Mirror) -> str:
    mirror.remote(tries=2)
    mirror.upstream.write("bad.txt", b"bad bytes")
    with Upstream() as other:
        mirror.words[other.url] = "‹other›/"
        other.fail("bad.txt", Status(500))
        mirror.upstream.fail("bad.txt", Redirect(f"{other.url}bad.txt?key=secret"))
        return mirror.sync()


def _all_fail(mirror: Mirror) -> str:
    mirror.remote(tries=1, concurrency=1)
    for path in ("bad.txt", "worse.txt"):
        mirror.upstream.write(path, path.encode())
        mirror.upstream.fail(path, Status(404))
    said = mirror.sync()
    assert FailedFile.objects.count() == 2
    return said


WAY = Section(
    "The way to the upstream, and its answers",
    "A file has failed when it was tried as often as the remote says, with waits that grow. All that fail in a run are "
    "listed with the job, not only the first; what was verified is kept.",
    (
        Case(
            "Nobody listens there",
            f"{LIST}: 127.0.0.1 refuses the connection. {LOOK} Nothing was changed here.",
            _gone,
        ),
        unreached(
            "A name that does not exist",
            "http://nowhere.invalid/PULP_MANIFEST",
            "the name nowhere.invalid is not known to DNS",
            "Look whether the name is spelled right, and whether this server can ask DNS.",
        ),
        unreached(
            "A name that no host can have",
            "http://files..invalid/PULP_MANIFEST",
            "files..invalid is no name that a host can have",
            "Look whether the name is spelled right, and whether this server can ask DNS.",
        ),
        broken("No answer in time", Stall(), "nothing came for 2 seconds", LOOK, read_timeout=2, tries=1),
        broken(
            "Headers that come one byte at a time, for ever",
            DripHeaders(),
            "no whole answer came within 1 second",
            LOOK,
            read_timeout=1,
            tries=1,
        ),
        broken("An end within the headers", CutHeaders(), "127.0.0.1 closed the connection without an answer", LOOK),
        broken(
            "Something that is not HTTP",
            Garbage(),
            "what 127.0.0.1 answered is not HTTP",
            "Look whether the URL should begin with https://, or name another port.",
        ),
        broken("401", Status(401), "the upstream asks for a login (401)", LOGIN),
        broken(
            "403", Status(403), "the upstream refuses access (403)", "Look whether the remote's login may read this."
        ),
        broken("404 for a file of the list", Status(404), "there is no such file (404)", GONE),
        broken("500, again and again", Status(500), "the upstream answered 500", LATER),
        Case(
            "404 for every file that is new",
            f"2 files could not be fetched, so no version was made. The first: bad.txt ({FILE}): there is no such file "
            f"(404). {GONE} {LOST}",
            _all_fail,
        ),
        whole("500, then 200", Status(500, times=1), "It is tried again."),
        whole("429 with Retry-After in seconds", Busy(0, times=1), "That long is waited, then it is tried again."),
        whole(
            "429 with Retry-After as a date",
            Busy(0, dated=True, times=1),
            "Until then is waited, then it is tried again.",
        ),
        broken(
            "429 with a Retry-After of an hour",
            Busy(3600),
            "the upstream says that there are too many requests (429), and asks to wait 1 h 00 min",
            LATER,
        ),
        broken(
            "304 to somebody who has nothing",
            NotModified(),
            "the upstream says “not changed” to somebody who has nothing yet (304)",
            LATER,
        ),
        broken(
            "206, a part of what was asked for", Partial(), "only a part came, although all was asked for (206)", LATER
        ),
        Case("A redirect to another host", "It is followed, without the remote's login.", _elsewhere, works=True),
        Case("A redirect to another host that fails", f"{THERE}. {LATER} {LOST}", _fails_elsewhere),
        broken(
            "A redirect in a circle", Redirect("bad.txt"), f"it redirects more than 5 times, at last to {FILE}", BROWSE
        ),
        broken(
            "A redirect to another scheme",
            Redirect("ftp://127.0.0.1/bad.txt"),
            "it redirects to ftp://127.0.0.1/bad.txt, which cannot be asked. The address must begin with http:// or "
            "https://",
            BROWSE,
        ),
        broken(
            "A redirect to the metadata service of a cloud",
            Redirect("http://169.254.169.254/latest/meta-data/"),
            f"it redirects to http://169.254.169.254/latest/meta-data/, which is {NEVER.why}",
            NEVER.advice,
        ),
        broken(
            "A redirect with a password in it",
            Redirect("http://me:secret@127.0.0.1/"),
            "it redirects to http://127.0.0.1/, which cannot be asked. The address has a user name or a password in "
            "it, which would show up in logs and pages",
            BROWSE,
        ),
    ),
    on_each_database=False,
)

BODIES = Section(
    "What comes of a file",
    "What is written down as fetched has the digest and the size that the list promises.",
    (
        broken("A connection that is reset in the middle", Reset(4), "the connection was reset", LOOK),
        broken("An end before the promised length", Short(4), "the connection ended before the whole file came", LOOK),
        broken("Chunks that end too early", Chunked(after=4), "the connection ended before the whole file came", LOOK),
        broken("An end too early, without a length", Unframed(4), "it is 4 bytes long, the list says 9", UNFIT),
        broken("A length that is too small", Overrun(4), "it is 5 bytes long, the list says 9", UNFIT),
        broken("More than the list says", Longer(4), "it is at least 13 bytes long, the list says 9", UNFIT),
        broken("Another byte", Corrupt(), "its sha256 is ‹sha256›, the list says ‹sha256›", UNFIT),
        broken(
            "One byte at a time, for ever",
            Drip(1, 0.05),
            "fewer than 100 bytes a second came",
            "Run again later, or lower the remote's least speed.",
        ),
        whole("HTTP/1.0, without a length", Unframed(), "The end of the connection is the end of the file."),
        whole("Chunks, with trailers", Chunked({"X-Checksum": "1"}), "Trailers are ignored."),
        whole("Bytes that come slowly, but come", Drip(4, 0.001), "They are taken as they come."),
    ),
    on_each_database=False,
)
