"""Ringing for a waiting job. Who hears it (a queue, a thread, nobody) is not the domain's business."""

from collections.abc import Callable
from functools import partial
from typing import cast

from django.db import transaction
from django.utils.module_loading import import_string

from . import conf


def ring(pk: int) -> None:
    """Rings for job `pk` once the current transaction is committed. A ring that fails is logged, and loses nothing."""
    transaction.on_commit(partial(_ring, pk), robust=True)


def _ring(pk: int) -> None:
    cast(Callable[[int], None], import_string(conf.bell()))(pk)
