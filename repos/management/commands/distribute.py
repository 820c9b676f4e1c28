"""`manage.py distribute NAME`: serves the newest version."""

from repos.actions import Actions
from repos.management.terminal import RunCommand


class Command(RunCommand):
    help = "Has every distribution that follows a repository serve its newest version, publishing it if need be."
    actions = Actions(sync=False, publish=True, distribute=True)
