"""Who may download from what is protected: a token that opens it, or a sign-in; all others learn nothing of it."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any
from wsgiref.handlers import SimpleHandler

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import access, content, throttle
from repos import distributions, tokens
from repos.models import AccessToken, Distribution
from tests import factories
from tests.content_server import Answer, Client, serving

pytestmark = pytest.mark.django_db(transaction=True)

DATA = bytes(range(256)) * 100
# All that may be asked below a base path, there or not.
PATHS = [
    "",
    "/",
    "/data.bin",
    "/PULP_MANIFEST",
    "/sub",
    "/sub/",
    "/sub/a.txt",
    "/gone.txt",
    "/none",
    "/none/",
    "/a//b",
    "/../x",
    "/%00",
    "/%ff",
    "/" + "a" * 5000,
]
SECRET = "team/secret"


@pytest.fixture
def secret() -> Distribution:
    """Serves files at a base path that is protected, and has superseded one just now. Another, at `open`, is not."""
    made = factories.repository("secret", SECRET)
    Distribution.objects.update(protected=True)
    factories.serve(made, {"data.bin": DATA, "gone.txt": b"gone", "sub/a.txt": b"a"})
    factories.serve(made, {"gone.txt": None})
    factories.serve(factories.repository("open", "open"), {"a.txt": b"a"})
    return made.distributions.get()


@pytest.fixture
def get(secret: Distribution) -> Iterator[Client]:
    with serving() as client:
        yield client


def token(*, opens: Distribution | None = None, days: int | None = None) -> str:
    """The secret of a new token, for everything unless `opens` is named."""
    return tokens.make("a token", everything=not opens, distributions=[opens] if opens else [], days=days).secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def cookie(user: User) -> dict[str, str]:
    """That of a browser in which `user` has signed in."""
    browser = Browser()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


@pytest.fixture
def user() -> User:
    """Who may only look."""
    return User.objects.create_user("viewer", password="a long one")


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {**answer.headers, "Date": ""}, answer.body


def test_it_works(get: Client, secret: Distribution) -> None:
    refused = get(f"/content/{SECRET}/data.bin")
    assert refused.status == 401
    assert refused["WWW-Authenticate"] == 'Basic realm="Millrace", charset="UTF-8", Bearer realm="Millrace"'
    assert refused.body == b"What is served here is protected: it takes a token, or a sign-in.\n"
    answer = get(f"/content/{SECRET}/data.bin", **bearer(token(opens=secret)))
    assert (answer.status, answer.body) == (200, DATA)
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Vary"] == "Authorization, Cookie"


# ---- who gets in -----------------------------------------------------------------------------------------


def test_a_token_is_a_bearer_or_a_password_of_any_user(get: Client, secret: Distribution) -> None:
    key = token(opens=secret)
    for headers in (bearer(key), basic("", key), basic("anybody", key), {"Authorization": f"bEARER   {key}"}):
        assert get(f"/content/{SECRET}/data.bin", **headers).status == 200, headers


def test_a_token_is_read_nowhere_else(get: Client, secret: Distribution) -> None:
    key = token(opens=secret)
    for query in (f"token={key}", f"access_token={key}", key):
        assert get(f"/content/{SECRET}/data.bin?{query}").status == 401
    for headers in ({"X_Token": key}, {"Cookie": f"token={key}"}, {"Authorization": key}, basic(key, "")):
        assert get(f"/content/{SECRET}/data.bin", **headers).status == 401, headers


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic YQ==",
        "Basic //79",
        "Bearer",
        "Bearer mr_",
        "Bearer é",
        "Digest x",
        "Bearer a b",
    ],
)
def test_what_is_no_token_opens_nothing(get: Client, header: str) -> None:
    assert get(f"/content/{SECRET}/data.bin", Authorization=header.encode().decode("latin-1")).status == 401


def test_a_token_opens_what_it_is_for(get: Client, secret: Distribution) -> None:
    other = factories.repository("other", "other").distributions.get()
    Distribution.objects.update(protected=True)
    assert get(f"/content/{SECRET}/data.bin", **bearer(token(opens=other))).status == 401
    assert get("/content/other/x", **bearer(token(opens=other))).status == 404
    assert get(f"/content/{SECRET}/data.bin", **bearer(token())).status == 200


def test_a_token_whose_last_distribution_is_gone_opens_nothing(get: Client, secret: Distribution) -> None:
    other = factories.repository("other", "other").distributions.get()
    key = token(opens=other)
    other.delete()
    assert AccessToken.objects.get().distributions.count() == 0
    assert get(f"/content/{SECRET}/data.bin", **bearer(key)).status == 401


def test_a_token_that_is_revoked_opens_nothing_from_then_on(get: Client) -> None:
    key = token()
    assert get(f"/content/{SECRET}/data.bin", **bearer(key)).status == 200
    tokens.revoke(AccessToken.objects.get())
    assert get(f"/content/{SECRET}/data.bin", **bearer(key)).status == 401


def test_a_token_that_has_expired_opens_nothing(get: Client) -> None:
    key = token(days=30)
    assert get(f"/content/{SECRET}/data.bin", **bearer(key)).status == 200
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert get(f"/content/{SECRET}/data.bin", **bearer(key)).status == 401


def test_whoever_is_signed_in_gets_in(get: Client, user: User) -> None:
    headers = cookie(user)
    assert get(f"/content/{SECRET}/data.bin", **headers).body == DATA
    # Also with a token that is for others.
    assert get(f"/content/{SECRET}/data.bin", **headers, **bearer("mr_wrong")).status == 200


@pytest.mark.parametrize("ended", ["signed out", "inactive", "other password", "deleted", "expired", "made up"])
def test_a_session_that_has_ended_opens_nothing(get: Client, user: User, ended: str) -> None:
    browser = Browser()
    browser.force_login(user)
    key = browser.cookies["sessionid"].value
    if ended == "signed out":
        browser.logout()
    elif ended == "inactive":
        User.objects.update(is_active=False)
    elif ended == "other password":
        user.set_password("another one")
        user.save()
    elif ended == "deleted":
        user.delete()
    elif ended == "expired":
        from django.contrib.sessions.models import Session

        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    else:
        key = "x" * 32
    assert get(f"/content/{SECRET}/data.bin", Cookie=f"sessionid={key}").status == 401


def test_a_password_of_a_user_is_no_token(get: Client, user: User) -> None:
    assert get(f"/content/{SECRET}/data.bin", **basic("viewer", "a long one")).status == 401


# ---- what others learn -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_all_below_a_base_path_is_refused_alike(get: Client, method: str) -> None:
    first = told(get(f"/content/{SECRET}/data.bin", method))
    assert first[0] == 401
    for path in PATHS:
        assert told(get(f"/content/{SECRET}{path}", method)) == first, path


def test_no_query_tells_what_is_there(get: Client) -> None:
    """As the time of a query would tell it."""
    for path in ("/data.bin", "/gone.txt", "/none", "/sub"):
        with CaptureQueriesContext(connection) as queries:
            answered(f"/content/{SECRET}{path}")
        assert len(queries) == 1, path


def test_no_condition_and_no_range_tells_what_is_there(get: Client) -> None:
    etag = get(f"/content/{SECRET}/data.bin", **bearer(token()))["ETag"] or ""
    for headers in (
        {"If_None_Match": etag},
        {"If_None_Match": "*"},
        {"If_Match": '"other"'},
        {"If_Modified_Since": "Sun, 22 Nov 2099 12:00:00 GMT"},
        {"If_Unmodified_Since": "Sun, 22 Nov 1999 12:00:00 GMT"},
        {"Range": "bytes=0-9"},
        {"Range": "bytes=99999999-"},
        {"Range": "bytes=5-", "If_Range": etag},
        {"Accept": "application/json"},
        {"Want_Digest": "sha-256"},
    ):
        answer = get(f"/content/{SECRET}/data.bin", **headers)
        assert (answer.status, answer["ETag"], answer["Content-Range"]) == (401, None, None), headers


def test_conditions_and_ranges_work_for_who_may(get: Client) -> None:
    may = bearer(token())
    etag = get(f"/content/{SECRET}/data.bin", **may)["ETag"] or ""
    unchanged = get(f"/content/{SECRET}/data.bin", **may, If_None_Match=etag)
    assert (unchanged.status, unchanged["Cache-Control"], unchanged["Vary"]) == (
        304,
        "private, no-cache",
        "Authorization, Cookie",
    )
    part = get(f"/content/{SECRET}/data.bin", **may, Range="bytes=10-19")
    assert (part.status, part.body) == (206, DATA[10:20])
    assert get(f"/content/{SECRET}/gone.txt", **may).body == b"gone"
    assert get(f"/content/{SECRET}/none", **may).status == 404


def test_a_download_that_began_before_goes_on_only_for_who_may(get: Client, secret: Distribution) -> None:
    Distribution.objects.update(protected=False)
    etag = get(f"/content/{SECRET}/data.bin")["ETag"] or ""
    factories.serve(secret.repository, {"data.bin": DATA[::-1]})
    assert get(f"/content/{SECRET}/data.bin", Range="bytes=100-", If_Range=etag).body == DATA[100:]
    Distribution.objects.update(protected=True)
    for headers in ({"Range": "bytes=100-"}, {"Range": "bytes=100-", "If_Range": etag}):
        assert get(f"/content/{SECRET}/data.bin", **headers).status == 401
        assert get(f"/content/{SECRET}/data.bin", **headers, **bearer(token())).body == DATA[100:]


def test_what_was_superseded_while_it_was_protected_stays_so_when_the_rest_is_opened(
    get: Client, secret: Distribution
) -> None:
    etag = get(f"/content/{SECRET}/data.bin", **bearer(token()))["ETag"] or ""
    factories.serve(secret.repository, {"data.bin": b"for all", "next.txt": b"1"})
    distributions.protect(secret, protected=False)
    assert get(f"/content/{SECRET}/data.bin").body == b"for all"
    assert get(f"/content/{SECRET}/gone.txt").status == 404
    assert get(f"/content/{SECRET}/data.bin", Range="bytes=0-9", If_Range=etag).body == b"for all"
    assert get(f"/content/{SECRET}/data.bin", Range="bytes=100-").status == 416
    # From then on as everywhere.
    factories.serve(secret.repository, {"next.txt": None})
    assert get(f"/content/{SECRET}/next.txt").body == b"1"


def test_no_listing_names_what_is_protected_to_who_may_not_see_it(get: Client, user: User) -> None:
    public, may = get("/content/"), get("/content/", **cookie(user))
    assert (b"open/" in public.body, b"team/" in public.body) == (True, False)
    assert (b"open/" in may.body, b"team/" in may.body) == (True, True)
    assert {public["Cache-Control"], may["Cache-Control"]} == {"private, no-cache"}
    assert public["Vary"] == "Accept, Authorization, Cookie"
    names = json.loads(get("/content/", Accept="application/json", **bearer(token())).body)
    assert "team" in json.dumps(names)
    assert b"team" not in get("/content/", Accept="application/json").body


def test_a_folder_above_what_is_protected_is_as_if_it_were_not(get: Client, secret: Distribution) -> None:
    for path in ("team", "team/"):
        hidden, none = get(f"/content/{path}"), get("/content/none/")
        assert (
            (hidden.status, hidden.body) == (none.status, none.body) == (404, b"No distribution has this base path.\n")
        )
    assert get("/content/team/", **bearer(token(opens=secret))).status == 200
    # A token for another sees no more than nobody.
    other = factories.repository("other", "other").distributions.get()
    assert get("/content/team/", **bearer(token(opens=other))).status == 404


def test_where_nothing_is_protected_caches_may_keep_a_listing(get: Client) -> None:
    Distribution.objects.update(protected=False)
    answer = get("/content/")
    assert (answer["Cache-Control"], answer["Vary"]) == ("no-cache", "Accept")


def test_a_protection_takes_effect_at_the_next_request(get: Client) -> None:
    opened = Distribution.objects.get(base_path="open")
    assert get("/content/open/a.txt").status == 200
    distributions.protect(opened, protected=True)
    assert get("/content/open/a.txt").status == 401
    distributions.protect(opened, protected=False)
    assert get("/content/open/a.txt").status == 200


def test_a_browser_is_led_to_the_sign_in_and_back(get: Client, user: User) -> None:
    answer = get(f"/content/{SECRET}/a%20b%3F.txt", Accept="text/html")
    link = f"/login/?next=/content/{SECRET}/a%2520b%253F.txt"
    assert f'<a href="{link}">Sign in</a>' in answer.body.decode()
    sent = Browser().post(link, {"username": "viewer", "password": "a long one"})
    assert sent["Location"] == f"/content/{SECRET}/a%20b%3F.txt"


# ---- what it costs ---------------------------------------------------------------------------------------


def answered(path: str, **headers: str) -> bytes:
    """In this thread, with all that is on the wire."""
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_PROTOCOL": "HTTP/1.1"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()} | {"REMOTE_ADDR": "127.0.0.1"}
    out = BytesIO()
    SimpleHandler(BytesIO(), out, StringIO(), environ).run(content.application)
    return out.getvalue()


def queries_for(path: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert b"200 OK" in answered(path, **headers)
    return len(queries)


def test_what_is_open_takes_one_query_whoever_asks(secret: Distribution, user: User) -> None:
    for headers in ({}, bearer(token()), cookie(user)):
        assert queries_for("/content/open/a.txt", **headers) == 1


def test_what_is_protected_takes_two_more_at_most(secret: Distribution, user: User) -> None:
    path, one, all_of_them = f"/content/{SECRET}/data.bin", bearer(token(opens=secret)), bearer(token())
    for headers in (one, all_of_them):
        # The first in a minute notes the use.
        assert queries_for(path, **headers) <= 4
    assert (queries_for(path, **all_of_them), queries_for(path, **one), queries_for(path, **cookie(user))) == (2, 2, 3)


def test_a_folder_asks_who_it_is_once(secret: Distribution, user: User) -> None:
    path, headers = f"/content/{SECRET}/sub/", cookie(user)
    with_protection = queries_for(path, **headers)
    Distribution.objects.update(protected=False)
    assert with_protection - queries_for(path, **headers) == 2


def test_a_use_is_noted_to_the_minute(get: Client, secret: Distribution) -> None:
    key = token(opens=secret)
    get("/content/open/a.txt", **bearer(key))
    assert AccessToken.objects.get().last_used_at is None
    get(f"/content/{SECRET}/data.bin", **bearer(key))
    noted = AccessToken.objects.get().last_used_at
    assert noted
    assert timedelta() <= timezone.now() - noted < timedelta(minutes=2)
    assert (noted.second, noted.microsecond) == (0, 0)


# ---- wrong tokens ----------------------------------------------------------------------------------------


def test_who_goes_on_with_a_wrong_token_is_slowed_down(get: Client, caplog: pytest.LogCaptureFixture) -> None:
    wrong, right = "mr_" + "x" * 43, token()
    statuses = [get(f"/content/{SECRET}/data.bin", **bearer(wrong)).status for _ in range(throttle.OF_NAME + 2)]
    assert statuses == [401] * throttle.OF_NAME + [429] * 2
    answer = get(f"/content/{SECRET}/data.bin", **basic("me", wrong))
    assert 0 < int(answer["Retry-After"] or "") <= throttle.WINDOW
    # Nobody else from there suffers: not a right token, not an open file, not a sign-in.
    assert get(f"/content/{SECRET}/data.bin", **bearer(right)).status == 200
    assert get("/content/open/a.txt", **bearer(wrong)).status == 200
    assert throttle.wait("127.0.0.1", "admin") == 0
    assert wrong not in caplog.text


def test_who_tries_many_tokens_is_slowed_down(get: Client) -> None:
    statuses = [get(f"/content/{SECRET}/x", **bearer(f"mr_{n:<043}")).status for n in range(throttle.OF_ADDRESS + 1)]
    assert statuses == [401] * throttle.OF_ADDRESS + [429]


def test_who_brings_no_token_is_not_counted(get: Client, secret: Distribution) -> None:
    other = bearer(token(opens=factories.repository("other", "other").distributions.get()))
    for headers in ({}, other):
        assert {get(f"/content/{SECRET}/x", **headers).status for _ in range(throttle.OF_ADDRESS + 2)} == {401}


@pytest.mark.any_database
def test_the_token_in_a_header_is_found() -> None:
    assert access.secret_in("Bearer mr_x") == access.secret_in(basic("me", "mr_x")["Authorization"]) == "mr_x"
    assert access.secret_in("Basic " + b64encode(b"no colon").decode()) == ""
    assert access.secret_in("Basic " + b64encode(b"me:a:b").decode()) == "a:b"
