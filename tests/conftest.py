"""What tests of several packages share. No test asks any network but this machine's own."""

import pytest

from vae import data


@pytest.fixture(scope="session")
def mnist_test() -> data.Digits:
    """The 10,000 test digits of MNIST, where they are on the disk already."""
    if not data.available("mnist", "test"):
        pytest.skip(
            f"MNIST's test files are not in {data.mnist_folder()} (LATENT_DATA names another)"
        )
    return data.load("mnist", "test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m mnist` picks the tests that need the files, `-m "not mnist"` the others.

    Browser tests come last: Playwright keeps an event loop running, which asyncio.run cannot bear.
    """
    items.sort(key=lambda item: "browser" in item.path.parts)
    for item in items:
        if "mnist_test" in getattr(item, "fixturenames", ()):
            item.add_marker("mnist")
