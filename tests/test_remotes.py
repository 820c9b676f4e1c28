"""Remotes: which values can be, how they are stored, and who may be deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from django.utils import timezone

from repos import remotes, transport, vault
from repos.errors import MillraceError
from repos.errors.refusals import InUse, Stale
from repos.errors.values import InvalidValue, NameTaken
from repos.models import Remote, Repository
from tests import factories
from tests.running import run
from tests.upstream import MANIFEST, Upstream

pytestmark = pytest.mark.django_db
URL = "https://files.example.org/data/"
LOGIN = {"username": "ada", "password": "lovelace-1815"}


def make(**values: Any) -> Remote:
    return remotes.make(**({"name": "files", "url": URL} | values))


def pair(*, ended: bool = False) -> tuple[str, str]:
    """A certificate that signs itself, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "millrace")])
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020 if ended else 2100, 6, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, begin, end).sign(key, SHA256())
    return built.public_bytes(serialization.Encoding.PEM).decode(), pem_of(key)


def pem_of(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> str:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


CERTIFICATE, KEY = pair()


def test_it_works() -> None:
    made = make(**LOGIN, tries=2, proxy_url="http://proxy.example:3128/")
    stored = Remote.objects.get()
    assert made == stored
    assert (stored.name, stored.url, stored.tries, stored.proxy_url) == ("files", URL, 2, "http://proxy.example:3128")
    assert vault.reveal(stored.password) == LOGIN["password"]
    assert LOGIN["password"] not in str(Remote.objects.values().get())


def test_a_remote_reaches_its_upstream_as_it_was_told_to() -> None:
    made = make(**LOGIN, headers="X-Api-Key: 123", client_certificate=CERTIFICATE, client_key=KEY)
    reached = transport.of(made)
    assert (reached.username, reached.password) == ("ada", LOGIN["password"])
    assert reached.headers == (("X-Api-Key", "123"),)
    assert reached.client_key == KEY.strip()


# ---- values that cannot be ----


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " ", "A name has 1 to 200 characters"),
        ("name", "x" * 201, "A name has 1 to 200 characters"),
        ("name", "a\x00b", "A name has 1 to 200 characters"),
        ("url", "", "must begin with http:// or https://"),
        ("url", "ftp://example.org/", "must begin with http:// or https://"),
        ("url", "https://ada:secret@example.org/", "has a user name or a password in it"),
        ("url", "https://example.org:99999/", "a port that there is not"),
        ("url", "https:///files/", "names no host"),
        ("kind", "ftp", "There is no kind “ftp”"),
        ("policy", "never", "There is no policy “never”"),
        ("username", "ada:lovelace", "cannot have a colon"),
        ("username", "ada\nlovelace", "has a line break in it"),
        ("username", "a" * 201, "longer than 200 characters"),
        ("password", "one\r\ntwo", "has a line break in it"),
        ("password", "x" * 20_000, "longer than 16,384 characters"),
        ("token", "Bearer abc", "without the word “Bearer”"),
        ("token", "abc\ndef", "has a line break in it"),
        ("token", "päss", "only plain ASCII can be sent"),
        ("user_agent", "Mill\trace", "has a line break in it"),
        ("user_agent", "Mühle", "only plain ASCII can be sent"),
        ("headers", "X-Key", "Line 1 is not of the form “Name: value”"),
        ("headers", "X-Key: 1\nHost: other", "Line 2 gives the header “Host”, which Millrace sets itself"),
        ("proxy_url", "proxy.example:3128", "must begin with http:// or https://"),
        ("proxy_url", "socks5://proxy.example", "must begin with http:// or https://"),
        ("proxy_url", "http://ada:secret@proxy.example", "has a user name or a password in it"),
        ("proxy_url", "http://proxy.example/path", "without a path"),
        ("ca_certificate", "no certificate", "It is no certificate in PEM form"),
        ("ca_certificate", CERTIFICATE + KEY, "There is a private key in it"),
        ("client_certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "It is no certificate"),
        ("client_certificate", "x" * 500_001, "longer than 500,000 characters"),
        ("client_key", "no key", "It is no private key in PEM form"),
        ("client_key", pem_of(ec.generate_private_key(ec.SECP256R1()), b"secret"), "The key has a passphrase"),
        ("concurrency", 0, "Give a whole number from 1 to 100"),
        ("concurrency", 101, "Give a whole number from 1 to 100"),
        ("tries", 21, "Give a whole number from 1 to 20"),
        ("tries", None, "Give a whole number from 1 to 20"),
        ("connect_timeout", 0, "Give a whole number from 1 to 3,600"),
        ("read_timeout", 3601, "Give a whole number from 1 to 3,600"),
        ("least_speed", -1, "Give a whole number from 0"),
        ("deadline", 10**9, "Give a whole number from 0"),
        ("rate_limit", 10**13, "Give a whole number from 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(field: str, value: Any, said: str) -> None:
    with pytest.raises(MillraceError) as raised:
        make(**{field: value})
    assert said in str(raised.value)
    assert raised.value.field == field
    assert not Remote.objects.exists()


@pytest.mark.parametrize("field", ["password", "token", "headers", "client_key", "proxy_password"])
def test_no_error_tells_a_secret(field: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        make(**{field: "hushhush\x07"})
    assert "hushhush" not in f"{raised.value}{raised.value.__cause__ or ''}"


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = remotes.faults(name="", url="nowhere", tries=0, token="a b", username="ada")
    assert [error.field for error in found] == ["name", "url", "tries", "token"]


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"token": "abc", "username": "ada"}, "token", "There is a user name as well"),
        ({"token": "abc", "password": "x"}, "token", "There is a password as well"),
        ({"client_key": KEY}, "client_certificate", "The client key needs its certificate"),
        ({"client_certificate": CERTIFICATE}, "client_key", "The client certificate needs its private key"),
        ({"client_certificate": CERTIFICATE, "client_key": pair()[1]}, "client_key", "belongs to another certificate"),
        ({"proxy_username": "ada"}, "proxy_url", "There is a login for a proxy, but no proxy"),
    ],
)
def test_what_cannot_be_together_is_refused(values: dict[str, str], field: str, said: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        make(**values)
    assert (said in str(raised.value), raised.value.field) == (True, field)


def test_a_certificate_that_has_ended_is_refused_and_says_when() -> None:
    certificate, key = pair(ended=True)
    with pytest.raises(InvalidValue, match="ended on 2020-06-01"):
        make(client_certificate=certificate, client_key=key)
    with pytest.raises(InvalidValue, match="ended on 2020-06-01"):
        make(ca_certificate=certificate)


def test_of_many_authorities_one_may_have_ended() -> None:
    assert make(ca_certificate=pair(ended=True)[0] + CERTIFICATE).ca_certificate


def test_a_certificate_may_be_pasted_with_the_line_ends_of_another_system() -> None:
    made = make(client_certificate=CERTIFICATE.replace("\n", "\r\n"), client_key=KEY.replace("\n", "\r\n"))
    assert made.client_certificate == CERTIFICATE.strip()


def test_spaces_belong_to_a_password_and_to_nothing_else() -> None:
    made = make(name=" files ", url=f" {URL} ", username=" ada ", password=" x ")
    assert (made.name, made.url, made.username) == ("files", URL, "ada")
    assert vault.reveal(made.password) == " x "


def test_what_a_remote_does_not_have_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="A remote has no pasword"):
        make(pasword="x")


# ---- names, and making one twice ----


def test_a_taken_name_is_refused() -> None:
    make()
    with pytest.raises(NameTaken, match="already a remote called “files”"):
        make(url="https://other.example/")
    with pytest.raises(NameTaken):
        remotes.change(make(name="other"), name="files")


def test_the_same_sent_twice_makes_one() -> None:
    values = {"name": "files", "url": URL, **LOGIN}
    assert remotes.make_once(**values) == remotes.make_once(**values) == Remote.objects.get()


@pytest.mark.parametrize("other", [{"url": "https://other.example/"}, {"password": "another"}, {"tries": 1}])
def test_the_same_name_with_other_values_is_no_second_click(other: dict[str, Any]) -> None:
    values = {"name": "files", "url": URL, **LOGIN}
    remotes.make_once(**values)
    with pytest.raises(NameTaken):
        remotes.make_once(**(values | other))


def test_a_minute_later_it_is_no_second_click() -> None:
    make()
    Remote.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    with pytest.raises(NameTaken):
        remotes.make_once(name="files", url=URL)


# ---- changing one ----


def test_a_secret_is_kept_removed_or_replaced() -> None:
    made = make(**LOGIN)
    sealed = made.password
    assert remotes.change(made, username="eve", password=None).password == sealed
    assert vault.reveal(remotes.change(made, password="another").password) == "another"
    assert remotes.change(made, password="").password == ""


def test_a_token_takes_the_place_of_a_password_that_is_removed_with_it() -> None:
    made = make(**LOGIN)
    with pytest.raises(InvalidValue, match="There is a user name as well"):
        remotes.change(made, token="abc")
    assert vault.reveal(remotes.change(made, token="abc", username="", password="").token) == "abc"


def test_a_new_certificate_has_to_fit_the_key_that_is_kept() -> None:
    made = make(client_certificate=CERTIFICATE, client_key=KEY)
    assert remotes.change(made, client_certificate=CERTIFICATE, tries=1).tries == 1
    with pytest.raises(InvalidValue, match="belongs to another certificate"):
        remotes.change(made, client_certificate=pair()[0])


def test_what_was_right_when_it_was_entered_is_not_judged_again() -> None:
    made = make(client_certificate=CERTIFICATE, client_key=KEY)
    ended, key = pair(ended=True)
    Remote.objects.update(client_certificate=ended.strip(), client_key=vault.seal(key))
    made.refresh_from_db()
    assert remotes.change(made, client_certificate=ended, tries=1).tries == 1


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/data/", "http://files.example.org/data/", "https://files.example.org:8443/data/"],
)
@pytest.mark.parametrize("secret", [{"password": "hush"}, {"token": "hush"}, {"headers": "X-Key: hush"}])
def test_a_stored_secret_does_not_follow_the_address_to_another_server(url: str, secret: dict[str, str]) -> None:
    made = make(**secret)
    with pytest.raises(InvalidValue, match="and is sent nowhere else") as raised:
        remotes.change(made, url=url)
    assert raised.value.field in secret
    assert Remote.objects.get().url == URL
    assert remotes.change(made, url=url, **secret).url == url


def test_on_the_same_server_it_does() -> None:
    made = make(**LOGIN)
    assert remotes.change(made, url="https://files.example.org:443/other/").password == made.password


def test_a_proxys_password_does_not_follow_to_another_proxy() -> None:
    made = make(proxy_url="http://proxy.example:3128", proxy_username="ada", proxy_password="hush")
    with pytest.raises(InvalidValue, match="was entered for http://proxy") as raised:
        remotes.change(made, proxy_url="http://evil.example:3128")
    assert raised.value.field == "proxy_password"
    with pytest.raises(InvalidValue, match="login for a proxy, but no proxy"):
        remotes.change(made, proxy_url="")
    assert remotes.change(made, proxy_url="", proxy_username="", proxy_password="").proxy_url == ""


LOGINS: list[dict[str, str]] = [{"password": "hush"}, {"token": "hush"}, {"headers": "X-Key: hush"}]
PROXY = {"proxy_url": "http://proxy.example:3128"}
# What lets somebody else read what is sent, by what was there before.
OPENINGS = [
    ({}, {"proxy_url": "http://evil.example:3128"}, "a way through http://evil.example:3128"),
    (PROXY, {"proxy_url": "http://evil.example:3128"}, "a way through http://evil.example:3128"),
    (PROXY, {"proxy_url": "http://proxy.example:3129"}, "a way through http://proxy.example:3129"),
    ({}, {"use_environment": True}, "through proxies of the server's environment"),
    (PROXY | {"use_environment": True}, {"proxy_url": ""}, "through proxies of the server's environment"),
    ({}, {"tls_verify": False}, "was entered while TLS was verified"),
    ({}, {"ca_certificate": CERTIFICATE}, "was entered while others were trusted"),
    ({"ca_certificate": CERTIFICATE}, {"ca_certificate": pair()[0]}, "was entered while others were trusted"),
]


@pytest.mark.parametrize(("before", "opening", "said"), OPENINGS)
@pytest.mark.parametrize("secret", LOGINS)
def test_a_stored_secret_does_not_go_where_others_may_then_read_it(
    before: dict[str, Any], opening: dict[str, Any], said: str, secret: dict[str, str]
) -> None:
    made = make(**before, **secret)
    with pytest.raises(InvalidValue, match=r"Enter it again, or remove it\.") as raised:
        remotes.change(made, **opening)
    assert raised.value.field in secret
    assert said in str(raised.value)
    assert remotes.draft(make(name="other", **before), **opening)
    assert remotes.change(made, **opening, **secret)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (PROXY, {"proxy_url": "http://proxy.example:3128/"}),
        (PROXY, {"proxy_url": ""}),
        (PROXY, {"use_environment": True}),
        ({"use_environment": True}, {"use_environment": False}),
        ({"tls_verify": False}, {"tls_verify": True}),
        ({"ca_certificate": CERTIFICATE}, {"ca_certificate": ""}),
    ],
)
@pytest.mark.parametrize("secret", LOGINS)
def test_it_stays_where_nobody_new_can_read_it(
    before: dict[str, Any], change: dict[str, Any], secret: dict[str, str]
) -> None:
    made = make(**before, **secret)
    remotes.change(made, **change)
    assert [vault.reveal(getattr(made, name)) for name in secret] == list(secret.values())


@pytest.mark.parametrize(("scheme", "asked"), [("https", True), ("http", False)])
@pytest.mark.parametrize("opening", [{"tls_verify": False}, {"ca_certificate": CERTIFICATE}])
def test_a_proxys_password_depends_on_tls_where_the_proxy_speaks_it(
    scheme: str, asked: bool, opening: dict[str, Any]
) -> None:
    made = make(proxy_url=f"{scheme}://proxy.example", proxy_username="ada", proxy_password="hush")
    assert [error.field for error in remotes.faults(made, **opening)] == ["proxy_password"] * asked


def test_who_was_slower_is_told() -> None:
    made = make()
    mine, theirs = Remote.objects.get(), Remote.objects.get()
    remotes.change(theirs, tries=2)
    with pytest.raises(Stale, match="The remote “files” was changed by somebody else meanwhile"):
        remotes.change(mine, tries=3)
    made.refresh_from_db()
    assert made.tries == 2


def test_secrets_that_cannot_be_together_with_what_another_has_entered_are_stale_too() -> None:
    make()
    mine, theirs = Remote.objects.get(), Remote.objects.get()
    remotes.change(theirs, password="hush")
    with pytest.raises(Stale):
        remotes.change(mine, token="abc")


def test_keys_that_were_rotated_meanwhile_make_nothing_stale() -> None:
    mine = make(**LOGIN)
    vault.rotate()
    assert vault.reveal(remotes.change(mine, tries=2).password) == LOGIN["password"]


@pytest.mark.django_db(transaction=True)
def test_another_login_reads_no_list_anew_and_another_address_does(upstream: Upstream, repository: Repository) -> None:
    upstream.write("a", b"1")
    run(repository)
    upstream.reset_log()
    remote = repository.remote
    assert remote is not None
    remotes.change(remote, **LOGIN, concurrency=2)
    run(repository)
    assert upstream.requests[-1].headers["If-None-Match"]
    remotes.change(remote, url=upstream.url + "./" + MANIFEST, username="", password="")
    run(repository)
    assert upstream.requests[-1].headers["If-None-Match"] is None


# ---- deleting one ----


def test_a_remote_that_nobody_uses_is_deleted() -> None:
    made = make(**LOGIN)
    assert not remotes.consequences(made).refusal
    remotes.delete(made)
    assert not Remote.objects.exists()


def test_a_remote_in_use_is_not_and_its_repositories_are_named() -> None:
    first = factories.repository("one", "one")
    for name in ("two", "three", "four"):
        Repository.objects.filter(pk=factories.repository(name, name).pk).update(remote=first.remote)
    assert first.remote is not None
    said = (
        "“one” is the remote of the repositories “four”, “one”, “three” and 1 more. Choose another remote there first."
    )
    assert remotes.consequences(first.remote).refusal == said
    with pytest.raises(InUse) as raised:
        remotes.delete(first.remote)
    assert str(raised.value) == said
    assert Remote.objects.filter(pk=first.remote.pk).exists()
