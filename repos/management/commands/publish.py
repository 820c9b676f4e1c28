"""`manage.py publish NAME`: publishes the newest version."""

from repos.jobs import Actions
from repos.management.terminal import RunCommand


class Command(RunCommand):
    help = "Publishes a repository's newest version with its publish settings; does not switch what is served."
    actions = Actions(sync=False, publish=True, distribute=False)
