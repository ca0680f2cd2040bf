"""Models exported to ONNX and imported again give the same images and codes; what an import finds,
and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.vae.runtime import onnx_models
from vae import __main__ as cli
from vae import (
    catalog,
    checkpoint,
    data,
    latent,
    models,
    service,
)
from vae.checkpoint import CheckpointError, Manifest
from vae.data import Options
from vae.dataspec import Dataset, DataSpec
from vae.download import Progress
from vae.importing import DataSource, Declared, Files, find_files, import_model, summary
from vae.interface import abilities
from vae.latent import LatentBlock
from vae.metrics import generation
from vae.runtime import onnx_export
from vae.runtime.onnx import OnnxRuntime
from vae.runtime.onnx_model import as_model

GREY = DataSpec("image", (1, 8, 8), "bernoulli", ("a", "b", "c"))
COLOUR = DataSpec("image", (3, 8, 10), "bernoulli", ("a", "b", "c"))
GAUSSIAN = DataSpec("image", (3, 8, 10), "gaussian", ("a", "b", "c"))
SMALL = {"net": "mlp", "hidden": 16, "depth": 1, "latent": 2}
LEVEL = 1 / 255


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of shipped checkpoints."""
    folder = tmp_path / "assets" / "checkpoints"
    monkeypatch.setattr(catalog, "CHECKPOINTS", folder)
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    for cached in (service.encodings, service.info):
        cached.cache_clear()
    service.unload_all()
    return folder


def random_data(spec: DataSpec) -> Dataset:
    """Nine images of three classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, *spec.array_shape), np.uint8)
    return Dataset(pixels, np.arange(9) % 3, spec)


Named = Callable[[Dataset], DataSource]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Named:
    """Registers a data set under the name "my-images"."""

    def register(dataset: Dataset) -> DataSource:
        def load(split: str, *, progress: Progress | None = None) -> Dataset:
            return dataset

        monkeypatch.setitem(data.DATASETS, "my-images", load)
        return DataSource("my-images", Options())

    return register


def trained(folder: Path, name: str, spec: DataSpec) -> Path:
    """An untrained model as a checkpoint."""
    known = models.MODELS[name].config.__dataclass_fields__
    config = {key: value for key, value in SMALL.items() if key in known}
    model = models.build(name, config, spec)
    manifest = Manifest(
        model=name,
        config=config,
        train={},
        title="A title",
        description="A description.",
        blocks=model.blocks,
        abilities=tuple(sorted(abilities(model))),
        data="my-images",
        spec=spec,
    )
    checkpoint.write_model(folder, manifest, model.state_dict())
    return folder


class TestRoundTrip:
    @pytest.mark.parametrize(
        ("name", "spec"),
        [
            ("vae", GREY),
            ("autoencoder", GAUSSIAN),
            ("conditional_vae", GREY),
            ("classifier_vae", COLOUR),
        ],
        ids=lambda value: value if isinstance(value, str) else value.nouns,
    )
    def test_an_exported_model_is_imported_as_it_was(
        self, tmp_path: Path, named: Named, name: str, spec: DataSpec, unchecked: None
    ) -> None:
        test, folder = random_data(spec), tmp_path / "onnx"
        original = trained(tmp_path / "original", name, spec)
        paths = onnx_export.export(original, folder)
        assert [path.name for path in paths] == ["decoder.onnx", "encoder.onnx", "config.json"]
        graph = onnx.load(paths[0]).graph
        assert [one.name for one in (*graph.input, *graph.output)] == ["z", "images", "parameters"]
        imported = import_model(find_files(folder), Declared(), named(test))
        checkpoint.write_encodings(original, checkpoint.read_encodings(imported))
        before, after = service.load(str(original)), service.load("a-title")
        assert after.info.blocks == before.info.blocks
        assert after.info.abilities == before.info.abilities
        assert (after.info.spec, after.info.title) == (spec, "A title")
        z = latent.sample_prior(before.info.blocks, 20, seed=1)
        np.testing.assert_allclose(after.decode(z), before.decode(z), atol=1e-5)
        levels = after.pictures(z).astype(int) - before.pictures(z)
        assert np.abs(levels).max() <= 1
        x = test.samples.astype(np.float32) / 255
        for one, other in zip(after.encode(x), before.encode(x), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
        one, other = after.reconstruct(x), before.reconstruct(x)
        np.testing.assert_allclose(one.cross_entropy, other.cross_entropy, rtol=0.02)
        if name != "conditional_vae":  # whose encoder is given the class, if not in ONNX
            np.testing.assert_allclose(one.kl, other.kl, rtol=0.02, atol=1e-5)
        if "classifies" in before.info.abilities:
            np.testing.assert_allclose(after.classify(x), before.classify(x), atol=1e-5)

    def test_an_export_replaces_nothing(self, tmp_path: Path) -> None:
        folder = trained(tmp_path / "original", "vae", GREY)
        with pytest.raises(ValueError, match=r"config\.json exists; choose another folder"):
            onnx_export.export(folder, folder)

    def test_a_classifier_is_not_exported(self, tmp_path: Path) -> None:
        known = {"width": 2}
        model = models.build("classifier", known, GREY)
        manifest = Manifest("classifier", known, {}, "", "", model.blocks, ("classifies",))
        manifest = Manifest(**{**vars(manifest), "spec": GREY})
        checkpoint.write_model(tmp_path, manifest, model.state_dict())
        with pytest.raises(ValueError, match="has no decoder; export one that decodes"):
            onnx_export.export(tmp_path, tmp_path / "onnx")

    def test_an_export_says_which_packages_it_needs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(onnx_export, "NEEDS", ("onnx", "no_such_package"))
        with pytest.raises(ValueError, match="needs no_such_package; install with: pip install no"):
            onnx_export.export(tmp_path, tmp_path / "onnx")


def files(folder: Path, decoder: onnx.ModelProto, encoder: onnx.ModelProto | None = None) -> Files:
    folder.mkdir(exist_ok=True)
    path = onnx_models.write(folder / "mine.onnx", decoder)
    other = onnx_models.write(folder / "its-encoder.onnx", encoder) if encoder else None
    return find_files(path, other)


class TestImport:
    def test_a_decoder_alone(self, tmp_path: Path, checkpoints: Path) -> None:
        found = files(tmp_path / "in", onnx_models.decoder(5, (3, 8, 10)))
        folder = import_model(found, Declared(title="My model, 5-d"), None)
        assert folder == checkpoints / "my-model-5-d"
        assert service.names() == ["my-model-5-d"]
        info = service.info(folder.name)
        assert info.blocks == (LatentBlock("z", 5, "normal"),)
        assert info.spec == DataSpec("image", (3, 8, 10), "bernoulli")
        assert info.abilities == {"decodes"}
        model = service.load(folder.name)
        assert model.pictures(latent.origin(info.blocks)[None]).shape == (1, 8, 10, 3)
        assert not (folder / checkpoint.ENCODINGS).exists()
        assert not data.available(info.data, "test")
        with pytest.raises(ValueError, match="no data are named; name them by --data"):
            data.load(info.data, "test")

    def test_an_encoder_encodes_the_test_samples(self, tmp_path: Path, named: Named) -> None:
        test = random_data(GREY)
        found = files(
            tmp_path / "in", onnx_models.decoder(3, (64,)), onnx_models.encoder((8, 8), 3)
        )
        folder = import_model(found, Declared(title="Mine"), named(test))
        info, codes = service.info("mine"), service.encodings("mine")
        assert info.abilities == {"decodes", "encodes"}
        assert (info.spec, info.data) == (GREY, "my-images")
        assert codes.labels.tolist() == test.labels.tolist()
        mean, _ = service.load("mine").encode(test.samples.astype(np.float32) / 255)
        np.testing.assert_allclose(codes.mean, mean, atol=1e-3)
        assert (codes.cross_entropy > 0).all()
        assert (codes.kl > 0).all()
        assert sorted(path.name for path in folder.iterdir()) == [
            *("config.json", "decoder.onnx", "encoder.onnx", "encodings.npz")
        ]

    def test_what_is_declared_is_kept(self, tmp_path: Path) -> None:
        proto = onnx_models.decoder(2, (72,), activation="Tanh")
        declared = Declared(prior="uniform", shape=(8, 9), range=(-1.0, 1.0), title="T")
        folder = import_model(files(tmp_path / "in", proto), declared, None)
        info = service.info("t")
        assert info.blocks == (LatentBlock("z", 2, "uniform"),)
        assert info.spec.shape == (1, 8, 9)
        assert json.loads((folder / "config.json").read_text())["config"] == {
            **{"range": [-1.0, 1.0], "logits": False, "order": "CHW"}
        }

    def test_an_output_called_logits_is_one(self, tmp_path: Path) -> None:
        proto = onnx_models.decoder(2, (8, 8), activation="Identity", name="logits")
        import_model(files(tmp_path / "in", proto), Declared(title="T"), None)
        images = service.load("t").decode(np.zeros((1, 2), np.float32))
        assert 0 < images.min() < images.max() < 1

    def test_the_contract_applies_to_a_decoder_of_its_folder(self, tmp_path: Path) -> None:
        blocks = (LatentBlock("z", 2, "normal"), LatentBlock("y", 3, "categorical", "class"))
        manifest = Manifest(
            "onnx", {"range": [-1, 1]}, {}, "Conditional", "By hand.", blocks, (), spec=GREY
        )
        checkpoint.write_json(tmp_path / "config.json", manifest.as_json())
        proto = onnx_models.decoder(5, (8, 8), activation="Tanh")
        onnx_models.write(tmp_path / "decoder.onnx", proto)
        import_model(find_files(tmp_path / "decoder.onnx"), Declared(), None)
        info = service.info("conditional")
        assert info.abilities == {"decodes", "conditions"}
        assert info.class_dims == slice(2, 5)
        images = service.load("conditional").generate(np.array([0, 2]), seed=1)
        assert images.shape == (2, 8, 8)
        model = as_model(OnnxRuntime.read(catalog.folder_of("conditional")))
        by_command, _ = generation.generate(model, np.array([0, 2]), seed=1)
        np.testing.assert_allclose(by_command, images, atol=1e-3)


def unnamed_size() -> onnx.ModelProto:
    return onnx_models.model(
        [onnx.helper.make_node("Identity", ["z"], ["images"])],
        inputs={"z": ["n", "size"]},
        outputs={"images": ["n", "size"]},
    )


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], Declared, str]] = {
    "another latent size": (
        lambda: onnx_models.decoder(5, (8, 8)),
        Declared(latent=16),
        r"takes inputs of shape \[N, 5\], not codes of shape \[N, 16\]; import it with --latent 5",
    ),
    "a latent size that is not declared": (
        unnamed_size,
        Declared(),
        "does not say how many coordinates a code has; say it by --latent",
    ),
    "no image": (
        lambda: onnx_models.decoder(2, (60,)),
        Declared(),
        r"gives values of shape \[60\] for each code, .*by --shape, such as --shape 28 28",
    ),
    "another shape": (
        lambda: onnx_models.decoder(2, (64,)),
        Declared(shape=(9, 9)),
        r"gives images of shape \[64\] for each code, not an image of shape \[1, 9, 9\]",
    ),
    "four channels": (
        lambda: onnx_models.decoder(2, (4, 8, 8)),
        Declared(),
        r"gives values of shape \[4, 8, 8\] for each code, which is no image of 1 or 3 channels",
    ),
    "logits": (
        lambda: onnx_models.decoder(2, (8, 8), activation="Identity"),
        Declared(),
        "outside of the range 0 to 1; declare theirs, such as --range -1 1, or --logits",
    ),
    "an empty range": (
        lambda: onnx_models.decoder(2, (8, 8)),
        Declared(range=(1.0, 1.0)),
        "the range 1 1 is empty; give two increasing numbers",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(tmp_path: Path, checkpoints: Path, case: str) -> None:
    make, declared, sentence = REFUSED[case]
    with pytest.raises(ValueError, match=sentence):
        import_model(files(tmp_path / "in", make()), declared, None)
    assert not checkpoints.exists() or not list(checkpoints.iterdir())


def test_an_encoder_needs_data(tmp_path: Path) -> None:
    found = files(tmp_path, onnx_models.decoder(3, (8, 8)), onnx_models.encoder((8, 8), 3))
    with pytest.raises(ValueError, match=r"its-encoder\.onnx needs images .*name them by --data"):
        import_model(found, Declared(), None)


def test_a_named_data_set_of_another_size_is_refused(tmp_path: Path, named: Named) -> None:
    found = files(tmp_path, onnx_models.decoder(3, (9, 9)), onnx_models.encoder((9, 9), 3))
    with pytest.raises(ValueError, match="has images of 8x8 in grey, and the model images of 9x9"):
        import_model(found, Declared(), named(random_data(GREY)))


def test_images_of_ones_own_get_the_size_of_the_decoder(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 20, 20), np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.repeat(["cat", "dog"], 20))
    found = files(tmp_path, onnx_models.decoder(3, (9, 9)), onnx_models.encoder((9, 9), 3))
    source = DataSource(str(tmp_path / "mine.npz"), Options())
    folder = import_model(found, Declared(title="T"), source)
    info = service.info(folder.name)
    assert (info.spec.shape, info.spec.classes) == ((1, 9, 9), ("cat", "dog"))
    assert info.data == source.name
    assert len(service.encodings(folder.name).mean) == 4  # a tenth


def test_a_class_that_the_data_lack_is_refused(tmp_path: Path) -> None:
    blocks = (LatentBlock("y", 4, "categorical", "class"),)
    manifest = Manifest("onnx", {}, {}, "T", "", blocks, (), spec=GREY)
    checkpoint.write_json(tmp_path / "config.json", manifest.as_json())
    onnx_models.write(tmp_path / "decoder.onnx", onnx_models.decoder(4, (8, 8)))
    with pytest.raises(ValueError, match="4 coordinates for the class, and the data 3 classes"):
        import_model(find_files(tmp_path), Declared(), None)


def test_the_config_of_another_model_is_no_contract(tmp_path: Path) -> None:
    folder = trained(tmp_path / "vae", "vae", GREY)
    onnx_models.write(folder / "decoder.onnx", onnx_models.decoder(2, (8, 8)))
    with pytest.raises(CheckpointError, match=r"config\.json is of a vae, not the contract of an"):
        find_files(folder / "decoder.onnx")


def test_a_checkpoint_is_replaced_on_request_alone(tmp_path: Path) -> None:
    found, declared = files(tmp_path / "in", onnx_models.decoder(2, (8, 8))), Declared(title="T")
    import_model(found, declared, None)
    with pytest.raises(ValueError, match="exists; choose another name, or add --replace"):
        import_model(found, declared, None)
    import_model(found, declared, None, overwrite=True)
    folder = import_model(found, declared, None, "other")
    assert folder.name == "other"


def test_a_damaged_checkpoint_is_refused_when_it_is_loaded(
    tmp_path: Path, checkpoints: Path
) -> None:
    found = files(tmp_path / "in", onnx_models.decoder(2, (8, 8)))
    folder = import_model(found, Declared(title="T"), None)
    content = (folder / "decoder.onnx").read_bytes()
    (folder / "decoder.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"decoder\.onnx is truncated or is no ONNX file"):
        service.load("t")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"config": {"gain": 2}}))
    with pytest.raises(CheckpointError, match=r"config\.json is not valid: .*import the model aga"):
        service.load("t")


class TestCommandLine:
    @pytest.fixture
    def run(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
        """Runs the command line in this process."""

        def run(*arguments: Any) -> int:
            monkeypatch.setattr("sys.argv", ["vae", *map(str, arguments)])
            return cli.main()

        return run

    def test_import(
        self, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        proto = onnx_models.decoder(4, (28, 28), activation="Tanh")
        decoder = onnx_models.write(tmp_path / "d.onnx", proto)
        encoder = onnx_models.write(tmp_path / "e.onnx", onnx_models.encoder((28, 28), 4))
        arguments = ("import", decoder, "--latent", 4, "--range", -1, 1, "--title", "Mine")
        assert run(*arguments, "--encoder", encoder, "--data", "digits") == 0
        assert "mine" in capsys.readouterr().out
        assert service.info("mine").data == "digits"
        assert run(*arguments) == 2
        assert "exists; choose another name" in capsys.readouterr().err

    def test_a_decoder_without_data_is_not_measured(
        self, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        decoder = onnx_models.write(tmp_path / "alone.onnx", onnx_models.decoder(2, (8, 8)))
        assert run("import", decoder) == 0
        assert run("evaluate", "alone") == 2
        assert "was imported without data; name some by --data" in capsys.readouterr().err

    def test_export_to_onnx(
        self,
        run: Callable[..., int],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        unchecked: None,
    ) -> None:
        folder = trained(tmp_path / "run", "vae", GREY)
        assert run("export", folder, "--onnx", tmp_path / "onnx") == 0
        assert "decoder.onnx" in capsys.readouterr().out
        assert run("export", folder) == 2
        assert "name the checkpoint, or a folder by --onnx" in capsys.readouterr().err


def imported(path: Path, **declared: Any) -> Path:
    """Import a decoder alone; returns its folder."""
    return import_model(find_files(path), Declared(**declared), None)


def test_titles_of_any_script_give_a_folder(tmp_path: Path, checkpoints: Path) -> None:
    path = onnx_models.write(tmp_path / "mine.onnx", onnx_models.decoder(2, (8, 8)))
    assert imported(path, title="Überblick 🎨").name == "uberblick"
    assert imported(path, title="日本").name == "mine"
    assert len(imported(path, title="x" * 300).name) < 100


def test_the_summary_says_what_was_decided(tmp_path: Path, checkpoints: Path) -> None:
    path = onnx_models.write(
        tmp_path / "mine.onnx", onnx_models.decoder(5, (3, 9, 11), activation="Tanh")
    )
    told = summary(imported(path, range=(-1.0, 1.0), prior="uniform"))
    for fact in ("9x11 in colour", "from -1 to 1", "5 dimensions", "uniform", "without an encoder"):
        assert fact in told


@pytest.mark.parametrize(
    ("shape", "declared", "match"),
    [
        ((8, 8), {"latent": 0}, "--latent is 1 or more, not 0"),
        ((8, 8), {"range": (0.0, 255.0)}, r"mine\.onnx gives values .* --range 0 1"),
        ((150, 140), {}, r"mine\.onnx gives images of 150x140"),
    ],
)
def test_declarations_that_do_not_fit_are_refused(
    tmp_path: Path, checkpoints: Path, shape: tuple[int, ...], declared: dict[str, Any], match: str
) -> None:
    path = onnx_models.write(tmp_path / "mine.onnx", onnx_models.decoder(2, shape))
    with pytest.raises(ValueError, match=match):
        imported(path, **declared)
    assert not list(checkpoints.glob("*"))


def test_errors_of_the_runtime_are_one_sentence(tmp_path: Path, checkpoints: Path) -> None:
    model = onnx_models.decoder(2, (8, 8))
    model.ir_version = 99
    with pytest.raises(CheckpointError, match=r"cannot be loaded: Unsupported .* 99"):
        imported(onnx_models.write(tmp_path / "mine.onnx", model))
