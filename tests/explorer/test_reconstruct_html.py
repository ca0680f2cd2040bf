"""HTML of pictures: figures to one decimal, and escaped texts."""

import numpy as np
import pytest

from explorer import images, reconstruct_html

BLANK = np.zeros((28, 28), np.float32)


@pytest.mark.parametrize(("value", "shown"), [(118.44, "118.4"), (-124.16, "\u2212124.2")])
def test_figures_have_one_decimal_and_a_true_minus(value: float, shown: str) -> None:
    assert reconstruct_html.nats(value) == shown


def test_the_elbo_is_the_negated_sum() -> None:
    rows = dict(reconstruct_html.figure_rows(100.0, 5.5))
    assert list(rows) == ["cross-entropy", "KL", "ELBO (nats)"]
    assert rows["ELBO (nats)"] == "\u2212105.5"


def test_without_a_kl_there_is_no_elbo() -> None:
    assert reconstruct_html.figure_rows(100.0, None) == [("cross-entropy (nats)", "100.0")]


def test_an_implicit_model_has_a_squared_error_and_may_have_a_kl() -> None:
    assert reconstruct_html.figure_rows(0.0, None, 0.00123) == [("squared error", "0.0012")]
    both = reconstruct_html.figure_rows(0.0, 5.5, float("nan"))
    assert both == [("squared error", "\u2013"), ("KL (nats)", "5.5")]


def test_texts_are_escaped() -> None:
    assert "<script>" not in images.picture(BLANK, '"><script>')


def test_steps_are_numbered_in_order() -> None:
    text = reconstruct_html.steps(
        [("Grey", BLANK.astype(np.uint8)), ("Fitted", BLANK.astype(np.uint8))]
    )
    assert text.index("<b>1</b> Grey") < text.index("<b>2</b> Fitted")


def test_large_steps_are_sent_small_and_keep_their_aspect() -> None:
    assert reconstruct_html.shrunk(np.zeros((400, 200), np.uint8)).shape == (160, 80)
    small = np.zeros((20, 12), np.uint8)
    assert reconstruct_html.shrunk(small) is small
