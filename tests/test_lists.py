"""Lists: what an address asks for, pages by key, counts, and the links that a page shows."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.db.models import Q
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from dashboard import lists
from dashboard.lists import Choice, Filter, Listing, Shown, Sort, chosen
from repos.models import PublishSettings, Repository

pytestmark = pytest.mark.django_db

LIST = Listing(
    sorts=(
        Sort("name", "Name", "name"),
        Sort("synced", "Synced", "synced_at", down=True, nullable=True),
        Sort("days", "Stale after", "stale_days", nullable=True),
        Sort("brake", "Brake", "brake", down=True),
        Sort("number", "Number", "pk", down=True),
    ),
    search=("name", "remote__name"),
    filters=(
        Filter("mode", "By mode", (Choice("mirror", "Mirrors", Q(mirror=True)),)),
        Filter("brake", "By brake", (Choice("on", "On", lambda: Q(brake__gt=0)), Choice("off", "Off", Q(brake=0)))),
    ),
    per_page=3,
)


def repositories(*names: str, **values: Any) -> None:
    settings = PublishSettings.objects.matching()
    for name in names:
        Repository.objects.create(name=name, publish_settings=settings, **values)


def shown(rf: RequestFactory, address: str = "/", listing: Listing = LIST, **options: Any) -> Shown[Repository]:
    return listing.shown(rf.get(address), Repository.objects.all(), **options)


def names(shown: Shown[Repository]) -> str:
    return " ".join(row.name for row in shown)


def walk(rf: RequestFactory, address: str) -> list[str]:
    """The pages from an address on to the last one, and back to the first."""
    pages = [shown(rf, address)]
    while pages[-1].next:
        pages.append(shown(rf, pages[-1].next))
    there = [names(page) for page in pages]
    back = [pages[-1]]
    while back[-1].previous:
        back.append(shown(rf, back[-1].previous))
    assert [names(page) for page in back] == there[::-1]
    return there


def query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def test_it_works(rf: RequestFactory) -> None:
    repositories("b", "a", "c", "d")
    page = shown(rf, "/list/")
    assert (names(page), page.count, page.more, page.previous) == ("a b c", 4, False, "")
    assert names(shown(rf, page.next)) == "d"


# ---- pages -------------------------------------------------------------------------------------------------


def test_pages_lead_on_and_back(rf: RequestFactory) -> None:
    repositories(*"hgfedcba")
    assert walk(rf, "/") == ["a b c", "d e f", "g h"]
    assert walk(rf, "/?sort=-name") == ["h g f", "e d c", "b a"]
    assert walk(rf, "/?sort=number") == ["h g f", "e d c", "b a"]
    assert walk(rf, "/?sort=-number") == ["a b c", "d e f", "g h"]


@pytest.mark.parametrize(("sort", "pages"), [("days", ["b d c", "g a e", "f"]), ("-days", ["g c d", "b f e", "a"])])
def test_rows_without_a_value_come_last_whichever_way(rf: RequestFactory, sort: str, pages: list[str]) -> None:
    repositories("a", "e", "f", stale_days=None)
    repositories("b", "d", stale_days=1)
    repositories("c", stale_days=2)
    repositories("g", stale_days=3)
    assert walk(rf, f"/?sort={sort}") == pages


def test_rows_that_are_alike_come_by_their_numbers(rf: RequestFactory) -> None:
    repositories(*"cabed")
    assert walk(rf, "/?sort=brake") == ["c a b", "e d"]
    assert walk(rf, "/?sort=-brake") == ["d e b", "a c"]


def test_the_first_page_is_whole_when_one_comes_back_to_it(rf: RequestFactory) -> None:
    repositories(*"abcdef")
    second = Repository.objects.get(name="b")
    page = shown(rf, f"/?before={second.pk}")
    assert (names(page), page.previous) == ("a b c", "")


def test_a_page_stays_where_it_is_when_rows_come_before_it(rf: RequestFactory) -> None:
    repositories(*"bcdefg")
    there = shown(rf).next
    repositories("a")
    assert names(shown(rf, there)) == "e f g"


@pytest.mark.parametrize("value", ["x", "-1", "", "9" * 30, "²", "99999999", "%00"])
def test_an_unknown_place_is_the_first_page(rf: RequestFactory, value: str) -> None:
    repositories(*"abcd")
    for name in ("after", "before"):
        assert names(shown(rf, f"/?{name}={value}")) == "a b c"


def test_behind_the_last_row_is_the_first_page(rf: RequestFactory) -> None:
    repositories(*"abcd")
    last = Repository.objects.get(name="d")
    assert names(shown(rf, f"/?after={last.pk}")) == "a b c"


def test_any_page_takes_the_same_number_of_queries(rf: RequestFactory) -> None:
    repositories(*(f"r{number:03}" for number in range(20)))

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            shown(rf, address)
        return len(queries)

    first = shown(rf)
    assert first.next
    # One more looks up what the row is sorted by from which a page goes on.
    assert queries("/") == queries("/?q=r") == queries(first.next) - 1


# ---- what is asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "found"), [("AB", "ab abc"), (" c ", "abc"), ("\0c", "abc"), ("%", ""), ("", "ab abc d")]
)
def test_what_is_looked_for_may_be_in_any_field(rf: RequestFactory, q: str, found: str) -> None:
    repositories("ab", "abc", "d")
    page = LIST.shown(rf.get("/", {"q": q}), Repository.objects.all())
    assert names(page) == found
    assert page.narrowed == bool(q)


def test_a_search_has_an_end(rf: RequestFactory) -> None:
    assert len(LIST.shown(rf.get("/", {"q": "x" * 100_000}), Repository.objects.all()).q) == 200


@pytest.mark.parametrize("address", ["/?sort=nothing", "/?sort=--name", "/?mode=odd&brake=", "/?sort=pk", "/?sort=-"])
def test_what_is_unknown_is_ignored(rf: RequestFactory, address: str) -> None:
    repositories("b", "a")
    page = shown(rf, address)
    assert (names(page), page.narrowed, page.clear) == ("a b", False, "/")


def test_filters_are_counted_with_what_the_others_let_through(rf: RequestFactory) -> None:
    repositories("a", "b", mirror=True, brake=0)
    repositories("c", mirror=True)
    repositories("d", brake=0)
    page = shown(rf, "/?mode=mirror")
    assert [[link.many for link in one.links] for one in page.filters] == [[4, 3], [3, 1, 2]]
    assert [link.current for link in page.filters[0].links] == [False, True]
    assert (names(page), page.count) == ("a b c", 3)


def test_counts_that_are_known_are_not_asked_for(rf: RequestFactory) -> None:
    repositories("a")
    counts = {"mode": {"": 7, "mirror": 5}, "brake": {"": 7, "on": 4}}
    page = shown(rf, counts=counts)
    assert [[link.many for link in one.links] for one in page.filters] == [[7, 5], [7, 4, None]]


def test_rows_are_counted_up_to_a_bound_where_nothing_else_counts_them(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_COUNTED", 4)
    listing = Listing(sorts=LIST.sorts, per_page=3)
    repositories(*"abcd")
    assert (shown(rf, "/", listing).count, shown(rf, "/", listing).more) == (4, False)
    repositories(*"ef")
    assert (shown(rf, "/", listing).count, shown(rf, "/", listing).more) == (4, True)


def test_counts_of_what_is_too_much_to_count_have_an_end(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_COUNTED", 4)
    filters = (Filter("mode", "By mode", (Choice("mirror", "Mirrors", Q(mirror=True)),), counted=False),)
    listing = Listing(sorts=LIST.sorts, filters=filters, per_page=3)
    repositories(*"abcdef", mirror=True)
    for known, told in ((4, (4, False)), (5, (4, True))):
        page = shown(rf, "/?mode=mirror", listing, counts={"mode": {"mirror": known}})
        assert [(link.many, link.more) for link in page.filters[0].links] == [(None, False), told]
        # They are of all rows, and this list may be narrowed: it counts its own.
        assert (page.count, page.more) == (4, True)


# ---- addresses ---------------------------------------------------------------------------------------------


def test_a_link_keeps_all_else_but_the_page(rf: RequestFactory) -> None:
    repositories("a", mirror=True)
    page = shown(rf, "/x/?q=a&sort=-name&after=3&tab=1")
    assert query(page.filters[0].links[1].url) == {"tab": "1", "q": "a", "sort": "-name", "mode": "mirror"}
    assert query(page.without_search) == {"tab": "1", "sort": "-name"}
    assert query(f"?{page.query}") == {"tab": "1", "q": "a", "sort": "-name", "after": "3"}
    assert dict(page.kept) == {"tab": "1", "sort": "-name"}
    assert shown(rf, "/x/?mode=mirror").filters[0].links[0].url == "/x/"


def test_a_head_sorts_and_then_turns(rf: RequestFactory) -> None:
    heads = shown(rf, "/x/").heads
    assert [(head.sorted, head.url) for name, head in heads.items() if name in ("name", "synced", "days")] == [
        ("ascending", "/x/?sort=-name"),
        ("", "/x/?sort=-synced"),
        ("", "/x/?sort=days"),
    ]
    turned = shown(rf, "/x/?sort=-name").heads
    assert (turned["name"].sorted, turned["name"].url) == ("descending", "/x/")


def test_a_fragment_links_to_its_page(rf: RequestFactory) -> None:
    page = shown(rf, "/list/fragment/?mode=mirror", at="/list/")
    assert (
        page.heads["name"].url == "/list/?sort=-name&mode=mirror" or query(page.heads["name"].url)["mode"] == "mirror"
    )
    assert page.clear == "/list/"


def test_two_lists_on_a_page_do_not_touch_each_other(rf: RequestFactory) -> None:
    repositories(*"abcdefgh")
    other = Listing(sorts=LIST.sorts, search=("name",), per_page=3, prefix="other-")
    address = shown(rf, shown(rf, "/").next, other).next
    assert names(shown(rf, address)) == "d e f"
    assert names(shown(rf, address, other)) == "d e f"
    assert query(shown(rf, address, other).next).keys() == {"after", "other-after"}


# ---- deeds on many rows ------------------------------------------------------------------------------------


def test_each_chosen_row_is_named_once(rf: RequestFactory) -> None:
    assert chosen(rf.post("/", {"chosen": ["3", "1", "3", "x", "", "9" * 30]})) == [3, 1]
    assert chosen(rf.post("/", {"chosen": ["3", "1", "2"]}), most=2) == [3, 1]
