"""Print the path of a Chromium for the browser tests: $CHROMIUM, an installed or a new one."""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ADVICE = (
    "\nThe browser tests need Chromium, and none could be installed here. Install Chromium or "
    "Google Chrome (Debian: apt install chromium; macOS: brew install --cask google-chrome), or "
    "name one: make test CHROMIUM=/path/to/chrome. `make unit` runs the tests that need no browser."
)


def starts(path: str) -> bool:
    """Whether the browser prints its version: Ubuntu's chromium-browser may be a stub for snap."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def installed() -> str | None:
    """The path of an installed browser, Playwright's own included."""
    for name in INSTALLED:
        path = shutil.which(name)
        if path and starts(path):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if starts(path) else None


def install() -> None:
    """Install a browser with apt or Playwright; their output goes to stderr."""
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    commands = [playwright]
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        # Ubuntu's chromium package needs snap, which containers lack; then Playwright's is tried.
        commands = [
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "chromium"],
            [*playwright, "--with-deps"],
        ]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        print(f"No Chromium yet: {' '.join(command)}", file=sys.stderr, flush=True)
        try:
            subprocess.run(
                command,
                stdout=sys.stderr,
                stdin=subprocess.DEVNULL,
                env=environment,
                timeout=900,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
        if command[-1] != "update" and installed():
            return


def main() -> None:
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        path = shutil.which(chosen)
        if not path or not starts(path):
            sys.exit(f"CHROMIUM={chosen} is no browser that starts: name another, or unset it.")
        print(path)
        return
    path = installed()
    if not path:
        install()
        path = installed()
    if not path:
        sys.exit(ADVICE)
    print(path)


if __name__ == "__main__":
    main()
