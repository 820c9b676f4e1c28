"""Django's admin, for corrections: every model can be looked at, little can be changed, and only as the domain does it.

One file a noun; staff.py is the site, base.py what they share, deletion.py how the domain deletes.
"""

from django.contrib.admin import site

from . import content, distributions, jobs, publications, remotes, repositories, tokens, users

__all__ = ["content", "distributions", "jobs", "publications", "remotes", "repositories", "site", "tokens", "users"]
