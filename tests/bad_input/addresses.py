"""Addresses that lead nowhere: of pages, and of what is served."""

from django.test import Client
from django.urls import reverse

from repos.models import Distribution
from tests import scenes
from tests.bad_input.case import Case, Section
from tests.bad_input.mirror import Mirror
from tests.bad_input.site import Site

NOTHING = "404, Not found. There is nothing at this address. What was here may have been deleted."


def opened(title: str, address: str, answer: str = NOTHING) -> Case[Site]:
    return Case(title, answer, lambda site: site.said(site.client.get(site.address(address))))


def sent(title: str, method: str, address: str, answer: str) -> Case[Site]:
    return Case(title, answer, lambda site: site.said(site.client.generic(method, site.address(address))))


def deleted(title: str, page: str, answer: str) -> Case[Site]:
    """A deletion that is confirmed without a look at what it would break."""
    return Case(title, f"409, {answer}", lambda site: site.send(page, *site.numbers(page)))


def asked(title: str, address: str, answer: str, method: str = "GET") -> Case[Mirror]:
    """A request of a downloader."""
    return Case(title, answer, lambda mirror: mirror.ask(address, method))


def _of_what_is_protected(mirror: Mirror) -> str:
    Distribution.objects.update(protected=True)
    (said,) = {mirror.ask(f"/content/files/{path}", "GET") for path in ("old.txt", "none.txt", "", "../x")}
    Distribution.objects.update(protected=False)
    return said


def _without_token(site: Site) -> str:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = site.client.cookies
    return site.said(strict.post(reverse("remote-new"), {"name": "new"}))


def _fetched_again(site: Site) -> str:
    """Failed files of a job, though a later one got them."""
    failed = scenes.an_ended_job(site.repository, "failed", error="It failed.", failed=2)
    later = scenes.an_unchanged_job(site.repository)
    site.remember()
    said = site.send("job-retry", failed.pk).partition(" To files")[0]
    return said.replace(f"Job {later.pk}", "Job 5").replace(f"job {failed.pk}", "job 4")


PAGES = Section(
    "Addresses of pages",
    "Lists take any number of a page, any filter and any search: the nearest page is shown, or that nothing was found.",
    (
        opened("A repository that does not exist", "/repositories/999/"),
        opened("A number beyond all numbers", f"/repositories/{10**23}/"),
        opened("A version that does not exist", "/repositories/{repository}/versions/99/"),
        opened("A job without a number", "/jobs/x/"),
        opened("A page of nothing", "/nonsense"),
        opened("A NUL", "/%00"),
        sent(
            "The wrong method, for a deed",
            "GET",
            "/repositories/{repository}/run/",
            "405, Not this way. This address takes POST only. It does something when a button of a page is pressed, "
            "and shows nothing by itself.",
        ),
        sent("The wrong method, for a page", "POST", "/jobs/", "405, Not this way. This address takes GET only."),
        Case(
            "A form without its token",
            "403, The form has expired. It was open for too long, or its cookie was lost. Nothing was changed. "
            "Go back, reload the page, and send it again.",
            _without_token,
        ),
        Case(
            "Retrying failed files that a later job got",
            "409, Job 5 came later and got every file: of job 4 nothing is left to fetch.",
            _fetched_again,
        ),
        deleted(
            "The deletion of a remote in use",
            "remote-delete",
            "“files” is the remote of the repository “files”. Choose another remote there first.",
        ),
        deleted(
            "The deletion of a publication that is served",
            "publication-delete",
            "It is served at “files”. Serve another publication there first.",
        ),
        deleted(
            "The deletion of the newest version",
            "version-delete",
            "Version 1 is the newest: the next one is made from it. Make another first.",
        ),
        deleted(
            "The deletion of publish settings in use",
            "publish-settings-delete",
            "“PULP_MANIFEST” cannot be deleted while it is used by 1 repository (files) and 1 publication (files).",
        ),
    ),
)

SERVED = Section(
    "Addresses of what is served",
    "A downloader gets a sentence, too.",
    (
        asked("A file that is not there", "/content/files/none.txt", "404, There is no such file in files version 1."),
        asked("A folder that is not there", "/content/files/none/", "404, There is no such folder in files version 1."),
        Case(
            "A file of what is protected, there or not",
            "401, What is served here is protected: it takes a token, or a sign-in.",
            _of_what_is_protected,
        ),
        asked("A base path that is not there", "/content/none/a.txt", "404, No distribution has this base path."),
        asked("`..`", "/content/files/../../etc/passwd", "404, No file can have this path."),
        asked("`%2e%2e%2f`", "/content/files/%2e%2e%2f%2e%2e%2fetc/passwd", "404, No file can have this path."),
        asked("A NUL", "/content/files/a%00b", "404, No file can have this path."),
        asked("Bytes that are not UTF-8", "/content/files/%ff", "404, There is no such file in files version 1."),
        asked("5,000 characters", "/content/files/" + "a" * 5000, "404, No file can have this path."),
        asked("The wrong method", "/content/files/old.txt", "405, What is served here can only be read.", "POST"),
    ),
)
