"""Make .venv and install the requirements named on the command line into it, each once.

    python3 scripts/environment.py requirements.txt requirements-dev.txt

This runs on the system's Python before anything is installed: standard library only, and syntax
that Python 3.6 can parse, so that an old Python prints a sentence instead of a SyntaxError.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Exists while an installation runs. At the start it means that the last one was interrupted.
UNFINISHED = VENV / ".unfinished"
OLDEST = (3, 11)
# make exports the variables of its command line, so this is set only if a Python was chosen.
CHOSEN = os.environ.get("PYTHON")


class Failure(Exception):
    """A failed step; the message has its reason and the remedy, in a sentence or two."""


def version(python) -> "tuple[int, int]":
    """The (major, minor) of an interpreter; (0, 0) where it does not run."""
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        output = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        major, minor = output.split()
        return int(major), int(minor)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0, 0


def suitable_python():
    """This Python if it is new enough, else a newer one on the path; raises Failure without."""
    own = sys.version_info[:2]
    if own >= OLDEST:
        # In an activated .venv sys.executable is about to be replaced: take the Python behind it.
        inside = VENV in Path(sys.executable).parents
        return os.path.realpath(sys.executable) if inside else sys.executable
    for name in () if CHOSEN else ("python3.13", "python3.12", "python3.11"):
        if version(name) >= OLDEST:
            return name
    raise Failure(
        "Python 3.11 or newer is needed, and {} is Python {}.{}. Install a newer one, or name one "
        "that you have: make run PYTHON=/path/to/python3.12".format(CHOSEN or "python3", *own)
    )


def make_venv():
    """Make .venv again; raises Failure where this Python cannot."""
    python = suitable_python()
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(str(VENV))
    VENV.mkdir()
    UNFINISHED.touch()
    print("Making .venv with Python {}.{}".format(*version(python)), flush=True)
    messages = []
    # Debian packages venv apart from python3; virtualenv does as well.
    for module in ("venv", "virtualenv"):
        command = [python, "-m", module, str(VENV)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0 and has_pip():
            return
        messages.append(done.stdout.decode(errors="replace").strip())
    raise Failure(
        messages[0]
        + "\n\nThis Python ({}) cannot make a virtual environment; its message is above. On "
        "Debian and Ubuntu the missing part is a package: as root, apt install python3-venv. "
        "Then run the same command again.".format(python)
    )


def has_pip():
    """Whether .venv has a pip that starts."""
    command = [str(PYTHON), "-m", "pip", "--version"]
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def reason_to_remake():
    """The reason why the existing .venv cannot be used, None if it can."""
    found = version(PYTHON)
    if found == (0, 0):
        return "its Python does not run"
    if UNFINISHED.exists():
        return "its last installation did not finish"
    if found < OLDEST:
        return "its Python is {}.{}".format(*found)
    if CHOSEN and found != version(sys.executable):
        return "PYTHON={} asks for another version".format(CHOSEN)
    return None


def stamp(requirements):
    """The file in .venv that keeps the digest of the requirements that were installed."""
    return VENV / ".installed-{}".format(requirements.stem)


def digest(requirements):
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def is_installed(requirements):
    """Whether .venv holds these requirements, by their content and not by their date."""
    return stamp(requirements).exists() and stamp(requirements).read_text() == digest(requirements)


def install(requirements):
    """Install one requirements file with pip; raises Failure where pip fails."""
    UNFINISHED.touch()
    print("Installing {} (the first time takes some minutes)".format(requirements.name), flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--requirement", str(requirements)]
    if os.environ.get("CI"):
        command += ["--quiet", "--progress-bar", "off"]
    # PIP_USER in the user's environment would install outside of .venv.
    if subprocess.run(command, env=dict(os.environ, PIP_USER="0")).returncode != 0:
        raise Failure(
            "pip could not install {}; its message is above. A connection error means that the "
            "package index cannot be reached, one about space that the disk is full. "
            "Then run the same command again.".format(requirements.name)
        )
    stamp(requirements).write_text(digest(requirements))
    UNFINISHED.unlink()


def prepare(names):
    """Install these requirements files into .venv, unless they are installed."""
    with (ROOT / "requirements.txt").open() as lock:
        # Two processes must not install at the same time: the second waits for the first.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not VENV.is_dir():
            make_venv()
        else:
            reason = reason_to_remake()
            if reason:
                print("Making .venv again: {}".format(reason), flush=True)
                make_venv()
        missing = [ROOT / name for name in names if not is_installed(ROOT / name)]
        if missing and not has_pip():
            make_venv()
        for requirements in missing:
            install(requirements)


def main():
    try:
        prepare(sys.argv[1:])
    except Failure as failure:
        sys.exit("\n{}".format(failure))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the next run starts the installation again.")


if __name__ == "__main__":
    main()
