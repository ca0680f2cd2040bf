"""Readings of test sets that have ended: with samples, or without a connection."""

from explorer.originals import Loading
from vae.data import DataError
from vae.dataspec import Dataset
from vae.download import Progress


def ended(found: Dataset | None) -> Loading:
    """A reading that found these samples; None: it was refused."""

    def load(progress: Progress) -> Dataset:
        if found is None:
            raise DataError("refused")
        return found

    loading = Loading(load)
    loading.wait(30)
    return loading
