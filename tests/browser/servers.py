"""Streamlit servers for browser tests."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A TCP port that the system has just found unused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as reply:
            return reply.status == 200
    except OSError:
        return False


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process; kill it after ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Servers:
    """Apps under `streamlit run`: one server for each script and set of options.

    A server keeps running until the session ends, so that torch is imported and the models are
    loaded once. The fixture `new_server` starts one for a single test.

    The working directory of the app is an empty folder, because the app must not depend on it.
    Other scripts run in the repository root, where their theme is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls: dict[tuple[str, ...], str] = {}
        self.ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __call__(self, script: str, *options: str) -> str:
        """The URL of a script; the first call starts its server."""
        command = (script, *options)
        if command not in self.urls:
            port = free_port()
            base = [option.rpartition("=")[2] for option in options if "baseUrlPath" in option]
            self.urls[command] = "/".join([f"http://127.0.0.1:{port}", *base])
            self.ports[self.urls[command]] = port
            self.start(self.urls[command])
        return self.urls[command]

    def start(self, url: str) -> None:
        """Start the server of a URL and wait until it answers."""
        script, *options = next(command for command, known in self.urls.items() if known == url)
        path, port = ROOT / script, self.ports[url]
        log = self.folder / f"{path.stem}-{port}.log"
        command = [sys.executable, "-m", "streamlit", "run", str(path), "--server.headless=true"]
        command += ["--server.address=127.0.0.1", f"--server.port={port}"]
        command += ["--server.fileWatcherType=none"]  # an edit elsewhere changes no running test
        command += options
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        environment["LATENT_MIRRORS"] = "http://127.0.0.1:1/"  # refuses: no test downloads data
        with log.open("ab") as sink:
            process = self.processes[url] = subprocess.Popen(
                command,
                cwd=self.folder if path.parent == ROOT else ROOT,
                env=environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 90
        while not _is_healthy(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{script} was not served:\n{log.read_text(errors='replace')}")
            time.sleep(0.1)

    def stop(self, url: str) -> None:
        """Stop the server of a URL; `start` starts it again on the same port."""
        if url in self.processes:
            stop_process(self.processes.pop(url))

    def close(self) -> None:
        """Stop all servers and print their logs, which pytest shows when a test has failed."""
        for process in self.processes.values():
            stop_process(process)
        for log in sorted(self.folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')}")
