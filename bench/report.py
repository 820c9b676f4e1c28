"""Collects what the runs of a measurement cost, and prints one table for each case."""

import json
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.children import Cost

BASE = "bare loop"


@dataclass(frozen=True)
class Case:
    """One job that several tools do. `amount` counts what is fetched, in `unit`; 0 where a rate says nothing."""

    title: str
    amount: float = 0
    unit: str = ""


@dataclass
class Report:
    """All costs, by case and tool, in the order in which they came."""

    heading: list[str]
    costs: dict[Case, dict[str, list[Cost]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, case: Case, tool: str, cost: Cost) -> None:
        self.costs[case][tool].append(cost)

    def text(self) -> str:
        tables = [table(case, costs) for case, costs in self.costs.items()]
        return "\n".join([*self.heading, *("\n" + block for block in tables)])

    def save(self, file: Path) -> None:
        cases = [
            {"case": asdict(case), "tools": {name: [asdict(cost) for cost in runs] for name, runs in costs.items()}}
            for case, costs in self.costs.items()
        ]
        file.write_text(json.dumps({"heading": self.heading, "cases": cases}, indent=2))


def table(case: Case, costs: dict[str, list[Cost]]) -> str:
    base = median_seconds(costs[BASE]) if BASE in costs else None
    rounds = max(len(runs) for runs in costs.values())
    head = f"{'tool':34}{'median s':>9}{'min - max s':>16}{case.unit:>9}{'× bare':>8}{'CPU s':>8}{'peak MB':>9}"
    rows = [row(case, name, runs, base) for name, runs in costs.items()]
    return "\n".join([f"{case.title}, rounds: {rounds}", head, *rows])


def row(case: Case, name: str, runs: list[Cost], base: float | None) -> str:
    """One tool: medians, but for the peak of memory, which is the highest of all rounds."""
    seconds = [cost.seconds for cost in runs]
    median = statistics.median(seconds)
    spread = f"{min(seconds):.3f} - {max(seconds):.3f}"
    rate = f"{case.amount / median:,.0f}" if case.amount else ""
    ratio = f"{base / median:.2f}" if base else ""
    cpu = statistics.median(cost.cpu_seconds for cost in runs)
    peak = max(cost.peak_mb for cost in runs)
    return f"{name:34}{median:>9.3f}{spread:>16}{rate:>9}{ratio:>8}{cpu:>8.2f}{peak:>9.0f}"


def median_seconds(runs: list[Cost]) -> float:
    return statistics.median(cost.seconds for cost in runs)
