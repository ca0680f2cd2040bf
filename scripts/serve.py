"""Serve the app on PORT (8501); with HEADLESS=1 no browser is opened."""

import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "for example: make run PORT=8502"


def free_port(text: str) -> int:
    """Parse a port and check that it is free.

    Raises:
        ValueError: it is no port, or another program listens on it.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(f"PORT={text} is no port: choose one from 1024 to 65535, {EXAMPLE}")
    port = int(text)
    try:
        # Bound as the server does: on every interface, and with SO_REUSEADDR, since connections of
        # an earlier server that are still closing do not block the port.
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
    # Without the option Streamlit decides whether a browser can be opened.
    command += ["--server.headless=true"] if headless else []
    os.chdir(ROOT)
    os.execv(sys.executable, command)  # no child process: Ctrl-C and kill reach the server


if __name__ == "__main__":
    main()
