"""Log lines name their job."""

import logging
import threading

import pytest
from django.conf import settings

from repos.logs import JobFilter, about_job


def job_of_a_line() -> str:
    """What the filter makes of a record that is logged here and now."""
    record = logging.LogRecord("repos", logging.INFO, __file__, 1, "a line", None, None)
    assert JobFilter().filter(record)
    return str(record.job)  # type: ignore[attr-defined]


def test_it_works() -> None:
    with about_job(42):
        assert job_of_a_line() == "42"


def test_a_line_about_no_job_has_a_dash() -> None:
    assert job_of_a_line() == "-"


def test_the_mark_ends_with_the_block() -> None:
    with about_job(42):
        pass
    assert job_of_a_line() == "-"


def test_the_mark_ends_with_an_error_too() -> None:
    with pytest.raises(OSError, match="no luck"), about_job(42):
        raise OSError("no luck")
    assert job_of_a_line() == "-"


def test_blocks_nest() -> None:
    with about_job(1):
        with about_job(2):
            assert job_of_a_line() == "2"
        assert job_of_a_line() == "1"


def test_another_thread_is_about_no_job() -> None:
    seen: list[str] = []
    with about_job(42):
        thread = threading.Thread(target=lambda: seen.append(job_of_a_line()))
        thread.start()
        thread.join()
    assert seen == ["-"]


def test_the_products_lines_carry_it(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(JobFilter())
    handler.setFormatter(logging.Formatter(settings.LOGGING["formatters"]["line"]["format"]))
    logger = logging.getLogger("repos.test_logs")
    logger.addHandler(handler)
    try:
        with about_job(42):
            logger.warning("Its worker is gone")
    finally:
        logger.removeHandler(handler)
    assert "job=42 repos.test_logs: Its worker is gone" in capsys.readouterr().err
