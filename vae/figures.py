"""The figures of a model's samples by their names in metrics.json, with what they mean."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """A figure for tables and pages."""

    title: str
    explanation: str  # one sentence
    best: str  # "low", "high" or "one"


FIGURES = {
    "frechet": Figure(
        "Fréchet distance",
        "Distance of the samples from test images: of the Gaussians with the means and covariances "
        "of a classifier's features.",
        "low",
    ),
    "precision": Figure(
        "Precision",
        "Share of the samples whose features lie among those of test images.",
        "high",
    ),
    "recall": Figure(
        "Recall",
        "Share of the test images whose features lie among those of the samples.",
        "high",
    ),
    "diversity": Figure(
        "Diversity",
        "Mean distance between two samples of a class, divided by that between two test images.",
        "one",
    ),
    "sure": Figure(
        "Sure",
        "Share of the samples whose class the independent classifier gives a probability of 90 % "
        "or more.",
        "high",
    ),
    "sharpness": Figure(
        "Sharpness",
        "Mean squared difference of neighbouring pixels, divided by that of test images.",
        "one",
    ),
    "agreement": Figure(
        "Agreement",
        "Share of the samples that the independent classifier assigns to the class asked for.",
        "high",
    ),
    "nearest_neighbour_error": Figure(
        "1-NN error",
        "Test error of a classifier that gives an image the class of the nearest of 10,000 "
        "samples drawn on request.",
        "low",
    ),
    "learned_from_drawn": Figure(
        "Trained on generated",
        "Test accuracy of a classifier that was trained on 60,000 generated samples only.",
        "high",
    ),
    "style_slant": Figure(
        "Style: slant",
        "Correlation of the slant of test images with that of samples of all classes drawn in "
        "their style.",
        "high",
    ),
    "style_thickness": Figure(
        "Style: thickness",
        "Correlation of the stroke thickness of test images with that of samples of all classes "
        "drawn in their style.",
        "high",
    ),
}
IN_FEATURES = ("frechet", "precision", "recall")  # of each classifier's features
FLOOR = "floor"  # in metrics.json: the figures of training images in place of samples, by name


def parse(key: str) -> tuple[str, str]:
    """A name in metrics.json as a name in FIGURES and that of the further classifier whose features
    it is of, "" for the shipped one: ("frechet", "classifier-lenet").

    Any other name is returned as it is, with "".
    """
    for name in IN_FEATURES:
        if key.startswith(f"{name}_"):
            return name, key.removeprefix(f"{name}_")
    return key, ""


def of_samples(key: str) -> bool:
    """Whether a name in metrics.json is that of a figure of samples."""
    return key == FLOOR or parse(key)[0] in FIGURES
