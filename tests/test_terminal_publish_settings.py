"""`manage.py publish_settings`: shared by value, and never changed themselves."""

import pytest

from repos.create import make_repository
from repos.models import PublishSettings, Repository
from tests.terminal import call, rows

pytestmark = pytest.mark.any_database


@pytest.fixture
def pair(transactional_db: None) -> tuple[Repository, Repository]:
    """Two repositories that share their settings."""
    return make_repository(name="one"), make_repository(name="two")


def published_with() -> dict[str, str]:
    return {one.name: str(one.publish_settings) for one in Repository.objects.select_related("publish_settings")}


@pytest.mark.usefixtures("pair")
def test_it_works() -> None:
    own, other = PublishSettings.objects.get(), "PULP_MANIFEST, SHA256SUMS"
    status, said = call("publish_settings", "set", "one", "--checksums", "SHA256SUMS")
    made = PublishSettings.objects.get(checksums="SHA256SUMS")
    assert status == 0
    assert said == f"“one” is published with {other} (ID {made.pk}) from the next job on.\n"
    assert published_with() == {"one": other, "two": "PULP_MANIFEST"}
    assert rows("publish_settings", "list") == [
        [f"{own.pk}", "PULP_MANIFEST", "", "1", "0", "two"],
        [f"{made.pk}", "PULP_MANIFEST", "SHA256SUMS", "1", "0", "one"],
    ]
    call("publish_settings", "set", "two", "--checksums", "SHA256SUMS")
    assert PublishSettings.objects.count() == 2, "same values, same row"
    assert call("publish_settings", "delete", f"{own.pk}")[0] == 0
    assert PublishSettings.objects.get() == made


@pytest.mark.usefixtures("pair")
def test_all_that_share_them_move_when_asked() -> None:
    make_repository(name="alone", publish_with={"manifest": "LIST"})
    status, said = call("publish_settings", "set", "one", "--manifest", "", "--checksums", "SUMS", "--for-all")
    assert status == 0
    assert "“one” and all that shared its own are published with SUMS" in said
    assert published_with() == {"one": "SUMS", "two": "SUMS", "alone": "LIST"}


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["set", "nothing", "--checksums", "a"], "There is no repository called “nothing”"),
        (["set", "one"], "Say what is to be other"),
        (["set", "one", "--checksums", "a/b"], "checksums: The file lies at the top"),
        (["set", "one", "--checksums", "PULP_MANIFEST"], "cannot be two files"),
        (["delete", "0"], "There are no publish settings 0."),
        (["delete", "{pk}"], "cannot be deleted while it is used by 2 repositories (one, two)."),
    ],
)
def test_bad_arguments_are_status_2_and_change_nothing(arguments: list[str], answer: str) -> None:
    pk = PublishSettings.objects.get().pk
    status, said = call("publish_settings", *(one.format(pk=pk) for one in arguments))
    assert status == 2, said
    assert answer in said
    assert published_with() == {"one": "PULP_MANIFEST", "two": "PULP_MANIFEST"}
    assert PublishSettings.objects.count() == 1
