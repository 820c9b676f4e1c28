"""The queue: the only place that knows Huey. It is but the bell that rings; the truth is in the jobs' rows."""

from django.conf import settings
from huey import SqliteHuey
from huey.consumer import Consumer

from repos import chain, workers

settings.MILLRACE_DATA.mkdir(parents=True, exist_ok=True)
# `immediate` by default follows DEBUG, and would run the job inside the request.
huey = SqliteHuey("millrace", filename=str(settings.MILLRACE_DATA / "queue.sqlite3"), immediate=False, results=False)


@huey.task()  # type: ignore[untyped-decorator]
def run_job(pk: int) -> None:
    chain.run(pk, workers.name_here())


def ring(pk: int) -> None:
    """Has some worker look at job `pk`."""
    run_job(pk)


def queue_length() -> int:
    """How many rings nobody has heard yet."""
    return int(huey.pending_count())


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's threads, under the command of the process that they are in: signals are that one's business."""

    def _set_signal_handlers(self) -> None:
        pass


def consumer(threads: int) -> Consumer:
    """The threads that hear the bell; `start` and `stop` it. They look for a ring at least four times a second."""
    return _Consumer(huey, workers=threads, periodic=False, initial_delay=0.05, backoff=1.2, max_delay=0.25)
