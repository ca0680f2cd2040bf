"""MNIST downloads that have ended: with digits, or without a connection."""

from explorer.mnist_download import MnistDownload
from vae.data import DataError, Digits
from vae.download import Progress


def ended(found: Digits | None) -> MnistDownload:
    """A download that found these digits; None: it was refused."""

    def load(progress: Progress) -> Digits:
        if found is None:
            raise DataError("refused")
        return found

    download = MnistDownload(load)
    download.wait(30)
    return download
