"""The order of the test files and their distribution to the workers of pytest-xdist."""

from collections import OrderedDict
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.budgets import budget_of, file_of


def order(item: pytest.Item) -> tuple[bool, float]:
    """Sort key of a test: files without a browser first, the costly ones at the two ends."""
    file = file_of(item.nodeid)
    browser = file.startswith("browser/")
    return browser, budget_of(file) if browser else -budget_of(file)


class FileScheduling(LoadFileScheduling):
    """A file's tests stay in one worker; every second worker takes files from the end of the queue.

    Tests of a browser wait much and use several processes, tests of models compute in one: side by
    side they fill two cores better than two of one kind. The costly files come first, so that the
    workers end at about the same time.
    """

    workqueue: OrderedDict[str, dict[str, bool]]

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


class XdistHooks:
    """Registered where pytest-xdist is active."""

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> FileScheduling:
        """Schedule whole files for any --dist, so that fixtures of a module are made once."""
        return FileScheduling(config, log)
