"""How the installation is doing: for people, and for programs."""

import logging
import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseFailed
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard import access, health, live, storage
from repos import attention, outages
from repos.models import Worker
from repos.words import say

from .http import Request

logger = logging.getLogger(__name__)

# Seconds between two looks of who has the page open; all of them see the same.
LOOK = 5


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
def page(request: Request) -> HttpResponse:
    context = {"versions": health.versions(), "choices": list(health.choices())}
    return render(request, "status/index.html", context | _now())


@require_GET
def now(request: Request) -> HttpResponse:
    """The live fragment."""
    return live.answer(request, _turn(), lambda: render(request, "status/_now.html", _now()), shared="status")


def _now() -> dict[str, Any]:
    return {"health": health.health(), "seen": _turn(), "look": LOOK}


def _turn() -> str:
    """Another one every few seconds: heartbeats alone are always news."""
    return str(int(time.time()) // LOOK)


@require_GET
@never_cache
def status(request: Request) -> JsonResponse:
    """Sizes are in bytes, times in UTC (ISO 8601)."""
    found = {
        "versions": health.versions(),
        "workers": [_worker(worker) for worker in health.workers()],
        "queue": _queue(),
        "database": {"engine": connection.vendor, "version": health.database_version()},
        "storage": _storage(),
        **attention.find().as_json(),
    }
    return JsonResponse(found, json_dumps_params={"indent": 2})


@require_GET
@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The same and more for Prometheus, with MILLRACE_METRICS_TOKEN or a login."""
    if not (request.user.is_authenticated or _has_token(request)):
        words = say("This takes a login, or the token for metrics.") + "\n"
        headers = {"WWW-Authenticate": access.CHALLENGE}
        return HttpResponse(words, status=401, content_type="text/plain; charset=utf-8", headers=headers)
    # Only who asks for metrics waits for Prometheus' library.
    told = import_module("dashboard.metrics")
    return HttpResponse(told.text(), content_type=told.CONTENT_TYPE)


def _has_token(request: HttpRequest) -> bool:
    sent = access.secret_in(request.headers.get("Authorization", ""))
    return bool(sent) and constant_time_compare(sent, settings.MILLRACE_METRICS_TOKEN)


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
    queue = health.queue()
    return {"length": queue.unheard, "waiting": queue.waiting, "running": queue.running}


def _storage() -> dict[str, Any]:
    disk, (files, size) = health.disk(), storage.used()
    return {"files": files, "bytes": size, "disk_free": disk.free, "disk_total": disk.total}
