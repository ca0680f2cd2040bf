"""Adversarial models and their alternating updates, on the tiny specs of the contract tests."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vae import adversarial, checkpoint, gan_nets, latent, models, training
from vae.adversarial import AdversarialConfig, AdversarialStep
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise
from vae.interface import Batch, abilities
from vae.models import MODELS
from vae.optim import TrainConfig
from vae.presets import Preset
from vae.principal_directions import principal_directions
from vae.training import TrainingError

CPU = torch.device("cpu")
GREY = DataSpec("image", (1, 8, 8), "bernoulli", ("a", "b", "c"))
COLOUR = DataSpec("image", (3, 32, 32), "gaussian", ("cat", "dog"))
ODD = DataSpec("image", (3, 6, 5), "bernoulli", ("cat", "dog"))
TRAIN = TrainConfig(precision="float32", schedule="constant", momentum=0.0, weight_decay=0.0)
ADVERSARIAL = [name for name in MODELS if issubclass(MODELS[name].config, AdversarialConfig)]
every_model = pytest.mark.parametrize("name", ADVERSARIAL)


def build(name: str = "dcgan", spec: DataSpec = GREY, **settings: Any) -> Any:
    torch.manual_seed(0)
    return models.build(name, {"width": 4, "critic": 4} | settings, spec)


def batch(size: int = 12, spec: DataSpec = GREY) -> Batch:
    x = torch.rand(size, *spec.shape, generator=torch.Generator().manual_seed(0))
    return Batch(x, torch.arange(size) % len(spec.classes))


def step_of(model: Any, name: str, train: TrainConfig = TRAIN) -> AdversarialStep:
    noise = Noise(CPU)
    noise.seed(1)
    step = MODELS[name].make_step(model, train, noise)
    assert isinstance(step, AdversarialStep)
    return step


def weights(model: Any) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("spec", [GREY, COLOUR, ODD], ids=["8x8", "32x32 colour", "6x5 colour"])
@pytest.mark.parametrize("settings", [{"net": "conv"}, {"net": "mlp"}, {"spectral": True}], ids=str)
@every_model
def test_one_step_moves_both_nets(name: str, settings: dict[str, Any], spec: DataSpec) -> None:
    model = build(name, spec, **settings)
    before = weights(model)
    scalars = step_of(model, name)(batch(spec=spec), 0.5)
    assert {"generator_loss", "discriminator_loss", "accuracy"} <= set(scalars)
    assert all(value.isfinite() for value in scalars.values())
    assert [key for key, value in weights(model).items() if torch.equal(value, before[key])] == []


@every_model
def test_each_update_changes_its_own_part(name: str) -> None:
    model = build(name)
    step = step_of(model, name)
    for part, update in step.updates.items():
        before = weights(model)
        update(batch(), step.draw(batch(), step.noise), 0.5)
        moved = {
            key for key, value in weights(model).items() if not torch.equal(value, before[key])
        }
        judging = {key for key in before if key.startswith("discriminator.")}
        assert moved == (judging if part == "discriminator" else set(before) - judging)
        assert all(p.grad is None for p in model.parameters())


@every_model
def test_a_discriminator_learns_to_tell_bright_images_from_drawn_ones(name: str) -> None:
    model = build(name)
    step = step_of(model, name, replace(TRAIN, rate=1e-2))
    bright = batch()._replace(x=torch.ones(12, *GREY.shape))
    for _ in range(30):
        step.updates["discriminator"](bright, step.draw(bright, step.noise), 0.5)
    scalars = step.updates["discriminator"](bright, step.draw(bright, step.noise), 0.5)
    assert scalars["accuracy"] == 1
    assert scalars["belief_real"] > 0.6
    assert scalars["belief_drawn"] < 0.4


def test_a_generator_learns_to_draw_what_it_is_shown() -> None:
    """All real images are white; the drawn ones are grey at first."""
    model = build()
    step = step_of(model, "dcgan", replace(TRAIN, rate=5e-3))
    white = batch()._replace(x=torch.ones(12, *GREY.shape))
    codes = torch.from_numpy(latent.sample_prior(model.blocks, 50, seed=0))
    before = model.generate(codes).mean().item()
    for _ in range(60):
        step(white, 0.5)
    assert before < 0.6
    assert model.generate(codes).mean().item() > 0.8


class TestLosses:
    def test_a_discriminator_that_cannot_tell_has_twice_log_2(self) -> None:
        zero = torch.zeros(3)
        torch.testing.assert_close(
            adversarial.logistic(zero, zero), torch.full((3,), 2 * math.log(2))
        )
        assert adversarial.hinge(zero, zero).tolist() == [2, 2, 2]

    @pytest.mark.parametrize("loss", adversarial.LOSSES)
    def test_the_generator_gains_from_being_believed(self, loss: str) -> None:
        logits = torch.tensor([-30.0, 0.0, 2.0], requires_grad=True)
        losses = adversarial.generator_loss(logits, loss)
        (gradient,) = torch.autograd.grad(losses.sum(), logits)
        assert (gradient < 0).all()
        assert gradient[0] == pytest.approx(-1), "no less where the discriminator is sure"

    def test_r1_is_half_the_squared_gradient(self) -> None:
        direction = torch.tensor([3.0, 4.0])
        penalty = adversarial.r1_penalty(lambda x: x @ direction, torch.rand(5, 2))
        torch.testing.assert_close(penalty, torch.full((5,), 12.5))

    def test_beliefs_and_accuracy(self) -> None:
        found = adversarial.beliefs(torch.tensor([9.0, -9.0]), torch.tensor([-9.0, -9.0]))
        assert found["accuracy"] == 0.75
        assert found["belief_real"] == pytest.approx(0.5)
        assert found["belief_drawn"] < 0.001

    @pytest.mark.parametrize("settings", [{"loss": "wasserstein"}, {"r1": -1.0}, {"net": "resnet"}])
    def test_invalid_settings_are_named(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=str(next(iter(settings.values())))):
            build(**settings)


def test_spectral_norm_bounds_every_layer() -> None:
    model = build(spectral=True).train()
    for _ in range(20):  # power iterations
        model.discriminator(batch().x)
    for name, layer in model.discriminator.named_modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.1, name


class TestDCGAN:
    def test_it_decodes_only_and_has_no_likelihood(self) -> None:
        model = build()
        assert abilities(model) >= {"decodes"}
        assert not abilities(model) & {"encodes", "classifies", "conditions"}
        assert model.implicit

    def test_a_conditional_one_is_given_the_class(self) -> None:
        model = build(conditional=True).eval()
        assert "conditions" in abilities(model)
        assert model.needs_labels
        codes = latent.conditional_codes(model.blocks, np.arange(3), np.zeros((3, 100), np.float32))
        drawn = model.generate(torch.from_numpy(codes))
        assert (drawn[1:] - drawn[:1]).abs().flatten(1).amax(1).min() > 0
        one_hot = torch.eye(3)
        logits = model.discriminator(drawn[:1].expand(3, -1, -1, -1), one_hot)
        assert len(set(logits.tolist())) == 3, "the discriminator is, too"

    def test_a_conditional_one_needs_classes(self) -> None:
        with pytest.raises(ValueError, match="needs data with classes"):
            build(spec=replace(GREY, classes=()), conditional=True)

    def test_the_generator_has_no_pooling_and_doubles_its_sides(self) -> None:
        spec = DataSpec("image", (1, 28, 28), "bernoulli")
        layers = list(gan_nets.Generator("conv", spec, 100, 8).modules())
        assert sum(isinstance(layer, torch.nn.ConvTranspose2d) for layer in layers) == 2
        assert sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in layers) == 2
        assert not [layer for layer in layers if "Pool" in type(layer).__name__]

    @pytest.mark.parametrize("conditional", [False, True])
    def test_its_axes_become_principal_directions(self, conditional: bool) -> None:
        """The first axis changes the features most, and samples of the prior stay such samples."""
        model = build(conditional=conditional, latent=12, directions=4).eval()
        with torch.no_grad():  # one direction of the inputs has ten times the effect
            model.generator.first[0].weight[:, 5] *= 10
        basis = principal_directions(model)
        torch.testing.assert_close(basis @ basis.T, torch.eye(12), atol=1e-4, rtol=0)
        assert basis[0, 5].abs() > 0.9
        models.dcgan.finish(model, Dataset(np.zeros((1, 8, 8), np.uint8), np.zeros(1, int), GREY))
        z = torch.zeros(1, latent.dims(model.blocks))
        z[0, 0] = 1
        assert model.inputs(z)[0, 5].abs() > 0.9

    @pytest.mark.parametrize("directions", [0, 13])
    def test_no_more_directions_than_dimensions(self, directions: int) -> None:
        with pytest.raises(ValueError, match=f"not {directions}"):
            build(latent=12, directions=directions)


# --- runs -----------------------------------------------------------------------------------------


def samples(count: int = 48) -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8)).astype(np.uint8)
    return Dataset(images, np.arange(count) % 3, GREY)


def preset(name: str, epochs: int = 3, **train: Any) -> Preset:
    settings = replace(TRAIN, epochs=epochs, batch=16, **train)
    return Preset(name, {"width": 4, "critic": 4}, settings, "Title", "Words.")


def run(name: str, folder: Path, **options: Any) -> Path:
    resume = options.pop("resume", False)
    return training.train(
        preset(name, **options), samples(), folder, CPU, source="x", bar=False, resume=resume
    )


@every_model
def test_a_resumed_run_ends_with_the_same_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(name, tmp_path / "whole")
    written: list[int] = []
    write = checkpoint.write_progress

    def stop_after_the_second(*args: Any) -> None:
        write(*args)
        written.append(1)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write_progress", stop_after_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(name, tmp_path / "parts")
    parts = run(name, tmp_path / "parts", resume=True)
    for file in (checkpoint.WEIGHTS, checkpoint.CONFIG, checkpoint.LOG):
        assert (parts / file).read_bytes() == (whole / file).read_bytes(), file


@every_model
def test_a_run_keeps_a_sheet_losses_and_beliefs_of_each_epoch(name: str, tmp_path: Path) -> None:
    folder = run(name, tmp_path / "run", epochs=2)
    log = checkpoint.read_log(folder)
    expected = {"generator_loss", "discriminator_loss", "belief_real", "belief_drawn", "accuracy"}
    assert expected | {"diversity"} <= set(log)
    assert len(checkpoint.read_sheets(folder, GREY)) == 2
    assert checkpoint.read_manifest(folder).implicit


class TestCollapse:
    @pytest.fixture
    def collapsing(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
        """Runs whose diversity after each epoch is given, as no small model collapses reliably."""

        def set_to(values: list[float]) -> None:
            distances = iter([1.0, *values])  # the first is that of the real samples
            monkeypatch.setattr(training, "_mean_distance", lambda x: next(distances))

        return set_to

    def test_it_ends_the_run_and_keeps_what_was_good(
        self, tmp_path: Path, collapsing: Callable[[list[float]], None]
    ) -> None:
        good = run("dcgan", tmp_path / "good", epochs=6)
        collapsing([0.9, 0.1, 0.8, 0.2, 0.1, 0.05])
        with pytest.raises(TrainingError, match=r"collapsed: .* is 0\.05 .* for 3 epochs"):
            run("dcgan", tmp_path / "bad", epochs=6)
        saved = checkpoint.read_progress(tmp_path / "bad")
        assert saved is not None
        assert saved[1] == 3, "the last epoch above the bound"
        state = saved[0]
        kept = checkpoint.read_model(tmp_path / "bad").state_dict()
        assert all(torch.equal(kept[key], state[f"mean.{key}"]) for key in kept)
        assert good.exists()

    def test_a_short_drop_is_no_collapse(
        self, tmp_path: Path, collapsing: Callable[[list[float]], None]
    ) -> None:
        collapsing([0.1, 0.1, 0.9, 0.1, 0.9])
        run("dcgan", tmp_path / "run", epochs=5)
        assert checkpoint.read_log(tmp_path / "run")["diversity"].tolist() == [
            0.1,
            0.1,
            0.9,
            0.1,
            0.9,
        ]

    def test_a_run_does_not_end_with_one(
        self, tmp_path: Path, collapsing: Callable[[list[float]], None]
    ) -> None:
        collapsing([0.9, 0.1])
        with pytest.raises(TrainingError, match="collapsed"):
            run("dcgan", tmp_path / "run", epochs=2)

    def test_images_that_are_all_alike_have_no_diversity(self, tmp_path: Path) -> None:
        model = build()
        with torch.no_grad():
            model.generator.rest[-2].weight.zero_()  # the last layer: nothing but its bias
        watch = training.CollapseWatch(tmp_path, model, samples())
        assert watch.measure(model.state_dict(), 1)["diversity"] == pytest.approx(0, abs=1e-6)
        assert watch.low == 0, "it may be new"
        watch.measure(model.state_dict(), training.COLLAPSE_STEPS)
        assert watch.low == 1

    def test_models_with_a_likelihood_are_not_watched(self, tmp_path: Path) -> None:
        model = models.build("vae", {"hidden": 8, "depth": 1}, GREY)
        watch = training.CollapseWatch(tmp_path, model, samples())
        assert watch.measure(model.state_dict(), 1) == {}


def test_a_nan_ends_the_run_and_keeps_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingError, match="became nan in epoch"):
        run("dcgan", tmp_path / "run", epochs=8, rate=1e38)
    assert not (tmp_path / "run" / checkpoint.WEIGHTS).exists() or all(
        value.isfinite().all()
        for value in checkpoint.read_model(tmp_path / "run").state_dict().values()
    )


@pytest.mark.parametrize("fault", ["truncated", "half-trained", "another size"])
def test_a_damaged_checkpoint_is_refused_in_one_sentence(fault: str, tmp_path: Path) -> None:
    folder = run("dcgan", tmp_path / "run", epochs=1)
    path = folder / checkpoint.WEIGHTS
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif fault == "half-trained":  # stopped before the weights were written
        path.unlink()
    else:
        manifest = checkpoint.read_manifest(folder)
        other = replace(manifest, config=manifest.config | {"width": 5})
        checkpoint.write_json(folder / checkpoint.CONFIG, other.as_json())
    with pytest.raises(checkpoint.CheckpointError) as error:
        checkpoint.read_model(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
