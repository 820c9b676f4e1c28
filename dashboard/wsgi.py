"""The WSGI application: /content/ to the downloads, all else to Django."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
_django = get_wsgi_application()

# Needs the settings and the models, which are ready only now.
from dashboard import content  # noqa: E402


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    if path == content.ROOT or path.startswith(f"{content.ROOT}/"):
        return content.application(environ, start_response)
    return _django(environ, start_response)
