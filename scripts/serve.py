"""Serve the app: PORT (8501), HEADLESS=1 keeps the browser from opening."""

import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "for example: make run PORT=8502"


def free_port(text: str) -> int:
    """The port that the text names.

    Raises:
        ValueError: it is no port, or a program on this machine listens there.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(f"PORT={text} is no port: choose one from 1024 to 65535, {EXAMPLE}")
    port = int(text)
    try:
        # The server binds every interface, so this does too; with reuse, since a connection of an
        # earlier server that is still closing does not keep the port.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except PermissionError:
        raise ValueError(f"Port {port} is reserved: choose one from 1024 up, {EXAMPLE}") from None
    except OSError:
        raise ValueError(
            f"Port {port} is in use, perhaps by another Latent Explorer: "
            f"stop that program or choose another port, {EXAMPLE}"
        ) from None
    return port


def main() -> None:
    try:
        port = free_port(os.environ.get("PORT") or "8501")
    except ValueError as error:
        sys.exit(str(error))
    headless = os.environ.get("HEADLESS", "") not in ("", "0", "false") or bool(
        os.environ.get("CI")
    )
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        f"--server.port={port}",
    ]
    # Otherwise Streamlit itself finds out whether there is a screen to open a browser on.
    command += ["--server.headless=true"] if headless else []
    os.chdir(ROOT)
    os.execv(sys.executable, command)  # one process: Ctrl-C and kill reach the server itself


if __name__ == "__main__":
    main()
