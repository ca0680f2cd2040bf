"""The configuration of the tests: budgets, the two workers, run-time checks of shapes."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest

from tests.budgets import BUDGETS, DEFAULT, SECONDS, WORKERS, BudgetReport, budget_of
from vae import losses

TESTS = Path(__file__).resolve().parent


def test_budgets_fill_no_more_than_the_time_of_the_run() -> None:
    files = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    assert set(BUDGETS) <= files, "a budget of a file that is gone"
    assert sum(map(budget_of, files)) <= WORKERS * SECONDS


def test_shapes_are_checked_in_tests() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        losses.standard_normal_log_density("no tensor")  # pyright: ignore[reportArgumentType]


def test_the_report_adds_up_phases_and_flags_files_over_budget() -> None:
    report = BudgetReport()
    for test, seconds in (
        ("one.py::a", DEFAULT),
        ("one.py::a", 3),
        ("one.py::b", 0.2),
        ("two.py::c", 0.5),
    ):
        report.add(f"tests/{test}", seconds)
    assert report.file_lines() == [f"{DEFAULT + 3.2:7.1f} of {DEFAULT:4.0f}  one.py  OVER BUDGET"]
    assert report.test_lines() == [
        f"{DEFAULT + 3:7.1f}  tests/one.py::a",
        "    0.5  tests/two.py::c",
        "    0.2  tests/one.py::b",
    ]
    report.add("tests/three.py::d", DEFAULT - 1)
    assert report.file_lines()[1] == f"{DEFAULT - 1:7.1f} of {DEFAULT:4.0f}  three.py"


def test_the_tests_of_a_file_run_in_one_worker_and_both_workers_have_work() -> None:
    files = ["explorer/test_link.py", "explorer/test_images.py", "test_limits.py"]
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider"]
    command += [f"tests/{file}" for file in files]
    done = subprocess.run(
        command, cwd=TESTS.parent, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout
    seen = set(re.findall(r"^\[(gw\d)\].* PASSED tests/([\w/]+\.py)::", done.stdout, re.MULTILINE))
    assert sorted(file for _, file in seen) == sorted(files)
    assert {worker for worker, _ in seen} == {"gw0", "gw1"}


def test_a_shared_folder_is_made_once_and_each_worker_writes_to_a_copy(
    make_once: Callable[[str, Callable[[Path], None]], Path],
) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("first")

    one, other = (make_once("test-suite", make) for _ in range(2))
    assert len(made) == 1
    (one / "file").write_text("second")
    assert (other / "file").read_text() == "first"
