"""The list of files: what it may say, and what not."""

from collections.abc import Callable
from hashlib import sha256

from tests.bad_input.case import Case, Section
from tests.bad_input.mirror import Mirror
from tests.misbehaviour import Chunked, Endless, Fault, Gzip, Status
from tests.upstream import MANIFEST

EMPTY = sha256(b"").hexdigest()
LIST = "‹upstream›/PULP_MANIFEST"
MEND = "It has to be mended upstream. Nothing was changed here."
LOST = "What was fetched is kept: the next run fetches only the rest."
FORM = "is not of the form path,sha256,size"


def line(path: str, *, digest: str = EMPTY, size: str = "0") -> bytes:
    return f"{path},{digest},{size}\n".encode()


def listed(title: str, second: bytes, why: str, *, advice: str = MEND) -> Case[Mirror]:
    """A list whose first line is good, and whose second is `second`."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.manifest = line("empty.txt") + second
        return mirror.sync()

    return Case(title, f"Line 2 of {LIST} {why}. {advice}", run)


def whole(title: str, data: bytes, answer: str) -> Case[Mirror]:
    """A list with these bytes."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.manifest = data
        return mirror.sync()

    return Case(title, answer, run)


def works(title: str, change: Callable[[bytes], bytes], how: str) -> Case[Mirror]:
    """The right list of new files, changed in a way that does no harm."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.write("empty.txt", b"")
        mirror.upstream.write("new.txt", b"new")
        mirror.upstream.manifest = change(mirror.upstream.manifest)
        return mirror.sync()

    return Case(title, how, run, works=True)


def answered(title: str, fault: Fault, answer: str) -> Case[Mirror]:
    """Another answer to the request for the list."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.write("new.txt", b"new")
        mirror.upstream.fail(MANIFEST, fault)
        return mirror.sync()

    return Case(title, answer, run)


def promised(title: str, changes: tuple[str, str], why: str) -> Case[Mirror]:
    """A list that promises something else of `bad.txt` than what comes; `new.txt` is as promised."""

    def run(mirror: Mirror) -> str:
        mirror.upstream.write("new.txt", b"new")
        mirror.upstream.write("bad.txt", b"bad")
        digest = mirror.upstream.digests["bad.txt"]
        found, instead = (text.format(digest=digest) for text in changes)
        mirror.upstream.manifest = mirror.upstream.manifest.decode().replace(found, instead).encode()
        return mirror.sync()

    answer = (
        f"1 file could not be fetched, so no version was made: bad.txt (‹upstream›/bad.txt): {why}. "
        f"The list and the files upstream do not fit together: run again later, or ask who runs the upstream. {LOST}"
    )
    return Case(title, answer, run)


def _empty_in_a_mirror(mirror: Mirror) -> str:
    mirror.repository(mirror=True)
    mirror.upstream.manifest = b""
    return mirror.sync()


def _of_another_name(mirror: Mirror) -> str:
    """A list under another name, which names a PULP_MANIFEST among its files: ours takes its place."""
    data = b"the upstream's own\n"
    mirror.upstream.write("LIST", mirror.upstream.manifest + line(MANIFEST, digest=sha256(data).hexdigest(), size="19"))
    mirror.upstream.manifest = data
    mirror.remote(url=f"{mirror.upstream.url}LIST")
    said = mirror.sync()
    assert mirror.body(MANIFEST).startswith(b"folder/other.txt,")
    mirror.upstream.remove("LIST")
    return said


def _long(mirror: Mirror) -> str:
    mirror.upstream.manifest = b"".join(line(f"{n % 100}/{n}.txt") for n in range(50_000))
    mirror.upstream.write("0/0.txt", b"")
    return mirror.sync()


LONG = Case(
    "A list of 1,000,000 lines",
    "It took 39 s and 141 MB, all of the process, when it was measured (bench/long_list.py); the tests read one of "
    "50,000.",
    _long,
    works=True,
)

FORMS = Section(
    "The list of files",
    "A list that cannot be read as a whole changes nothing: not one of its files is fetched.",
    (
        answered(
            "There is no list (404)",
            Status(404),
            f"{LIST}: there is no such file (404). Look whether the URL is right: open it in a browser. "
            "Nothing was changed here.",
        ),
        whole(
            "A web page in place of the list (with status 200)",
            b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n",
            f"Line 1 of {LIST} cannot be read: it {FORM}, but looks like a web page. Give the address of the list "
            "itself, or that of its folder with a slash at its end. Nothing was changed here.",
        ),
        Case(
            "An empty list, in a mirror",
            f"The list at {LIST} is empty: the sync would remove 2 of 2 files (“folder/other.txt”, “old.txt”). This "
            "mirror lets go of 50 % without asking, so nothing was changed. Confirm it if that is right.",
            _empty_in_a_mirror,
        ),
        Case(
            "An empty list, in an additive repository",
            "There is nothing new, and what is there is kept.",
            whole("", b"", "").run,
            works=True,
        ),
        listed("A line of another form", b"nonsense\n", f"cannot be read: it {FORM}"),
        listed("A line without a size", line("a.txt").replace(b",0\n", b"\n"), f"cannot be read: it {FORM}"),
        listed("A line with an empty size", line("a.txt", size=""), "cannot be read: '' is not a size in bytes"),
        listed("A negative size", line("a.txt", size="-1"), "cannot be read: '-1' is not a size in bytes"),
        listed("A size with a unit", line("a.txt", size="1 kB"), "cannot be read: '1 kB' is not a size in bytes"),
        listed(
            "A digest of another kind (md5)",
            line("a.txt", digest="d41d8cd98f00b204e9800998ecf8427e"),
            "cannot be read: 'd41d8cd98f00b204e9800998ecf8427e' is not a sha256 of 64 hexadecimal digits",
        ),
        works(
            "Digests in capital letters",
            lambda data: b"\n".join(
                b",".join([part.upper() if len(part) == 64 else part for part in one.split(b",")])
                for one in data.splitlines()
            ),
            "Digests are compared without case.",
        ),
        promised(
            "A digest that the file does not have",
            ("{digest}", EMPTY),
            "its sha256 is ‹sha256›, the list says ‹sha256›",
        ),
        promised(
            "A size that is too small", ("{digest},3", "{digest},2"), "it is at least 3 bytes long, the list says 2"
        ),
        promised("A size that is too large", ("{digest},3", "{digest},4"), "it is 3 bytes long, the list says 4"),
        works("The same line twice", lambda data: data * 2, "It is one file."),
        whole(
            "A path twice, with different digests",
            line("a.txt") + line("b.txt") + line("a.txt", digest="1" * 64),
            f"The list at {LIST} names “a.txt” twice, with different bytes. {MEND}",
        ),
        whole(
            "A path as a file, and as a folder of another file",
            line("a/b") + line("a/b/c"),
            f"The list at {LIST} names “a/b” as a file, and as a folder with “a/b/c” in it. {MEND}",
        ),
        listed(
            "Bytes that are not UTF-8",
            line("café.txt").decode().encode("latin-1"),
            "cannot be read: it is not valid UTF-8",
        ),
        works("A byte-order mark at the beginning", lambda data: b"\xef\xbb\xbf" + data, "It is skipped."),
        works(
            "Lines that end as Windows ends them, blank ones, comments",
            lambda data: b"# all of it\r\n\r\n" + data.replace(b"\n", b"\r\n"),
            "They are understood, or skipped.",
        ),
        listed(
            "A line of 10,000 characters",
            line("a" * 10_000),
            "is longer than 4,096 bytes, and so no line of a list of files",
        ),
        answered(
            "A list that comes gzip-encoded",
            Gzip(),
            f"{LIST}: it came encoded (gzip), although that was not asked for. Turn off its compression there, or ask "
            "who runs the upstream. Nothing was changed here.",
        ),
        whole(
            "A list that is a gzip file",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\n",
            f"Line 1 of {LIST} cannot be read: it is not valid UTF-8, but looks like gzip. {MEND}",
        ),
        answered(
            "An endless list",
            Endless(line("a.txt") * 1000),
            f"{LIST}: it is longer than 1,000,000 bytes. Raise MILLRACE_MAX_LIST_BYTES if a list may be so long. "
            "Nothing was changed here.",
        ),
        answered(
            "A list that breaks off, with a length (or chunks) that says so",
            Chunked(after=20),
            f"{LIST}: the connection ended before the whole file came. Look whether the upstream runs and is reached "
            "from this server; it may be mended by itself later. Nothing was changed here.",
        ),
        Case(
            "A list of another name, which names a PULP_MANIFEST among its files",
            "The list that Millrace publishes is served in that place.",
            _of_another_name,
            works=True,
        ),
    ),
    apart=(LONG,),
)
