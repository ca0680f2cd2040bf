"""Fixtures of several packages. The tests use no network except the local machine's."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests import scheduling
from tests.budgets import BudgetReport
from vae import data
from vae.data.mnist import MNIST_SET

# One thread per process, set before torch is imported: each core has a worker, and sums have the
# same order on every machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MakeOnce = Callable[[str, Callable[[Path], None]], Path]


def pytest_configure(config: pytest.Config) -> None:
    """Report the budgets where the results arrive; schedule files where pytest-xdist is active."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(BudgetReport())
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(scheduling.XdistHooks())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m mnist` picks the tests that need the files, `-m "not mnist"` the others."""
    items.sort(key=scheduling.order)
    for item in items:
        if "mnist_test" in getattr(item, "fixturenames", ()):
            item.add_marker("mnist")


@pytest.fixture(scope="session")
def mnist_test() -> data.Dataset:
    """The 10,000 test digits of MNIST, where they are on the disk already."""
    if not data.available("mnist", "test"):
        pytest.skip(f"MNIST's test files are not in {MNIST_SET.folder} (LATENT_DATA names another)")
    return data.load("mnist", "test")


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MakeOnce:
    """make_once(name, make) -> a folder that `make` has filled, in one worker for all.

    Each worker gets a copy, because tests may write to it.
    """

    def made(name: str, make: Callable[[Path], None]) -> Path:
        base = tmp_path_factory.getbasetemp()
        common = (base if worker_id == "master" else base.parent) / f"common-{name}"
        with FileLock(f"{common}.lock"):
            if not common.exists():
                unfinished = common.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(common)
        own = tmp_path_factory.mktemp(name) / name
        return Path(shutil.copytree(common, own))

    return made
