"""`manage.py rotate_keys`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from repos import vault
from repos.models import Remote

pytestmark = pytest.mark.django_db


def run() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 secrets were"), (1, "1 secret was"), (2, "2 secrets were")],
)
def test_it_works(count: int, said: str) -> None:
    for number in range(count):
        Remote.objects.create(name=f"{number}", url="http://host/", password=vault.seal("secret"))
    assert run() == f"{said} sealed anew with a new key; the old key is gone.\n"
    assert [vault.reveal(remote.password) for remote in Remote.objects.all()] == ["secret"] * count


def test_what_is_lost_is_named_and_ends_in_failure() -> None:
    Remote.objects.create(name="a", url="http://host/", password=vault.seal("secret"))
    vault.key_file().unlink()
    with pytest.raises(CommandError, match="No key opens the secrets of “a”: enter them again") as caught:
        run()
    assert caught.value.returncode == 1


def test_a_key_file_that_cannot_be_read_is_left_as_it_is() -> None:
    vault.seal("secret")
    vault.key_file().write_text("nonsense")
    with pytest.raises(CommandError, match="is not one key a line") as caught:
        run()
    assert caught.value.returncode == 1
    assert vault.key_file().read_text() == "nonsense"
