"""The contract of a model, tested on every entry of MODELS."""

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vae import checkpoint, latent, models, nets
from vae.adversarial import AdversarialConfig
from vae.catalog import CHECKPOINTS
from vae.checkpoint import Manifest
from vae.classifier_nets import CLASSIFIERS
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Step, abilities
from vae.models import MODELS
from vae.models.classifier_vae import disagreement
from vae.nets import NETS
from vae.optim import TrainConfig

CPU = torch.device("cpu")
SMALL = {"hidden": 16, "depth": 1}
SMALL_GAN = {"width": 8, "critic": 8, "latent": 6, "directions": 3}
TRAIN = TrainConfig(precision="float32", schedule="constant")

ADVERSARIAL = [name for name in MODELS if issubclass(MODELS[name].config, AdversarialConfig)]


# Small, so that the tests are quick; none has the shape or the classes of MNIST.
GREY = DataSpec("image", (1, 8, 8), "bernoulli", ("a", "b", "c"))
COLOUR = DataSpec("image", (3, 6, 5), "bernoulli", ("cat", "dog"))
SPECS = {"grey": GREY, "colour": COLOUR, "gaussian": replace(COLOUR, likelihood="gaussian")}
CLASSES = len(GREY.classes)


def build(name: str, spec: DataSpec = GREY, **settings: Any) -> Any:
    torch.manual_seed(0)
    fields = {field.name for field in dataclasses.fields(MODELS[name].config)}
    small = SMALL_GAN if name in ADVERSARIAL else SMALL
    return models.build(name, {k: v for k, v in small.items() if k in fields} | settings, spec)


def size(model: LatentModel) -> int:
    """Dimensions of a code."""
    return latent.dims(model.blocks)


OFFERED = {name: abilities(build(name)) for name in MODELS}
every_model = pytest.mark.parametrize("name", MODELS)
AUTOENCODERS = [
    name for name in MODELS if OFFERED[name] >= {"encodes", "decodes"} and name not in ADVERSARIAL
]
every_autoencoder = pytest.mark.parametrize("name", AUTOENCODERS)


every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def batch(size: int = 8, seed: int = 0, spec: DataSpec = GREY) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(size, *spec.shape, generator=generator)
    return Batch(x, torch.arange(size) % len(spec.classes))


def steps(model: LatentModel, name: str, train: TrainConfig = TRAIN) -> tuple[Step, Noise]:
    noise = Noise(CPU)
    noise.seed(1)
    return MODELS[name].make_step(model, train, noise), noise


def copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}


def manifest(name: str, model: Any) -> Manifest:
    config = dataclasses.asdict(model.config)
    offered = tuple(sorted(abilities(model)))
    return Manifest(name, config, {}, "Title", "Words.", model.blocks, offered, spec=model.spec)


@every_model
def test_the_config_is_frozen_json(name: str) -> None:
    config = models.config(name, {})
    assert MODELS[name].config(**json.loads(json.dumps(dataclasses.asdict(config)))) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.latent = 3


@every_model
def test_the_file_names_its_paper(name: str) -> None:
    source = Path(models.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    assert re.search(r"\b(19|20)\d\d\b", source[:200]), "line 1 names the paper and its year"


@every_spec
@every_model
def test_the_blocks_make_up_the_code(name: str, spec: DataSpec) -> None:
    model = build(name, spec).eval()
    assert len({block.name for block in model.blocks}) == len(model.blocks)
    offered = abilities(model)
    assert offered, "a model offers something"
    assert bool(model.blocks) == bool(offered & {"encodes", "decodes"})
    if "encodes" in offered:
        assert model.encode(batch(spec=spec).x).code.shape == (8, size(model))
    if "decodes" in offered:
        decoded = model.decode(torch.randn(8, size(model)))
        assert decoded.shape == (8, *model.likelihood.parameters)
        assert model.likelihood.mean(decoded).shape == (8, *spec.shape)
    if "conditions" in offered:
        assert model.class_dims == latent.class_slice(model.blocks)


@every_spec
@pytest.mark.parametrize("name", [name for name in MODELS if "classifies" in OFFERED[name]])
def test_probabilities_add_up(name: str, spec: DataSpec) -> None:
    model = build(name, spec).eval()
    log_probabilities = model.classify(batch(spec=spec).x)
    assert log_probabilities.shape == (8, len(spec.classes))
    torch.testing.assert_close(log_probabilities.exp().sum(1), torch.ones(8))


@pytest.mark.parametrize("name", [name for name in AUTOENCODERS if "conditions" in OFFERED[name]])
class TestConditions:
    def test_the_given_class_is_in_the_code(self, name: str) -> None:
        model = build(name).eval()
        one_hot = torch.eye(CLASSES)[batch().y]
        given = model.encode_given(batch().x, one_hot)
        assert torch.equal(given.code[:, model.class_dims], one_hot)
        assert given.logvar[:, model.class_dims].isneginf().all()
        rest = torch.ones(size(model), dtype=torch.bool)
        rest[model.class_dims] = False
        assert given.logvar[:, rest].isfinite().all()
        inferred = model.encode(batch().x).code[:, model.class_dims]
        torch.testing.assert_close(inferred, model.classify(batch().x).exp())

    def test_the_decoder_depends_on_it(self, name: str) -> None:
        model = build(name).eval()
        codes = torch.zeros(CLASSES, size(model))
        codes[:, model.class_dims] = torch.eye(CLASSES)
        decoded = model.decode(codes).flatten(1)
        assert (decoded[1:] - decoded[:1]).abs().amax(1).min() > 0

    def test_agreement_trains_the_decoder_alone(self, name: str) -> None:
        model = build(name, dropout=0.0)
        loss = disagreement(model, model.classifier, torch.randn(20, size(model) - CLASSES))
        loss.backward()
        trained = {k for k, p in model.named_parameters() if p.grad is not None}
        assert trained
        assert all(name.startswith("decoder.") for name in trained)


@every_spec
@every_autoencoder
@pytest.mark.parametrize("net", NETS)
def test_every_net_encodes_and_decodes_finitely(name: str, net: str, spec: DataSpec) -> None:
    model = build(name, spec, net=net, latent=3).eval()
    for x in (batch(spec=spec).x, torch.zeros(2, *spec.shape), torch.ones(2, *spec.shape)):
        q = model.encode(x)
        mean, logvar = q.code, q.logvar
        assert mean.shape == logvar.shape == (len(x), size(model))
        assert mean.dtype == logvar.dtype == torch.float32
        assert mean.isfinite().all()
        assert not logvar.isnan().any()
        assert (logvar < torch.inf).all(), "-inf is a point; an infinite variance is no posterior"
    logits = model.decode(torch.linspace(-30, 30, 4 * size(model)).reshape(4, -1))
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@every_autoencoder
@pytest.mark.parametrize("net", NETS)
def test_decode_takes_any_leading_axes(name: str, net: str) -> None:
    model = build(name, net=net).eval()
    z = torch.randn(3, 4, size(model), generator=torch.Generator().manual_seed(1))
    many = model.decode(z)
    assert many.shape == (3, 4, *GREY.shape)
    torch.testing.assert_close(many[1], model.decode(z[1]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(many[1, 2], model.decode(z[1, 2]), rtol=1e-4, atol=1e-5)
    assert model.decode(z[:0]).shape == (0, 4, *GREY.shape)


@every_autoencoder
@pytest.mark.parametrize("net", NETS)
def test_a_step_moves_every_parameter_and_lowers_the_loss(name: str, net: str) -> None:
    moves_and_lowers(name, net=net)


@every_autoencoder
def test_a_step_on_colour_does_so_too(name: str) -> None:
    moves_and_lowers(name, COLOUR)


def test_a_step_of_the_classifier_does_so_too() -> None:
    moves_and_lowers("classifier")


MIXTURE: dict[str, Any] = {"components": 3, "samples": 8}
FEW_LABELS = {"known": True, "agreement": 2.0, "consistency": 1.0, "classifier": "sigmoid"}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {"net": net}) for name in AUTOENCODERS for net in NETS),
        *(("classifier", {"net": net}) for net in CLASSIFIERS),
        *(
            ("vae", {"couplings": 2}),
            ("vae", {"frequency": 1.0}),
            ("vae", {"samples": 3}),
            ("vae", {"scale": "softplus"}),
        ),
        *(("vae", MIXTURE), ("vae", MIXTURE | {"scale": "softplus"})),
        *(("classifier_vae", FEW_LABELS), ("conditional_vae", {"samples": 3, "agreement": 2.0})),
    ],
    ids=str,
)
def test_no_parameter_is_without_effect(name: str, settings: dict) -> None:
    """Its gradient would be zero but for rounding: 1e-7 of the largest, on any processor."""
    model = build(name, dropout=0.0, **settings)
    step: Any = steps(model, name)[0]
    draws = step.draw(batch(), step.noise)
    step.objective(batch(), *draws, torch.tensor(0.5))["loss"].backward()
    largest = {k: float(p.grad.abs().max()) for k, p in model.named_parameters()}
    assert {k: v for k, v in largest.items() if v < 1e-5 * max(largest.values())} == {}


def moves_and_lowers(name: str, spec: DataSpec = GREY, **settings: Any) -> None:
    model, samples = build(name, spec, dropout=0.0, **settings), batch(spec=spec)
    before = copied(model.state_dict())
    step, noise = steps(model, name)
    first = step(samples, 0.5)["loss"]
    still = [
        k for k, p in model.named_parameters() if p.requires_grad and torch.equal(p, before[k])
    ]
    assert still == []
    for _ in range(20):
        noise.seed(1)
        step(samples, 0.5)
    noise.seed(1)
    last = step(samples, 0.5)["loss"]
    assert last < first
    assert not last.requires_grad


@every_model
def test_a_restored_state_takes_the_same_next_step(name: str) -> None:
    model = build(name)
    step, noise = steps(model, name)
    for seed in range(3):
        step(batch(seed=seed), seed / 10)
    kept = copied(step.state())

    other = build(name)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    restored, other_noise = steps(other, name)
    restored.load_state(copied(kept))
    assert set(restored.state()) == set(kept)
    for key, value in restored.state().items():
        assert torch.equal(value, kept[key]), key

    results = []
    for one, its_noise in ((step, noise), (restored, other_noise)):
        its_noise.seed(5)
        torch.manual_seed(5)  # dropout
        scalars = one(batch(seed=9), 0.4)
        results.append({**scalars, **copied(one.state())})
    for key in results[0]:
        assert torch.equal(results[0][key], results[1][key]), key


@every_model
def test_validation_changes_nothing(name: str) -> None:
    model = build(name)
    step, noise = steps(model, name)
    step(batch(), 0.5)
    before = copied(step.state())
    noise.seed(3)
    one = step.validate(batch(seed=2))
    noise.seed(3)
    two = step.validate(batch(seed=2))
    assert any(key.endswith("loss") for key in one)
    assert all(torch.equal(one[key], two[key]) for key in one), "without dropout and updates"
    after = step.state()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert model.training


@every_model
def test_saved_and_read_again_it_is_the_same(name: str, tmp_path: Path) -> None:
    model = build(name)
    step, _ = steps(model, name)
    step(batch(), 0.5)
    model.eval()
    x, z = batch().x, torch.randn(6, size(model))
    checkpoint.write_model(tmp_path, manifest(name, model), model.state_dict())
    again: Any = checkpoint.read_model(tmp_path)
    assert again.config == model.config
    assert (again.blocks, again.spec) == (model.blocks, model.spec)
    assert not again.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    if "decodes" in OFFERED[name]:
        assert torch.equal(again.decode(z), model.decode(z))
    if "encodes" in OFFERED[name]:
        assert torch.equal(again.encode(x).code, model.encode(x).code)
    if "classifies" in OFFERED[name]:
        assert torch.equal(again.classify(x), model.classify(x))

    whole = (tmp_path / checkpoint.WEIGHTS).stat().st_size
    checkpoint.write_model(tmp_path, manifest(name, model), model.state_dict(), half=True)
    half: Any = checkpoint.read_model(tmp_path)
    assert (tmp_path / checkpoint.WEIGHTS).stat().st_size < 0.6 * whole
    assert all(v.dtype != torch.float16 for v in half.state_dict().values())
    if "decodes" in OFFERED[name]:
        torch.testing.assert_close(half.decode(z), model.decode(z), rtol=1e-2, atol=1e-2)
    if "encodes" in OFFERED[name]:
        torch.testing.assert_close(half.encode(x).code, model.encode(x).code, rtol=1e-2, atol=1e-2)


@every_autoencoder
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"latnet": 2}, "latnet"),
        ({"latent": 0}, "size 0"),
        ({"latent": 2.5}, "2.5"),
        ({"hidden": "wide"}, "'wide'"),
        ({"hidden": True}, "True"),
        ({"net": "mpl"}, "'mpl'"),
        ({"net": 3}, "net"),
        ({"dropout": 1.0}, "1.0"),
        ({"dropout": -0.1}, "-0.1"),
    ],
)
def test_invalid_settings_are_named(name: str, settings: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        models.build(name, settings)


@pytest.mark.parametrize(
    "name", [n for n in MODELS if "classifies" in OFFERED[n] and n != "infogan"]
)
def test_a_model_of_classes_needs_classes(name: str) -> None:
    """Without classes, an InfoGAN has codes that stand for none."""
    with pytest.raises(ValueError, match="needs data with classes"):
        build(name, DataSpec("image", (1, 8, 8), "bernoulli"))


@pytest.mark.parametrize("net", ["conv", "hybrid"])
def test_a_convolution_needs_four_pixels(net: str) -> None:
    with pytest.raises(ValueError, match=r"\[1, 3, 9\]; take net=residual"):
        build("vae", DataSpec("image", (1, 3, 9), "bernoulli"), net=net)


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=f"'gan'.*{'.*'.join(MODELS)}"):
        models.build("gan", {})


@pytest.mark.parametrize(
    "settings",
    [
        {"beta": -1.0},
        {"warm_up": 1.5},
        {"samples": 0},
        {"samples": 2, "beta": 4.0},
        {"scale": "variance"},
        {"frequency": -1.0},
        {"components": 0},
        {"components": 2, "samples": 1},
    ],
)
def test_a_vae_refuses_invalid_settings(settings: dict) -> None:
    with pytest.raises(ValueError, match=str(next(iter(settings)))):
        models.config("vae", settings)


def test_a_softplus_scale_is_a_deviation() -> None:
    """hwalsuklee's sigma = softplus + 1e-6, here as a log-variance."""
    model = build("vae", scale="softplus").eval()
    x = batch().x
    mean, raw = model.encoder(x).chunk(2, dim=-1)
    posterior = model.encode(x)
    assert torch.equal(posterior.code, mean)
    deviation = torch.nn.functional.softplus(raw) + 1e-6
    torch.testing.assert_close((0.5 * posterior.logvar).exp(), deviation)


def test_several_components_are_a_mixture() -> None:
    model = build("vae", latent=3, **MIXTURE).eval()
    (q,) = model.encode(batch().x).blocks
    assert q.means.shape == q.logvars.shape == (8, 3, 3)
    torch.testing.assert_close(q.log_weights.exp().sum(-1), torch.ones(8))
    assert q.code.shape == (8, 3)


def test_a_mixture_learns_in_a_step_as_a_gaussian_does() -> None:
    moves_and_lowers("vae", **MIXTURE)


def test_the_loss_of_a_vae_is_beta_times_kl_and_cross_entropy() -> None:
    for beta in (0.0, 1.0, 4.0):
        step, _ = steps(build("vae", beta=beta), "vae")
        scalars = step(batch(), 0.5)
        expected = scalars["cross_entropy"] + beta * scalars["kl"]
        torch.testing.assert_close(scalars["loss"], expected)


def test_the_kl_warms_up() -> None:
    for progress, weight in ((0.0, 0.0), (0.1, 0.5), (0.2, 1.0), (0.9, 1.0)):
        step, _ = steps(build("vae", warm_up=0.2), "vae")
        scalars = step(batch(), progress)
        expected = scalars["cross_entropy"] + weight * scalars["kl"]
        torch.testing.assert_close(scalars["loss"], expected)


def test_more_importance_samples_give_a_tighter_bound() -> None:
    losses = []
    for samples in (1, 64):
        model = build("vae", samples=samples, dropout=0.0)
        losses.append(float(steps(model, "vae")[0](batch(64), 0.5)["loss"]))
    assert losses[1] < losses[0]


def test_the_code_of_an_autoencoder_is_standardised_over_the_data() -> None:
    model = build("autoencoder", latent=3, dropout=0.0).train()
    code = model.encode(batch(256).x).code
    torch.testing.assert_close(code.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(code.std(0), torch.ones(3), atol=1e-2, rtol=0)


@pytest.mark.parametrize("net", NETS)
def test_an_autoencoder_of_an_earlier_version_encodes_as_before(net: str) -> None:
    """It had biases before its normalisation, which are folded into the running mean."""
    model = build("autoencoder", net=net, latent=3).eval()
    torch.manual_seed(1)
    encoder = nets.build(net, GREY, 3, 3, SMALL["hidden"], SMALL["depth"], 0.1)[0].eval()
    norm = nn.BatchNorm1d(3, affine=False).eval()
    for parameter in encoder.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    assert norm.running_mean is not None
    norm.running_mean.normal_()
    saved = {f"encoder.{k}": v for k, v in encoder.state_dict().items()}
    saved |= {f"standardise.{k}": v for k, v in norm.state_dict().items()}
    saved |= {f"decoder.{k}": v for k, v in model.decoder.state_dict().items()}
    surplus = saved.keys() - model.state_dict().keys()
    assert surplus
    assert all(key.endswith(".bias") for key in surplus)
    kept = copied(saved)
    model.load_state_dict(saved)
    x = batch().x
    torch.testing.assert_close(model.encode(x).code, norm(encoder(x)), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, kept[key]) for key, value in saved.items()), "not changed"


def test_the_shipped_autoencoder_has_no_such_biases() -> None:
    folder = CHECKPOINTS / "ae-2d"
    stored = load_file(folder / checkpoint.WEIGHTS)
    assert stored.keys() == checkpoint.read_model(folder).state_dict().keys()
