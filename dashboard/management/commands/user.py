"""`manage.py user VERB`: who may sign in, and as what. No password is given as an argument, which all can read."""

import sys
from collections.abc import Callable
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from dashboard import users
from repos.management.arguments import add_yes
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import write_table, yes_or_no
from repos.management.verbs import VerbCommand

# In characters; no password is longer.
_MOST = 500


class Command(VerbCommand):
    help = "Makes, shows, changes and deletes users. Roles: viewer, operator, administrator."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add(self.list_, "all of them, with their roles")
        made = add(self.add, "make one", "name")
        made.add_argument("--role", choices=users.ROLES, default="viewer", help="default viewer")
        _add_generate(made)
        add(self.role, "give another role", "name").add_argument("role", choices=users.ROLES)
        _add_generate(add(self.password, "set another password, which ends all sessions of the user", "name"))
        add(self.deactivate, "let one sign in no more, and end the sessions", "name")
        add(self.activate, "let one sign in again", "name")
        add_yes(add(self.delete, "delete one, also from the history of what they did", "name"))

    def list_(self, **_: Any) -> None:
        rows = (
            (one.username, users.known_role(one).word, yes_or_no(one.is_active), one.last_login)
            for one in users.listed()
        )
        write_table(self.stdout, ("name", "role", "active", "last signed in"), rows)

    def add(self, *, name: str, role: str, generate: bool, **_: Any) -> None:
        password = _password(generate)
        user = users.add(name, role=users.ROLES[role], password=password)
        self._tell(f"Made the {role} “{user}”.", password if generate else "")

    def role(self, *, name: str, role: str, **_: Any) -> None:
        users.set_role(_named(name), users.ROLES[role])
        self.stdout.write(f"“{name}” is {role} now.")

    def password(self, *, name: str, generate: bool, **_: Any) -> None:
        user, password = _named(name), _password(generate)
        users.set_password(user, password)
        self._tell(f"“{name}” has another password, and is signed out everywhere.", password if generate else "")

    def deactivate(self, *, name: str, **_: Any) -> None:
        users.set_active(_named(name), False)
        self.stdout.write(f"“{name}” cannot sign in any more; their sessions have ended.")

    def activate(self, *, name: str, **_: Any) -> None:
        users.set_active(_named(name), True)
        self.stdout.write(f"“{name}” can sign in again.")

    def delete(self, *, name: str, yes: bool, **_: Any) -> None:
        user = _named(name)
        self.agree_to_delete(f"the user “{name}”", users.consequences(user), yes=yes)
        users.delete(user)
        self.stdout.write(f"The user “{name}” was deleted.")

    def _tell(self, what: str, password: str) -> None:
        self.stdout.write(what)
        if password:
            self.stdout.write(f"Password: {password}")


def _add_generate(parser: CommandParser) -> None:
    about = "make a password and show it; else it is typed unseen, or read from standard input"
    parser.add_argument("--generate", action="store_true", help=about)


def _password(generate: bool) -> str:
    """Raises CommandError where what was typed twice is not the same, or nothing came."""
    if generate:
        return users.new_password()
    if not sys.stdin.isatty():
        password = sys.stdin.readline(_MOST).rstrip("\r\n")
    elif (password := getpass("Password, which is not shown: ")) != getpass("The same again: "):
        raise CommandError("These two are not the same. Nothing was changed.", returncode=BAD_ARGUMENTS)
    if not password:
        raise CommandError("No password was given. Type one, or say --generate.", returncode=BAD_ARGUMENTS)
    return password


def _named(name: str) -> User:
    if user := users.listed().filter(username=name).first():
        return user
    raise CommandError(f"There is no user called “{name}”.", returncode=BAD_ARGUMENTS)
