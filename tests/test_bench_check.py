"""The guard of speed and costs fails when it should, and only then."""

import json
from pathlib import Path

import pytest

from bench import check
from bench.check import Figure


def test_a_count_may_be_a_little_higher() -> None:
    assert not Figure(110, slack=0.1).is_worse_than(100)
    assert Figure(111, slack=0.1).is_worse_than(100)
    assert not Figure(1, slack=0.1).is_worse_than(100)


def test_a_ratio_may_be_a_little_lower() -> None:
    assert not Figure(0.6, slack=0.4, more_is_better=True).is_worse_than(1)
    assert Figure(0.59, slack=0.4, more_is_better=True).is_worse_than(1)
    assert not Figure(9, slack=0.4, more_is_better=True).is_worse_than(1)


def test_the_calls_that_strace_counts_are_read_with_errors_and_without() -> None:
    head = "% time     seconds  usecs/call     calls    errors syscall\n"
    assert check.total_calls(f"{head}100.00    0.034564          57       601        23 total") == 601
    assert check.total_calls(f"{head}100.00    0.034564          57       601           total") == 601


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """What the one measurement gives, one after the other."""
    values: list[float] = []
    monkeypatch.setattr(check, "MEASURES", {"speed": lambda work: Figure(values.pop(0), 0.4, more_is_better=True)})
    monkeypatch.setattr(check, "EXPECTED", tmp_path / "expected.json")
    return values


def test_what_has_become_worse_fails(measured: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    measured += [1.0]
    assert check.main(["--store"]) == 0
    assert json.loads(check.EXPECTED.read_text()) == {"speed": 1.0}
    measured += [0.5, 0.5]
    assert check.main([]) == 1
    assert capsys.readouterr().out.endswith("worse\n")
    assert json.loads(check.EXPECTED.read_text()) == {"speed": 1.0}


def test_what_was_worse_only_once_is_noise(measured: list[float]) -> None:
    measured += [1.0]
    check.main(["--store"])
    measured += [0.5, 0.9]
    assert check.main([]) == 0


def test_what_is_expected_is_there_for_every_measurement() -> None:
    assert set(json.loads(check.EXPECTED.read_text())) == set(check.MEASURES)
