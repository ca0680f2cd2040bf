"""Download files from mirrors over HTTP; a file is renamed to its final name once its hash is
verified."""

import errno
import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import pooch
from tqdm import tqdm

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 20.0  # seconds; READ_TIMEOUT is between two pieces
CHUNK = 1 << 14  # bytes; small, so that a stop takes effect soon on a slow connection
STALE = 24 * 3600.0  # seconds after which a killed process's temporary file is removed

Progress = Callable[[int, int], None]  # (bytes done, bytes in all); raise in it to stop


class DataError(RuntimeError):
    """Data that could not be downloaded or read; the message is one sentence for the user."""


class DataFile(NamedTuple):
    name: str
    hash: str  # hexadecimal: sha256, or md5 where only that is published
    size: int  # bytes

    @property
    def algorithm(self) -> str:
        """The name of the hash in hashlib, by its length."""
        return "md5" if len(self.hash) == 32 else "sha256"


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced by the home folder. Raises DataError where that is unknown."""
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError as error:  # no HOME, and no entry for the user in passwd
        raise DataError(
            f"{path} cannot be found, because the home folder is unknown: give the full path, or "
            "set HOME"
        ) from error


def cache_folder() -> Path:
    """The folder of this app in the user's cache folder. Raises DataError where the home folder is
    unknown."""
    try:
        folder = pooch.os_cache("latent-explorer")
    except RuntimeError as error:
        raise DataError(
            "the cache folder cannot be found, because the home folder is unknown: set LATENT_DATA "
            "to a folder with MNIST's files, or set HOME"
        ) from error
    return expanded(folder)


def is_good(path: Path, file: DataFile) -> bool:
    """Whether `path` has the size and the hash of `file`; the hash is cached until the file
    changes."""
    try:
        stat = path.stat()
        if stat.st_size != file.size:
            return False
        return _hash(str(path), file.algorithm, stat.st_size, stat.st_mtime_ns) == file.hash
    except OSError:
        return False


def download(
    files: Sequence[DataFile],
    folder: Path,
    mirrors: Sequence[str],
    progress: Progress | None = None,
) -> list[Path]:
    """Download the files that `folder` lacks; when a mirror fails, the next one is tried.

    Several processes may download at once: each writes a temporary file of its own and renames it.

    Args:
        mirrors: addresses to which a file's name is appended.
        progress: called with (bytes done, total bytes); an exception raised in it stops the
            download and is raised here. Without it a terminal shows a progress bar.

    Returns: the paths, in the order of `files`.

    Raises:
        DataError: no mirror has the file, the disk is full, or the folder cannot be written.
        ValueError: no mirrors.
    """
    if not mirrors:
        raise ValueError("mirrors is empty: give at least one address")
    missing = [file for file in files if not is_good(folder / file.name, file)]
    if missing:
        _remove_stale(folder)
        total = sum(file.size for file in missing)
        # disable=None: a bar on a terminal only
        hide = None if progress is None else True
        with tqdm(total=total, unit="B", unit_scale=True, desc="download", disable=hide) as bar:

            def report(done: int) -> None:
                bar.update(done - bar.n)
                if progress is not None:
                    progress(done, total)

            order, before = list(mirrors), 0
            for file in missing:
                # the mirror that worked comes first for the next file
                order.insert(0, order.pop(order.index(_fetch(file, folder, order, report, before))))
                before += file.size
    return [folder / file.name for file in files]


class _Meter:
    """Counts and reports the bytes of one file, with the methods that pooch expects of a progress
    bar."""

    def __init__(self, size: int, before: int, report: Callable[[int], None]) -> None:
        self.size, self.before, self.report = size, before, report
        self.total = 0  # pooch writes the server's Content-Length here
        self.done = 0
        self.stopped: BaseException | None = None  # what the caller's callback raised
        self.responses: list[Any] = []  # redirections included

    def update(self, amount: int) -> None:
        self.done += amount
        if self.done > self.size + CHUNK:  # pooch counts the last piece as a full one
            raise _TooLongError
        try:
            self.report(self.before + min(self.done, self.size))
        except BaseException as error:
            self.stopped = error
            raise

    def keep(self, response: Any, **_: Any) -> None:
        self.responses.append(response)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


class _TooLongError(Exception):
    """The mirror sends more bytes than the file has."""


def _fetch(
    file: DataFile, folder: Path, mirrors: list[str], report: Callable[[int], None], before: int
) -> str:
    """Download one file and return the mirror that it came from."""
    pooch.get_logger().setLevel("WARNING")  # the progress bar shows the rest
    failures: list[str] = []
    for mirror in mirrors:
        meter = _Meter(file.size, before, report)
        downloader: Any = pooch.HTTPDownloader(
            progressbar=cast("Any", meter),  # declared bool, documented as any bar-like object
            chunk_size=CHUNK,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            # the file is gzip itself; a server that compressed it again would change its hash
            headers={"Accept-Encoding": "identity"},
            hooks={"response": meter.keep},
        )
        try:
            pooch.retrieve(
                mirror.rstrip("/") + "/" + file.name,
                known_hash=f"{file.algorithm}:{file.hash}",
                fname=file.name,
                path=folder,
                downloader=downloader,
            )
        except Exception as error:
            if meter.stopped is error:
                raise
            host = urlsplit(mirror).netloc or repr(mirror)
            failures.append(f"{host} {_reason(error, file, folder)}")
        else:
            return mirror
        finally:
            for response in meter.responses:
                response.close()  # pooch leaves the connection open after an error
    raise DataError(
        f"{file.name} could not be downloaded ({'; '.join(failures)}): try again with a "
        f"connection to the internet, or put the file into {folder}"
    )


def _reason(error: Exception, file: DataFile, folder: Path) -> str:
    """Why a mirror failed; raises DataError where the fault is not the mirror's."""
    from requests import exceptions as http

    if isinstance(error, http.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, http.Timeout):
        return "did not answer in time"
    if isinstance(error, http.ChunkedEncodingError | http.ContentDecodingError):
        return "broke off in the middle"
    if isinstance(error, http.InvalidURL | http.InvalidSchema | http.MissingSchema):
        return "is no http address"
    if isinstance(error, http.RequestException):
        return "refused the connection" if "refused" in str(error) else "could not be reached"
    if isinstance(error, _TooLongError):
        return f"sent more than the {file.size:,} bytes of the file"
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DataError(
                f"There is no disk space for {file.name} ({file.size:,} bytes) in {folder}: "
                "free some and try again"
            ) from error
        raise DataError(
            f"The folder {folder} cannot be written ({error.strerror or error}): "
            "make it writable and try again"
        ) from error
    if isinstance(error, ValueError):  # how pooch reports a wrong hash
        return f"sent a file with the wrong {file.algorithm}"
    raise error


@functools.lru_cache(maxsize=64)
def _hash(path: str, algorithm: str, size: int, mtime_ns: int) -> str:
    """Hash a file. A file that has changed has another size or time, so another cache entry."""
    del size, mtime_ns
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _remove_stale(folder: Path) -> None:
    """Remove temporary files of pooch that killed processes have left behind."""
    for path in folder.glob("tmp*"):
        try:
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()
        except OSError:
            continue  # another process has removed it, or it is not ours
