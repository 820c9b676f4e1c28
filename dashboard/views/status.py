"""How the installation is doing, for programs."""

import logging
import platform
import shutil
from importlib import metadata
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseFailed
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard import storage, tasks
from repos import attention, conf, outages
from repos.models import Job, Worker
from repos.models.job import State

from .http import Request

logger = logging.getLogger(__name__)


@require_GET
@login_not_required
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """“ok” while pages can be made: the process answers, and so does its database; else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseFailed as error:
        logger.error("The database does not answer: %s", outages.told(error))
        return HttpResponse("the database does not answer\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
@never_cache
def status(request: Request) -> JsonResponse:
    """Sizes are in bytes, times in UTC (ISO 8601)."""
    found = {
        "versions": _versions(),
        "workers": [_worker(worker) for worker in Worker.objects.order_by("name")],
        "queue": _queue(),
        "database": {"engine": connection.vendor, "version": _database_version()},
        "storage": _storage(),
        **attention.find().as_json(),
    }
    return JsonResponse(found, json_dumps_params={"indent": 2})


def _versions() -> dict[str, str]:
    return {
        "millrace": settings.VERSION,
        "python": platform.python_version(),
        "django": metadata.version("django"),
        "huey": metadata.version("huey"),
    }


def _worker(worker: Worker) -> dict[str, Any]:
    return {
        "name": worker.name,
        "pid": worker.pid,
        "threads": worker.threads,
        "started_at": worker.started_at,
        "heartbeat_at": worker.heartbeat_at,
        "alive": worker.alive,
    }


def _queue() -> dict[str, int | None]:
    counts = Job.objects.active().counts()
    jobs = {str(state): counts.get(state, 0) for state in (State.WAITING, State.RUNNING)}
    return {"length": tasks.queue_length()} | jobs


def _database_version() -> str:
    return ".".join(str(part) for part in connection.get_database_version())


def _storage() -> dict[str, Any]:
    disk = shutil.disk_usage(conf.data())
    files, size = storage.used()
    return {"files": files, "bytes": size, "disk_free": disk.free, "disk_total": disk.total}
