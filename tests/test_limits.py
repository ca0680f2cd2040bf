"""Limits of the repository: sizes, what is committed, requirements."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("vae", "explorer") for path in (ROOT / package).rglob("*.py"))
MEGABYTE = 1_000_000


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def too_long(paths: list[Path], most: int) -> dict[str, int]:
    return {str(path.relative_to(ROOT)): lines(path) for path in paths if lines(path) > most}


def pins(path: Path) -> dict[str, str]:
    """The exact versions of a requirements file, without local parts such as +cpu."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def tracked_files() -> list[str]:
    """The paths that git would commit: tracked ones, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, or no git here")
    return [name for name in done.stdout.split("\0") if name]


def test_the_packages_are_found() -> None:
    assert SOURCES, "an empty list would satisfy every limit below"


def test_a_model_file_has_200_lines_at_most() -> None:
    assert too_long(sorted((ROOT / "vae" / "models").glob("*.py")), 200) == {}


def test_the_entry_script_only_routes() -> None:
    assert too_long([ROOT / "streamlit_app.py"], 30) == {}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle(path: Path) -> None:
    """A pickle runs code when it is read; weights are safetensors and JSON."""
    source = path.read_text(encoding="utf-8")
    imports = r"^\s*(?:import|from)\s+(?:pickle|dill|joblib|shelve)\b"
    calls = r"\btorch\.(?:load|save)\(|\ballow_pickle\s*=\s*True"
    assert re.findall(f"{imports}|{calls}", source, re.MULTILINE) == []


def test_no_data_set_and_no_pickle_is_committed() -> None:
    forbidden = re.compile(
        r"ubyte|\.(?:pkl|pickle|pt|pth|ckpt|joblib)$|(?:^|/)mnist[^/]*\.(?:npz|gz|csv|npy)$", re.I
    )
    assert [name for name in tracked_files() if forbidden.search(name)] == []


def test_assets_stay_small() -> None:
    sizes = [(ROOT / name).stat().st_size for name in tracked_files() if name.startswith("assets/")]
    assert sum(sizes) < 120 * MEGABYTE


def test_pytest_finds_every_test_file() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    paths = [ROOT / path for path in settings["tool"]["pytest"]["ini_options"]["testpaths"]]
    files = (ROOT / "tests").rglob("test_*.py")
    missed = [file for file in files if not any(file.is_relative_to(path) for path in paths)]
    assert missed == []


def test_requirements_are_exact() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        stated = [line for line in (ROOT / name).read_text().splitlines() if line[:1].isalpha()]
        assert len(stated) == len(pins(ROOT / name)), f"{name}: every line is name==version"


def test_the_cloud_has_the_same_requirements() -> None:
    cloud = ROOT / "deploy" / "streamlit_cloud" / "requirements.txt"
    assert pins(cloud) == pins(ROOT / "requirements.txt")


def test_every_entry_script_serves_the_same_routes() -> None:
    program = (
        "import runpy, sys;"
        "app = runpy.run_path(sys.argv[1], run_name='server')['app'];"
        "print(*sorted({route.path for route in app._user_routes}), sep='\\n')"
    )
    served = []
    for script in ("streamlit_app.py", "deploy/streamlit_cloud/streamlit_app.py"):
        command = [sys.executable, "-c", program, script]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        served.append(done.stdout.split())
    assert served[0] == served[1]
    assert any(path.endswith("/live") for path in served[0])
