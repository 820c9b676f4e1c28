import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import escape
from urllib.parse import quote, urljoin

import pytest
from django.utils import timezone

from dashboard import arranging
from repos.models import Content, Distribution, Repository, RepositoryVersion
from tests import factories
from tests.content_server import Client, serving

pytestmark = pytest.mark.django_db(transaction=True)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def files() -> Repository:
    """Serves two files and a folder with one at `files`."""
    made = factories.repository()
    factories.serve(made, {"data.bin": bytes(25_600), "empty": b"", "sub/a b.txt": b"hello"})
    return made


@pytest.fixture
def get(files: Repository) -> Iterator[Client]:
    with serving() as client:
        yield client


def test_it_works(get: Client) -> None:
    answer = get("/content/files/", Accept=BROWSER)
    assert (answer.status, answer["Content-Type"], answer["Vary"]) == (200, "text/html; charset=utf-8", "Accept")
    page = answer.body.decode()
    assert '<a href="data.bin">data.bin</a>' in page
    assert '<a href="sub/">sub/</a>' in page
    assert '<a href="../">../</a>' in page
    assert 'title="25,600 bytes">25.6 kB' in page
    assert "1 folder, 3 files, 25.8 kB" in page
    assert f"{timezone.now():%Y-%m-%d}" in page
    assert "unsafe" not in str(answer["Content-Security-Policy"])


def test_folder_is_listed_as_json(get: Client) -> None:
    for path, accept in (("/content/files/sub/", "application/json"), ("/content/files/sub/?format=json", BROWSER)):
        answer = get(path, Accept=accept)
        assert (answer["Content-Type"], answer["Vary"]) == ("application/json", "Accept")
        modified = RepositoryVersion.objects.get(number=1).created_at.isoformat()
        assert json.loads(answer.body) == [
            {
                "name": "a b.txt",
                "type": "file",
                "url": "/content/files/sub/a%20b.txt",
                "size": 5,
                "sha256": hashlib.sha256(b"hello").hexdigest(),
                "modified": modified,
            }
        ]
    assert [entry["url"] for entry in json.loads(get("/content/?format=json").body)] == ["/content/files/"]
    assert get("/content/files/?format=html", Accept="application/json")["Content-Type"] == "text/html; charset=utf-8"


def test_format_is_found_among_other_parameters(get: Client) -> None:
    many = "&".join(f"a{number}=%ff" for number in range(2000))
    assert get(f"/content/files/?{many}&format=json")["Content-Type"] == "application/json"


def test_empty_folder_is_an_empty_list(get: Client) -> None:
    Distribution.objects.all().delete()
    assert json.loads(get("/content/?format=json").body) == []
    assert b"0 folders, 0 files" in get("/content/").body


@pytest.mark.parametrize(
    "name",
    ["a b", "a?b#c", "100%", "a%20b", "é", "日本 😀", "a&amp;b", "'\"><script>", "javascript:alert(1)", "-x", "a+b;c"],
)
def test_links_lead_to_what_they_name(files: Repository, get: Client, name: str) -> None:
    factories.serve(files, {f"{name}/{name}": b"found"})
    page = get("/content/files/").body.decode()
    href = f'<a href="{quote(name, safe="")}/">'
    assert href in page
    assert f">{escape(name)}/</a>" in page
    for entry in json.loads(get(f"/content/files/{quote(name)}/?format=json").body):
        assert get(entry["url"]).body == b"found"
    assert get(urljoin(f"/content/files/{quote(name)}/", quote(name, safe=""))).body == b"found"


def test_intermediate_folders_are_listed(get: Client) -> None:
    factories.serve(factories.repository("two", "a/b"), {"f": b"1"})
    assert b'<a href="b/">b/</a>' in get("/content/a/").body
    assert get("/content/a")["Location"] == "a/"


def test_long_folder_is_streamed_whole(files: Repository, get: Client) -> None:
    version = files.versions.create(number=2, complete=True, files=5000, added=5000)
    same = factories.artifact(b"same")
    rows = (Content(repository=files, path=f"many/{i:05}", artifact=same, added=2) for i in range(5000))
    Content.objects.bulk_create(rows, batch_size=500)
    factories.switch(files.distributions.get(), factories.publication(version))
    page = get("/content/files/many/")
    assert page["Content-Length"] is None
    assert page.body.count(b"<tr>") == 5001
    assert page.body.endswith(b"</html>\n")
    assert b"5,000 files" in page.body
    names = [entry["name"] for entry in json.loads(get("/content/files/many/?format=json").body)]
    assert names == [f"{i:05}" for i in range(5000)]


# ---- sorted, and with digests ------------------------------------------------------------------------------


def links(page: str) -> list[str]:
    return re.findall(r'<tr[^>]*><td><a href="([^"]+)"', page)[1:]


@pytest.fixture
def sorts(files: Repository, get: Client) -> Client:
    """With files of one size and another, from two versions; and two folders."""
    factories.serve(files, {"b": b"22", "a": b"22", "z/f": b"1"})
    RepositoryVersion.objects.filter(number=1).update(created_at=timezone.now() - timedelta(days=3))
    return get


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "a b data.bin empty sub/ z/"),
        ("sort=name", "a b data.bin empty sub/ z/"),
        ("sort=-name", "z/ sub/ empty data.bin b a"),
        ("sort=size", "sub/ z/ empty a b data.bin"),
        ("sort=-size", "sub/ z/ data.bin a b empty"),
        ("sort=modified&digests=1", "sub/ z/ data.bin empty a b"),
        ("x=1&sort=-modified", "sub/ z/ a b data.bin empty"),
        ("sort=color&sort=", "a b data.bin empty sub/ z/"),
    ],
)
def test_a_folder_is_sorted_as_its_address_says(sorts: Client, query: str, order: str) -> None:
    shown = links(sorts(f"/content/files/?{query}").body.decode())
    assert [link for link in shown if link != "PULP_MANIFEST"] == order.split()


def test_the_column_sorted_by_says_so_and_turns(sorts: Client) -> None:
    page = sorts("/content/files/?sort=-size").body.decode()
    assert re.findall(r"<th [^>]*>(?:<button[^>]*>)?[^<]*", page) == [
        '<th scope="col"><button form="order" name="sort" value="name">Name',
        '<th scope="col" aria-sort="descending"><button form="order" name="sort" value="size">Size',
        '<th scope="col"><button form="order" name="sort" value="-modified">Modified (UTC)',
    ]


def test_digests_are_shown_on_demand(get: Client) -> None:
    digest = hashlib.sha256(b"hello").hexdigest()
    assert digest not in get("/content/files/sub/").body.decode()
    page = get("/content/files/sub/?digests=1&sort=-size").body.decode()
    assert f"<td>{digest}\n" in page
    # Each form keeps what the other one asked for.
    assert '<input type="hidden" name="digests" value="1">' in page
    assert '<input type="hidden" name="sort" value="-size">' in page


def test_json_is_the_same_however_the_page_is_sorted(sorts: Client) -> None:
    assert sorts("/content/files/?format=json&sort=-size").body == sorts("/content/files/?format=json").body


def test_too_many_entries_stay_in_the_order_of_names(sorts: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranging, "MOST", 6)
    page = sorts("/content/files/?sort=-size&digests=1").body.decode()
    assert links(page) == ["PULP_MANIFEST", "a", "b", "data.bin", "empty", "sub/", "z/"]
    assert "too many to sort" in page
    assert 'aria-sort="ascending"><button form="order" name="sort" value="-name">' in page
    assert hashlib.sha256(b"22").hexdigest() in page
    monkeypatch.setattr(arranging, "MOST", 7)
    assert "too many to sort" not in sorts("/content/files/?sort=-size").body.decode()


def test_whoever_follows_links_finds_each_folder_once(sorts: Client) -> None:
    for query in ("", "?sort=-size&digests=1"):
        hrefs = re.findall(r'href="([^"]+)"', sorts(f"/content/files/{query}").body.decode())
        assert not [href for href in hrefs if "?" in href]


def test_forms_go_nowhere_but_here(get: Client) -> None:
    assert "form-action 'self'" in str(get("/content/files/")["Content-Security-Policy"])
    assert "form-action 'none'" in str(get("/content/files/data.bin")["Content-Security-Policy"])
    assert "form-action 'none'" in str(get("/content/nowhere/")["Content-Security-Policy"])
