"""Make the README's tables from the checkpoints' metrics.json and from benchmarks/results.json:
python scripts/figures.py.

The published figures are those of Davidson et al. 2018 (arXiv 1804.00891, table 1), and for
conditional models those of Sohn et al. 2015 and of hwalsuklee's conditional VAE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from vae.figures import FLOOR, IN_FEATURES, MIXTURE, parse  # noqa: E402

CHECKPOINTS = ROOT / "assets" / "checkpoints"
RESULTS = ROOT / "benchmarks" / "results.json"
PUBLISHED = {"vae-2d": 135.73, "vae-5d": 110.21, "vae-10d": 93.84, "vae-20d": 88.90}
LIKELIHOODS = {
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
ON_REQUEST = {
    "model": "",
    "agreement": "agreement",
    "diversity": "diversity",
    "trained on generated": "learned_from_drawn",
    "style: slant": "style_slant",
    "style: thickness": "style_thickness",
    "-log p(x given y), 50": "log_likelihood_given_y_importance_50",
    "500": "log_likelihood_given_y_importance_500",
    "own classifier": "accuracy",
}
SAMPLES = {
    "model": "",
    "FD": "frechet",
    "precision": "precision",
    "recall": "recall",
    "diversity": "diversity",
    "sure": "sure",
    "sharpness": "sharpness",
    "1-NN error": "nearest_neighbour_error",
}
CODES = {
    "model": "",
    "code is digit": "accuracy",
    "slant: Spearman": "slant_spearman",
    "span": "slant_span",
    "digit kept": "slant_class_kept",
    "thickness: Spearman": "thickness_spearman",
    "span ": "thickness_span",  # a table's columns have different names
    "digit kept ": "thickness_class_kept",
}
COLOUR = {
    "model": "",
    "held-out images": "test_images",
    "PSNR, dB": "psnr",
    "PSNR of PCA": "psnr_pca",
    "KL": "elbo_kl",
    "units in use": "active_units",
    "parameters": "parameters",
}
SHARES = {
    *("agreement", "learned_from_drawn", "accuracy", "sure", "nearest_neighbour_error"),
    *("slant_class_kept", "thickness_class_kept"),
}


class Speed(NamedTuple):
    """A row of the table of speeds, by paths into the results."""

    label: str
    app: str  # path of the app's figure
    reference: str  # path of the figure it is compared with, or a number
    unit: str
    ratio: str  # key among the ratios
    target: str
    benchmark: str  # python benchmarks/run.py <benchmark>


def _drag(kind: str, label: str) -> list[Speed]:
    app, echo = f"{kind}_drag/app", f"{kind}_drag/echo"
    rate, p95 = f"{kind}_drag_rate", f"{kind}_drag_p95"
    ms = (f"{app}/p95", f"{echo}/p95", "ms", p95, "≤ 1.15", "drag")
    return [
        Speed(f"{label} dragged", f"{app}/rate", f"{echo}/rate", "/s", rate, "≥ 0.98", "drag"),
        Speed("pointer event to painted image", *ms),
    ]


def _load(model: str, visitors: int, rate: int, wanted: str = "") -> Speed:
    """The latency of many visitors, or with a share `wanted` how much of it is served."""
    path = f"load_scenarios/{model}_{visitors}x{rate}"
    label = f"{visitors} visitors ask {model} for {rate} pictures a second each: "
    ratio = f"load_{model}_{visitors}x{rate}"
    if wanted.startswith("0."):
        served = (f"{path}/served", wanted, "", f"{ratio}_served", "≥ 1")
        return Speed(f"{label}share served", *served, "load")
    ms = (f"{path}/p95", wanted, "ms", f"{ratio}_p95" if wanted else "", "< 1" if wanted else "")
    return Speed(f"{label}latency", *ms, "load")


START = "start/first_content_ms"
ENCODE = "encode_vae-2d_{}_images_per_s"
TRAIN = "train_{}_images_per_s"
SOON = "cpu_seconds_to_"
SPEEDS = [
    *_drag("slider", "a slider"),
    *_drag("map", "the code on the map"),
    *_drag("cvae_slider", "a slider of `cvae`"),
    *_drag("emoji_slider", "a slider of `emoji-vae`, in colour"),
    Speed(
        "dragging with 120 ms to the server",
        "remote_slowest",
        "20",
        "/s",
        "remote_rate",
        "≥ 1",
        "remote",
    ),
    Speed("thumbnails under the pointer", "hover/p95", "33.3", "ms", "hover_p95", "< 1", "press"),
    Speed(
        "click on a point", "click/app/p95", "click/echo/p95", "ms", "click_p95", "≤ 1.3", "press"
    ),
    Speed(
        "first image, server just started",
        *(f"{START}/app", f"{START}/torch_page", "ms", "first_content", "≤ 1.2", "start"),
    ),
    Speed(
        "first paint, before torch is imported", "start/first_paint_ms", "", "ms", "", "", "start"
    ),
    _load("vae-2d", 32, 10, "60"),
    _load("vae-20d", 32, 10, "60"),
    _load("cvae", 32, 10, "90"),
    _load("cvae", 8, 60, "0.9"),
    _load("cvae", 64, 10),
    Speed(
        "lost connections of these 64",
        *("load_scenarios/cvae_64x10/disconnected", "", "", "", "0", "load"),
    ),
    Speed(
        "memory after two minutes of 32 visitors, and after one",
        *("load/memory_mb_at_end", "load/memory_mb_after_1_minute", "MB", "", "", "load"),
    ),
    Speed("longest garbage collection", "gc_ms_longest", "", "ms", "", "", "collector"),
    Speed(
        "images encoded",
        *(ENCODE.format("ours"), ENCODE.format("loader"), "/s", "encode_rate", "≥ 3", "encoding"),
    ),
    Speed(
        "images trained on, 784-400-20",
        *(TRAIN.format("ours_400"), TRAIN.format("examples"), "/s", "train_rate_examples"),
        *("≥ 2", "training"),
    ),
    Speed(
        "images trained on, 784-512-20",
        *(TRAIN.format("ours_512"), TRAIN.format("pythae"), "/s", "train_rate_pythae"),
        *("≥ 2", "training"),
    ),
    Speed("training of 2-d to a test loss of 145.99", f"{SOON}145.99_2d", "", "s", "", "", "gpu"),
    Speed("training of 20-d to a test loss of 105.56", f"{SOON}105.56_20d", "", "s", "", "", "gpu"),
    Speed("one code decoded", "cpu_decode_ms", "", "ms", "", "", "gpu"),
]


def names(conditional: bool, data: str = "mnist") -> list[str]:
    """The evaluated models of these data that decode, conditional ones or the others."""
    found = []
    for path in CHECKPOINTS.glob("*/metrics.json"):
        config = json.loads(path.with_name("config.json").read_text())
        abilities, of_data = config["abilities"], config["data"] == data
        if of_data and "decodes" in abilities and conditional == ("conditions" in abilities):
            found.append(path.parent.name)
    return sorted(found, key=lambda name: (not name.startswith("vae"), len(name), name))


def metrics(name: str) -> dict[str, Any]:
    """The metrics.json of a checkpoint."""
    return json.loads((CHECKPOINTS / name / "metrics.json").read_text())


def cells(name: str, columns: dict[str, str]) -> dict[str, str]:
    """The cells of one checkpoint; empty where it has no such figure."""
    figures = metrics(name)

    def cell(key: str) -> str:
        value = figures.get(key)
        if value is None:
            return ""
        if key in SHARES:
            return f"{100 * value:.2f} %"
        return f"{value:,}" if isinstance(value, int) else f"{abs(value):.2f}"

    row = {column: cell(key) for column, key in columns.items()} | {"model": f"`{name}`"}
    if columns is LIKELIHOODS:
        knn = [f"{100 * figures[f'knn_accuracy_{count}']:.1f} %" for count in (100, 600, 1000)]
        row["kNN 100 / 600 / 1,000"] = " / ".join(knn)
        row["published"] = f"{PUBLISHED[name]:.2f}" if name in PUBLISHED else ""
    return row


def sample_cells(label: str, found: dict[str, Any]) -> dict[str, str]:
    """The cells of what one generator draws. Frechet distance, precision and recall are those in
    the features of each classifier: of the shipped one, and of the others in alphabetical order."""

    def cell(key: str) -> str:
        keys = [key]
        if key in IN_FEATURES:
            keys += sorted(each for each in found if parse(each)[0] == key != each)
        values = [found[each] for each in keys if each in found]
        if key in SHARES:
            return " / ".join(f"{100 * value:.2f} %" for value in values)
        digits = ".3g" if key == "frechet" else ".2f"  # its scale depends on the features
        return " / ".join(f"{value:{digits}}" for value in values)

    return {column: cell(key) for column, key in SAMPLES.items()} | {"model": label}


def generators() -> list[dict[str, str]]:
    """The rows of all models whose samples were measured, also those of a mixture prior, and the
    floor: training images."""
    found = {n: metrics(n) for conditional in (False, True) for n in names(conditional)}
    measured = {name: each for name, each in found.items() if "frechet" in each}
    rows = [sample_cells(f"`{name}`", each) for name, each in measured.items()]
    rows += [
        sample_cells(f"`{name}`, mixture prior", each[MIXTURE])
        for name, each in found.items()
        if MIXTURE in each
    ]
    floors = [each[FLOOR] for each in measured.values() if FLOOR in each]
    return [*rows, *(sample_cells("training images", floor) for floor in floors[:1])]


def table(columns: dict[str, str], rows: list[dict[str, str]]) -> str:
    """A table as Markdown."""
    head = [list(columns), ["---"] + ["--:"] * (len(columns) - 1)]
    lines = [*head, *([row.get(column, "") for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def speeds() -> str:
    """The table of the benchmarks' results, and the machine they are of."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}

    def figure(path: str, unit: str) -> str:
        value: Any = path
        if path and not path[0].isdigit():
            value = results.get("figures", {})
            for key in path.split("/"):
                value = value.get(key) if isinstance(value, dict) else None
        if value in {None, ""}:
            return ""
        text = f"{value:,}" if isinstance(value, int | float) else value
        return f"{text} {unit}".strip()

    rows = [
        {
            "figure": each.label,
            "this app": figure(each.app, each.unit),
            "reference": figure(each.reference, each.unit),
            "ratio": str(results.get("ratios", {}).get(each.ratio, "")),
            "target": each.target,
            "command": f"`python benchmarks/run.py {each.benchmark}`",
        }
        for each in SPEEDS
        if figure(each.app, each.unit)
    ]
    columns = ("figure", "this app", "reference", "ratio", "target", "command")
    made = table(dict.fromkeys(columns, ""), rows)
    if not results:
        return made
    machine, versions = results["machine"], results["versions"]
    return (
        f"{made}\n\n{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
        f"Python {versions['python']}, Streamlit {versions['streamlit']}, "
        f"torch {versions['torch']}, Chromium {versions['chromium']}."
    )


def tables() -> dict[str, str]:
    """The tables by the name of their marks in the README."""
    best = {
        "model": "published, best found",
        "agreement": "92.65 %",
        "-log p(x given y), 50": "80.78",
    }
    on_request = [*(cells(name, ON_REQUEST) for name in names(conditional=True)), best]
    encoders = [n for n in names(conditional=False) if "grey_cross_entropy" in metrics(n)]
    likelihoods = [cells(name, LIKELIHOODS) for name in encoders]
    inferring = [
        name
        for conditional in (False, True)
        for name in names(conditional)
        if {"accuracy", "slant_span"} <= metrics(name).keys()
    ]
    return {
        "figures": table(LIKELIHOODS, likelihoods),
        "on request": table(ON_REQUEST, on_request),
        "generators": table(SAMPLES, generators()),
        "codes": table(CODES, [cells(name, CODES) for name in inferring]),
        "colour": table(COLOUR, [cells(n, COLOUR) for n in names(conditional=False, data="emoji")]),
        "speed": speeds(),
    }


def renewed(text: str) -> str:
    """The README with new tables. Raises ValueError where a mark is missing."""
    for mark, made in tables().items():
        start, end = f"<!-- {mark}: made by scripts/figures.py -->", f"<!-- end of {mark} -->"
        if start not in text or end not in text:
            raise ValueError(f"README.md has no lines {start!r} and {end!r} to put a table between")
        before, rest = text.split(start, 1)
        after = rest.split(end, 1)[1]
        text = f"{before}{start}\n{made}\n{end}{after}"
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(renewed(readme.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("\n\n".join(tables().values()) + "\n")
