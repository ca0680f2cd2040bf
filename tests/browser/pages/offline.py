"""The app on a machine without MNIST and without network: mirrors refuse, the cache is empty."""

import os
import tempfile

REFUSING = "http://127.0.0.1:9/"  # the discard port, on which nothing listens

if os.environ.get("LATENT_MIRRORS") != REFUSING:
    empty = tempfile.mkdtemp(prefix="latent-explorer-")
    os.environ.pop("LATENT_DATA", None)
    os.environ.update(LATENT_MIRRORS=REFUSING, HOME=empty, XDG_CACHE_HOME=empty)

from explorer.main import main  # noqa: E402  only now, for what it imports reads the environment

main()
