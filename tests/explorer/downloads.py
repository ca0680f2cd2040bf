"""MNIST downloads that have ended: with digits, or without a connection."""

from explorer.mnist_download import MnistDownload
from vae.data import DataError
from vae.dataspec import Dataset
from vae.download import Progress


def ended(found: Dataset | None) -> MnistDownload:
    """A download that found these digits; None: it was refused."""

    def load(progress: Progress) -> Dataset:
        if found is None:
            raise DataError("refused")
        return found

    download = MnistDownload(load)
    download.wait(30)
    return download
