"""Seconds that each test file may take, and the report of them at the end of a run.

A file over its budget is flagged and fails nothing: no test depends on speed. The budgets are wall
time on two slow cores with two workers, so together they are at most 2 x 720 s: `make test` in
twelve minutes. A larger budget is taken from another file, or from what is left.
"""

from collections import defaultdict

import pytest

WORKERS, SECONDS = 2, 720
DEFAULT = 5  # of a file that is not named below
BUDGETS = {
    "benchmarks/test_yardsticks.py": 12,
    "browser/test_adversarial.py": 30,
    "browser/test_components.py": 65,
    "browser/test_emoji.py": 25,
    "browser/test_explore.py": 100,
    "browser/test_film.py": 40,
    "browser/test_fixtures.py": 20,
    "browser/test_generate.py": 70,
    "browser/test_inversion.py": 40,
    "browser/test_live.py": 60,
    "browser/test_map.py": 60,
    "browser/test_map_colours.py": 30,
    "browser/test_map_page.py": 40,
    "browser/test_reconstruct.py": 60,
    "browser/test_samples.py": 40,
    "browser/test_sliders.py": 25,
    "explorer/test_adversarial.py": 12,
    "explorer/test_any_samples.py": 25,
    "explorer/test_generate.py": 10,
    "explorer/test_inversions.py": 14,
    "explorer/test_pages.py": 30,
    "explorer/test_reconstruct.py": 10,
    "test_suite.py": 18,
    "vae/data/test_arrays.py": 8,
    "vae/data/test_folder.py": 8,
    "vae/data/test_idx.py": 4,
    "vae/data/test_load.py": 5,
    "vae/data/test_named.py": 8,
    "vae/data/test_table.py": 5,
    "vae/test_batches.py": 3,
    "vae/test_codes_file.py": 3,
    "vae/test_inspect_data.py": 4,
    "vae/test_resize.py": 3,
    "vae/runtime/test_onnx.py": 12,
    "vae/test_adversarial.py": 15,
    "vae/test_augment.py": 3,
    "vae/test_checkpoint.py": 20,
    "vae/test_cli.py": 55,
    "vae/metrics/test_generation.py": 20,
    "vae/metrics/test_distribution.py": 9,
    "vae/test_conv_nets.py": 4,
    "vae/test_image_file.py": 15,
    "vae/test_importing.py": 30,
    "vae/metrics/test_metrics.py": 30,
    "vae/test_inversion.py": 8,
    "vae/test_models.py": 20,
    "vae/test_prepare.py": 15,
    "vae/metrics/test_reconstruction.py": 4,
    "vae/test_service.py": 20,
    "vae/test_shipped.py": 6,
    "vae/test_training.py": 40,
}
SLOWEST = 10


def file_of(nodeid: str) -> str:
    """The test file of a node id, relative to `tests`."""
    return nodeid.partition("::")[0].removeprefix("tests/")


def budget_of(file: str) -> float:
    """Seconds that a test file may take."""
    return BUDGETS.get(file, DEFAULT)


class BudgetReport:
    """A pytest plugin that adds up the seconds of setup, call and teardown, by file and by test.

    Under pytest-xdist it belongs to the controller, which receives the reports of all workers.
    """

    def __init__(self) -> None:
        self.files: dict[str, float] = defaultdict(float)
        self.tests: dict[str, float] = defaultdict(float)

    def add(self, nodeid: str, seconds: float) -> None:
        """Count one phase of a test."""
        self.files[file_of(nodeid)] += seconds
        self.tests[nodeid] += seconds

    def file_lines(self) -> list[str]:
        """Files that took a second or more, the longest first."""
        return [
            f"{seconds:7.1f} of {budget_of(file):4.0f}  {file}"
            + "  OVER BUDGET" * (seconds > budget_of(file))
            for file, seconds in _longest(self.files)
            if seconds >= 1
        ]

    def test_lines(self) -> list[str]:
        """The slowest tests, the longest first."""
        return [f"{seconds:7.1f}  {test}" for test, seconds in _longest(self.tests)[:SLOWEST]]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.add(report.nodeid, report.duration)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = sum(self.files.values())
        if total < 1:
            return
        for title, lines in (
            (f"seconds a file, of its budget ({total:.0f} in all)", self.file_lines()),
            (f"the {SLOWEST} slowest tests, in seconds", self.test_lines()),
        ):
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.line(line, yellow=line.endswith("OVER BUDGET"))


def _longest(seconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])
