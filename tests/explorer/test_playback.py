"""The record of a training: both losses with both curves, and a mark at the current epoch."""

from typing import Any

import numpy as np
import pytest

from explorer import plots
from explorer.panels import playback

CURVES = {
    "cross_entropy": np.array([100.0, 80, 70]),
    "kl": np.array([20.0, 22, 24]),
    "classification": np.array([0.5, 0.1, 0.05]),
    "validation_cross_entropy": np.array([90.0, 75, 72]),
    "validation_kl": np.array([21.0, 23, 23]),
    "validation_classification": np.array([0.2, 0.1, 0.1]),
    "error": np.array([0.1, 0.1, 0.1]),
}


def test_the_bound_is_the_cross_entropy_and_the_kl() -> None:
    bound, classification = playback.panels(CURVES)
    training, validation = bound.lines
    assert training.values.tolist() == [120, 102, 94]
    assert validation.values.tolist() == [111, 98, 95]
    assert classification.lines[0].values.tolist() == [0.5, 0.1, 0.05]


def test_a_curve_that_was_not_kept_is_left_out() -> None:
    (bound,) = playback.panels({name: CURVES[name] for name in ("cross_entropy", "kl")})
    assert [line.name for line in bound.lines] == ["training"]


def test_the_chart_has_both_curves_of_both_losses() -> None:
    figure: Any = plots.losses(playback.panels(CURVES), 2)
    assert [trace.name for trace in figure.data] == ["training", "validation"] * 2
    assert np.allclose(figure.data[0].y, [120, 102, 94])
    assert len({trace.yaxis for trace in figure.data}) == 2


def test_the_epoch_is_marked() -> None:
    figure: Any = plots.losses(playback.panels(CURVES), 2)
    for trace in figure.data:
        assert [size > 0 for size in trace.marker.size] == [False, True, False]
    assert {shape.x0 for shape in figure.layout.shapes} == {2}


@pytest.mark.parametrize("epoch", [0, 4])
def test_an_epoch_beyond_the_training_is_named(epoch: int) -> None:
    with pytest.raises(ValueError, match=f"epoch {epoch} is not one of the 3"):
        plots.losses(playback.panels(CURVES), epoch)


ADVERSARIAL = {
    "discriminator_loss": np.array([0.9, 1.3]),
    "generator_loss": np.array([1.3, 0.8]),
    "belief_real": np.array([0.7, 0.5]),
    "belief_drawn": np.array([0.3, 0.5]),
    "accuracy": np.array([0.9, 0.5]),
    "validation_generator_loss": np.array([0.9, 0.7]),
    "diversity": np.array([0.8, 1.0]),
}


def test_a_gan_has_both_losses_and_the_belief_of_its_discriminator() -> None:
    losses, belief = playback.panels(ADVERSARIAL)
    assert [line.name for line in losses.lines] == [
        "generator",
        "generator, validation",
        "discriminator",
    ]
    assert [line.name for line in belief.lines] == ["real samples", "drawn samples", "accuracy"]
    assert belief.level is not None
    assert belief.level[0] == 0.5
    figure: Any = plots.losses([losses, belief], 2)
    assert [axis.type for axis in (figure.layout.yaxis, figure.layout.yaxis2)] == ["linear"] * 2
    assert tuple(figure.layout.yaxis2.range) == (0, 1)
    assert 0.5 in [shape.y0 for shape in figure.layout.shapes]
    assert [trace.name for trace in figure.data if trace.showlegend is False] == [
        "generator, validation"
    ]


def test_the_loss_is_shown_where_no_part_of_it_was_recorded() -> None:
    (panel,) = playback.panels({"loss": np.array([-3.0, -4])})
    assert panel.lines[0].values.tolist() == [-3, -4]
    figure: Any = plots.losses([panel], 1)
    assert figure.layout.yaxis.type == "linear", "no logarithm of a negative loss"
