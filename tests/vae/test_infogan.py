"""InfoGAN and ss-InfoGAN: codes are matched to classes, and labels are learned from."""

from typing import Any

import numpy as np
import pytest
import torch

from vae import code_matching, latent, models
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise
from vae.interface import Batch, abilities
from vae.models import infogan
from vae.optim import TrainConfig

SPEC = DataSpec("image", (1, 8, 8), "bernoulli", ("a", "b", "c"))
SMALL = {"width": 4, "critic": 4, "hidden": 8, "noise": 5}


def build(name: str = "infogan", spec: DataSpec = SPEC, **settings: Any) -> Any:
    torch.manual_seed(0)
    return models.build(name, SMALL | settings, spec)


def images(count: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(count, 8, 8), dtype=np.uint8)


class TestMatching:
    def test_the_largest_sum_is_found_where_the_largest_entries_conflict(self) -> None:
        counts = np.array([[9, 8, 0], [8, 1, 0], [0, 5, 4]])  # 9 + 5 + 0 < 8 + 8 + 4
        assert code_matching.match(counts).tolist() == [1, 0, 2]

    @pytest.mark.parametrize("seed", range(3))
    def test_a_permutation_is_recovered_from_noisy_codes(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        code_of, labels = rng.permutation(10), rng.integers(10, size=500)
        wrong = rng.random(500) < 0.3
        codes = np.where(wrong, rng.integers(10, size=500), code_of[labels])
        counts = code_matching.confusion(codes, labels, 10)
        assert counts.sum() == 500
        assert code_matching.match(counts).tolist() == code_of.tolist()

    def test_finish_permutes_generator_and_q_alike(self) -> None:
        model = build().eval()
        x = torch.from_numpy(images())[:, None] / 255
        with torch.no_grad():
            before = model.classify(x)
            codes = torch.from_numpy(latent.sample_prior(model.blocks, 6, seed=0))
            decoded = model.decode(codes)
        code_of = torch.tensor([2, 0, 1])
        class_of = torch.argsort(code_of)
        labels = class_of[before.argmax(1)].numpy()
        labels[::7] = -1  # unknown ones change nothing
        infogan.finish(model, Dataset(images(), labels, SPEC))
        known = labels >= 0
        assert len(set(labels[known])) == 3
        assert (model.classify(x).argmax(1).numpy()[known] == labels[known]).all()
        asked = codes.clone()
        asked[:, model.code_dims] = codes[:, model.code_dims][:, code_of]
        torch.testing.assert_close(model.decode(asked), decoded)
        assert model.blocks[0].labels == SPEC.classes

    def test_without_known_classes_nothing_is_matched(self) -> None:
        model = build()
        before = model.state_dict()["discriminator.codes.0.3.weight"].clone()
        infogan.finish(model.eval(), Dataset(images(), np.full(60, -1), SPEC))
        assert torch.equal(model.state_dict()["discriminator.codes.0.3.weight"], before)
        assert model.blocks[0].labels == ()


def test_it_classifies_where_codes_and_classes_are_as_many() -> None:
    plain = {"encodes", "decodes"}
    assert abilities(build()) == plain | {"classifies"}
    assert abilities(build(code=4)) == plain
    without = DataSpec("image", (1, 8, 8), "bernoulli")
    assert abilities(build(spec=without)) == plain
    assert abilities(build("ss_infogan")) == plain | {"classifies", "conditions"}


def test_ss_infogan_needs_as_many_codes_as_classes() -> None:
    with pytest.raises(ValueError, match="3 classes: give code=0, not 4"):
        build("ss_infogan", code=4)
    with pytest.raises(ValueError, match="needs data with classes"):
        build("ss_infogan", DataSpec("image", (1, 8, 8), "bernoulli"))


@pytest.mark.parametrize(
    "settings", [{"code": -1}, {"style": 0}, {"invariance": -1.0}, {"warm_up": 1.0}], ids=str
)
def test_settings_out_of_range_are_named(settings: dict) -> None:
    name, value = next(iter(settings.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        build(**settings)


def test_slant_and_thickness_are_of_grey_images() -> None:
    with pytest.raises(ValueError, match="grey or with equivariance=0"):
        build(spec=DataSpec("image", (3, 8, 8), "bernoulli"), equivariance=1.0)


def test_labels_train_the_code_of_ss_infogan() -> None:
    """Three kinds of samples, of which one each has a label."""
    model, noise = build("ss_infogan"), Noise(torch.device("cpu"))
    noise.seed(0)
    step = models.MODELS["ss_infogan"].make_step(model, TrainConfig(momentum=0.0, rate=5e-3), noise)
    kinds = torch.zeros(3, 1, 8, 8)
    kinds[0, :, :3] = kinds[1, :, 5:] = kinds[2, :, :, :3] = 1
    batch = Batch(kinds.repeat(4, 1, 1, 1), torch.cat([torch.arange(3), torch.full((9,), -1)]))
    costs = [float(step(batch, 0.5)["label"]) for _ in range(40)]
    assert np.mean(costs[-10:]) < 0.5 < np.mean(costs[:5])
    model.eval()
    assert model.classify(kinds).argmax(1).tolist() == [0, 1, 2]


def test_the_best_candidate_is_chosen_in_the_warm_up() -> None:
    model, noise = build(heads=3, warm_up=0.5), Noise(torch.device("cpu"))
    noise.seed(0)
    step = models.MODELS["infogan"].make_step(model, TrainConfig(momentum=0.0), noise)
    batch = Batch(torch.rand(16, 1, 8, 8), torch.full((16,), -1))
    q = model.discriminator
    assert (q.shared == 0).all()
    for _ in range(3):
        step(batch, 0.2)
    shared = q.shared.clone()
    assert (shared > 0).all()
    step(batch, 0.5)
    assert torch.equal(q.shared, shared), "the choice is final once codes have a meaning"
    features = q.features(batch.x)
    chosen = q.candidates(features)[:, int(shared.argmax())]
    torch.testing.assert_close(q.infer(features).log_probabilities, chosen)


def test_codes_have_a_meaning_after_the_warm_up_alone() -> None:
    batch = Batch(torch.rand(16, 1, 8, 8), torch.full((16,), -1))

    def generator_loss(information: float, progress: float) -> float:
        model, noise = build(information=information, warm_up=0.5), Noise(torch.device("cpu"))
        noise.seed(0)
        step = models.MODELS["infogan"].make_step(model, TrainConfig(), noise)
        return float(step(batch, progress)["generator_loss"])

    assert generator_loss(1.0, 0.1) == pytest.approx(generator_loss(0.0, 0.1))
    assert generator_loss(1.0, 0.9) > generator_loss(0.0, 0.9) + 0.1
