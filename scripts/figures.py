"""Make the README's figures table from the checkpoints' metrics.json: python scripts/figures.py.

The published figures beside ours are those of Davidson et al. 2018 (arXiv 1804.00891, table 1).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "assets" / "checkpoints"
START, END = "<!-- figures: made by scripts/figures.py -->", "<!-- end of figures -->"
PUBLISHED = {"vae-2d": 135.73, "vae-5d": 110.21, "vae-10d": 93.84, "vae-20d": 88.90}
COLUMNS = {
    "model": "",
    "-log p(x)": "log_likelihood_importance_500",
    "published": "",
    "-log p(x), grid": "log_likelihood_grid",
    "-ELBO": "elbo",
    "of it KL": "elbo_kl",
    "grey -ELBO": "grey_elbo",
    "grey x-entropy": "grey_cross_entropy",
    "units in use": "active_units",
    "kNN 100 / 600 / 1,000": "",
}


def row(name: str) -> list[str]:
    """The cells of one checkpoint; a figure that the model has not is left empty."""
    figures = json.loads((CHECKPOINTS / name / "metrics.json").read_text())

    def cell(column: str) -> str:
        value = figures.get(COLUMNS[column])
        if value is None:
            return ""
        return str(value) if isinstance(value, int) else f"{abs(value):.2f}"

    cells = {column: cell(column) for column in COLUMNS}
    knn = [f"{100 * figures[f'knn_accuracy_{count}']:.1f} %" for count in (100, 600, 1000)]
    cells |= {"model": f"`{name}`", "kNN 100 / 600 / 1,000": " / ".join(knn)}
    cells["published"] = f"{PUBLISHED[name]:.2f}" if name in PUBLISHED else ""
    return list(cells.values())


def table() -> str:
    """The whole table as Markdown."""
    names = sorted(
        (path.parent.name for path in CHECKPOINTS.glob("*/metrics.json")),
        key=lambda name: (not name.startswith("vae"), len(name), name),
    )
    head = [list(COLUMNS), ["---"] + ["--:"] * (len(COLUMNS) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*head, *(row(n) for n in names)])


def renewed(text: str) -> str:
    """The README with today's table. Raises ValueError where its place is not marked."""
    if START not in text or END not in text:
        raise ValueError(f"README.md has no lines {START!r} and {END!r} to put the table between")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{START}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(renewed(readme.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(table() + "\n")
