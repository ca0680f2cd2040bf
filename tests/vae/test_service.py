"""The inference API: NumPy in, NumPy out, and a clear message for invalid input."""

import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae import catalog, checkpoint, loading, metrics, service
from vae.cache import ENTRY, LRUCache
from vae.checkpoint import CheckpointError
from vae.dataspec import MNIST
from vae.runtime import torch as torch_runtime
from vae.tensors import to_tensor

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["vae-2d", "vae-5d", "cvae", "ae-2d"]

pytestmark = pytest.mark.usefixtures("shipped")


def codes(count: int, size: int = 2) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, size)).astype(np.float32)


class TestDescription:
    def test_the_plain_vaes_come_first_and_by_size(self) -> None:
        assert service.names() == NAMES

    @pytest.mark.parametrize("name", NAMES)
    def test_info_is_that_of_the_files(self, name: str) -> None:
        info = service.info(name)
        dims = {"vae-5d": 5, "cvae": 3 + 10}.get(name, 2)
        assert (info.name, info.title, info.dims) == (name, "A title", dims)
        conditional = {"conditions", "classifies"} if name == "cvae" else set()
        assert info.abilities == {"encodes", "decodes"} | conditional
        assert sum(block.size for block in info.blocks) == info.dims
        assert len(info.kl) == len(info.active) == info.dims
        assert sorted(info.order) == list(range(info.dims - 10 * bool(conditional)))
        assert info.class_dims == (slice(3, 13) if conditional else None)

    def test_info_orders_dimensions_by_kl(self) -> None:
        info = service.info("vae-5d")
        live = [info.kl[d] for d in info.order if info.active[d]]
        assert live == sorted(live, reverse=True)
        assert [info.active[d] for d in info.order] == sorted(info.active, reverse=True)

    def test_the_kl_of_the_dimensions_adds_up_to_that_of_the_digits(self) -> None:
        for name in ("vae-2d", "vae-5d"):
            total = service.encodings(name).kl.mean()
            assert sum(service.info(name).kl) == pytest.approx(total, rel=1e-2)
        assert service.info("ae-2d").kl == (0, 0), "a point has no KL"

    def test_figures_are_there_once_measured(self) -> None:
        assert service.info("vae-2d").figures == {"elbo": -100.5}
        assert service.info("vae-5d").figures == {}

    def test_encodings_are_shared_and_not_to_be_written_to(self) -> None:
        encodings = service.encodings("vae-2d")
        assert service.load("vae-2d").encodings() is encodings
        with pytest.raises(ValueError, match="read-only"):
            encodings.mean[0] = 0

    @pytest.mark.parametrize("ask", [service.info, service.encodings, service.load])
    @pytest.mark.parametrize("name", ["vae-3d", "", "../..", "no/such/folder"])
    def test_an_unknown_name_raises(self, ask, name: str) -> None:
        with pytest.raises(ValueError, match=r"there is no model .*vae-2d|not a checkpoint|has no"):
            ask(name)
        assert not service.is_loaded(name)

    def test_codes_of_another_model_are_refused(self, checkpoints: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "mixed"))
        shutil.copy(checkpoints / "vae-5d" / checkpoint.ENCODINGS, folder)
        with pytest.raises(
            CheckpointError, match=r"encodings.npz has codes of 5 .* model 2;.*again"
        ):
            service.info(str(folder))

    def test_no_torch_until_a_model_is_loaded(self, checkpoints: Path) -> None:
        script = (
            "import sys; from vae import service\n"
            "for name in service.names(): service.info(name), service.encodings(name)\n"
            "assert len(service.names()) == 4\n"
            "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules\n"
        )
        environment = os.environ | {"LATENT_CHECKPOINTS": str(checkpoints)}
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)


class TestDecode:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_the_model_and_a_sigmoid(self, name: str, checkpoints: Path) -> None:
        model, module = service.load(name), checkpoint.read_model(checkpoints / name)
        z = codes(9, model.info.dims)
        decode: Any = module.decode
        expected = decode(torch.from_numpy(z)).sigmoid()[:, 0].numpy()
        images = model.decode(z)
        assert (images.shape, images.dtype) == ((9, 28, 28), np.float32)
        np.testing.assert_array_equal(images, expected)
        assert 0 <= images.min() <= images.max() <= 1

    def test_results_do_not_depend_on_the_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model, z = service.load("vae-2d"), codes(50)
        whole = model.decode(z)
        for size in (1, 7, 25, 49, 51):
            monkeypatch.setattr(torch_runtime, "chunk_size", lambda spec, size=size: size)
            np.testing.assert_allclose(model.decode(z), whole, atol=1e-6)

    def test_pictures_are_its_grey_levels_and_are_kept(self) -> None:
        model, z = service.load("vae-2d"), codes(50)
        drawn = model.pictures(z)
        assert drawn.dtype == np.uint8
        np.testing.assert_array_equal(drawn, np.rint(255 * model.decode(z)))
        before = model.engine().cache
        assert model.pictures(z.astype(np.float64)) is drawn
        assert model.pictures(z[:1]) is not drawn
        after = model.engine().cache
        assert (after.hits - before.hits, after.lookups - before.lookups) == (1, 2)
        with pytest.raises(ValueError, match="read-only"):
            drawn[0] = 0
        assert len(model.pictures(z[:0])) == 0

    @pytest.mark.parametrize("name", ["vae-2d", "cvae"])
    def test_pictures_of_single_codes_are_decoded_in_one_batch(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model: Any = service.load(name)
        z, calls = codes(12, model.info.dims), []
        draw = model._runtime._decoder

        def count(z: np.ndarray, chunk: int) -> np.ndarray:
            calls.append(len(z))
            return draw(z, chunk)

        monkeypatch.setattr(model._runtime, "_decoder", count)
        drawn = model.pictures_by_code(z)
        # a batch of another size may sum in another order
        assert np.abs(drawn - 255 * model.decode(z)).max() <= 1
        np.testing.assert_array_equal(model.pictures(z[3:4]), drawn[3:4])
        np.testing.assert_array_equal(model.pictures_by_code(z[::-1]), drawn[::-1])
        assert calls == [12]
        with pytest.raises(ValueError, match="finite"):
            model.pictures_by_code(np.full((1, model.info.dims), np.nan, np.float32))

    def test_pictures_of_two_models_are_not_mixed_up(self) -> None:
        z = codes(3)
        one, other = service.load("vae-2d").pictures(z), service.load("ae-2d").pictures(z)
        assert not np.array_equal(one, other)

    @pytest.mark.parametrize("z", [np.zeros((1, 3)), np.full((1, 2), np.nan), np.zeros(2)])
    @pytest.mark.usefixtures("unchecked")
    def test_arrays_that_are_not_codes_are_refused(self, z: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"codes of shape|finite"):
            service.load("vae-2d").pictures(z)

    def test_the_engine_states_the_time_of_one_code(self) -> None:
        model = service.load("vae-2d")
        model.pictures(7 + codes(1))
        engine = model.engine()
        assert engine.device == "cpu"
        assert not engine.half
        assert engine.decode_ms is not None
        assert engine.decode_ms > 0
        assert 0 <= engine.cache.hit_rate <= 1

    @pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint8])
    @pytest.mark.usefixtures("unchecked")
    def test_other_numbers_are_taken_as_they_are(self, dtype: type) -> None:
        model, z = service.load("vae-2d"), np.array([[0, 1], [2, 3]])
        expected = model.decode(z.astype(np.float32))
        np.testing.assert_array_equal(model.decode(z.astype(dtype)), expected)

    def test_the_codes_stay_as_they_were(self) -> None:
        z = codes(5)
        kept = z.copy()
        service.load("vae-2d").decode(z)
        np.testing.assert_array_equal(z, kept)

    def test_views_decode_as_their_copies_do(self) -> None:
        model, wide = service.load("vae-2d"), codes(8, 6)
        np.testing.assert_array_equal(
            model.decode(wide[::2, 1::3]), model.decode(wide[::2, 1::3].copy())
        )

    def test_no_codes_decode_to_no_images(self) -> None:
        model = service.load("vae-2d")
        assert model.decode(np.empty((0, 2), np.float32)).shape == (0, 28, 28)
        mean, logvar = model.encode(np.empty((0, 28, 28), np.float32))
        assert mean.shape == logvar.shape == (0, 2)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("row", [0, 1500])
    def test_nan_and_infinity_are_refused(self, bad: float, row: int) -> None:
        z = codes(1501)
        z[row, 1] = bad
        with pytest.raises(ValueError, match=f"finite numbers; this one has {bad}"):
            service.load("vae-2d").decode(z)

    @pytest.mark.parametrize(
        "z",
        [
            *(np.zeros(2), np.zeros((1, 3)), np.zeros((1, 1, 2)), np.zeros((2, 0)), np.zeros(())),
            *(np.zeros((1, 2), complex), np.zeros((1, 2), bool), np.array([["a", "b"]])),
        ],
        ids=lambda z: f"{z.dtype}{list(z.shape)}",
    )
    @pytest.mark.usefixtures("unchecked")
    def test_another_shape_or_kind_is_refused(self, z: np.ndarray) -> None:
        with pytest.raises(
            ValueError, match=r"vae-2d decodes codes of shape \[N, 2\], not "
        ) as raised:
            service.load("vae-2d").decode(z)
        assert str(list(z.shape)) in str(raised.value)

    @pytest.mark.usefixtures("unchecked")
    def test_out_takes_the_images_where_it_fits(self) -> None:
        model, z = service.load("vae-2d"), codes(6)
        out = np.empty((6, 28, 28), np.float32)
        assert model.decode(z, out) is out
        np.testing.assert_array_equal(out, model.decode(z))
        for shape in ((5, 28, 28), (7, 28, 28), (6, 784), (1, 28, 28)):
            with pytest.raises(ValueError, match=r"6 digits do not fit `out`"):
                model.decode(z, np.empty(shape, np.float32))


class TestEncode:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_the_model(self, name: str, checkpoints: Path, images: np.ndarray) -> None:
        module: Any = checkpoint.read_model(checkpoints / name)
        mean, logvar = service.load(name).encode(images)
        expected = module.encode(to_tensor(images, module.spec))
        assert mean.dtype == logvar.dtype == np.float32
        np.testing.assert_array_equal(mean, expected.code.numpy())
        np.testing.assert_array_equal(logvar, expected.logvar.numpy())

    def test_the_shipped_codes_are_these(self, test_digits) -> None:
        mean, _ = service.load("vae-2d").encode(test_digits.samples[:90] / np.float32(255))
        np.testing.assert_allclose(service.encodings("vae-2d").mean, mean, atol=1e-4)

    def test_results_do_not_depend_on_the_chunks(self, images: np.ndarray, monkeypatch) -> None:
        model = service.load("ae-2d")
        whole = model.encode(images)[0]
        monkeypatch.setattr(torch_runtime, "chunk_size", lambda spec: 3)
        np.testing.assert_allclose(model.encode(images)[0], whole, atol=1e-5)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -0.01, 1.01, 255.0])
    def test_values_out_of_range_are_refused(self, images: np.ndarray, bad: float) -> None:
        images[3, 4, 5] = bad
        with pytest.raises(ValueError, match=r"digits must lie in \[0, 1\]; these reach"):
            service.load("vae-2d").encode(images)

    @pytest.mark.parametrize(
        "x",
        [
            *(
                np.zeros((28, 28)),
                np.zeros((1, 784)),
                np.zeros((1, 1, 28, 28)),
                np.zeros((1, 27, 28)),
            ),
            *(np.zeros((1, 28, 28), np.uint8), np.zeros((1, 28, 28), bool)),
        ],
        ids=lambda x: f"{x.dtype}{list(x.shape)}",
    )
    @pytest.mark.usefixtures("unchecked")
    def test_another_shape_or_kind_is_refused(self, x: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"floats of shape \[N, 28, 28\], not ") as raised:
            service.load("vae-2d").encode(x)
        assert str(list(x.shape)) in str(raised.value)


class TestReconstruct:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_has_the_terms_of_the_elbo(
        self, name: str, checkpoints: Path, images: np.ndarray
    ) -> None:
        module: Any = checkpoint.read_model(checkpoints / name)
        found = service.load(name).reconstruct(images, seed=3)
        expected = metrics.elbo(module, to_tensor(images, module.spec), seed=3)
        np.testing.assert_allclose(found.cross_entropy, expected.cross_entropy, rtol=1e-5)
        np.testing.assert_allclose(found.kl, expected.kl, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found.mean, service.load(name).encode(images)[0])
        assert bool(found.kl.any()) != bool(np.isneginf(found.logvar).all()), "a point has no KL"

    @pytest.mark.parametrize("name", ["vae-2d", "cvae"])
    def test_the_shipped_figures_are_these(self, name: str, test_digits) -> None:
        """Up to the noise of eight codes an image."""
        found = service.load(name).reconstruct(test_digits.samples[:90] / np.float32(255))
        kept = service.encodings(name)
        assert found.cross_entropy.mean() == pytest.approx(kept.cross_entropy.mean(), rel=0.01)
        assert found.kl.mean() == pytest.approx(kept.kl.mean(), abs=0.1)

    def test_chunks_are_sampled_apart(self, images: np.ndarray, monkeypatch) -> None:
        monkeypatch.setattr(torch_runtime, "chunk_size", lambda spec: 3)
        twice = np.repeat(images[:1], 7, axis=0)
        found = service.load("vae-2d").reconstruct(twice)
        assert len(np.unique(found.cross_entropy)) == 7
        np.testing.assert_allclose(found.kl, found.kl[0], rtol=1e-4)

    def test_arrays_that_are_not_images_are_refused(self, images: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"digits must lie in \[0, 1\]"):
            service.load("vae-2d").reconstruct(images * 255)
        with pytest.raises(ValueError, match="classifier is not a model that encodes"):
            service.load("classifier").reconstruct(images)
        assert len(service.load("cvae").reconstruct(images[:0]).kl) == 0


def test_codes_are_drawn_from_the_posterior_of_each_image(images: np.ndarray) -> None:
    few, model = images[:3], service.load("vae-2d")
    mean, logvar = model.encode(few)
    drawn = model.draw(few, 4_000, seed=3)
    assert drawn.shape == (3, 4_000, 2)
    deviation = np.exp(0.5 * logvar)
    assert (np.abs(drawn.mean(1) - mean) < 0.1 * deviation).all()
    assert np.allclose(drawn.std(1), deviation, rtol=0.1)
    assert np.array_equal(drawn, model.draw(few, 4_000, seed=3))
    assert not np.array_equal(drawn, model.draw(few, 4_000, seed=4))


def test_codes_drawn_from_a_point_are_the_point(images: np.ndarray) -> None:
    mean, _ = service.load("ae-2d").encode(images[:3])
    drawn = service.load("ae-2d").draw(images[:3], 4)
    np.testing.assert_allclose(drawn, np.tile(mean[:, None], (1, 4, 1)), rtol=1e-5, atol=1e-5)


def test_a_drawn_code_has_one_class_by_its_probability(images: np.ndarray) -> None:
    model = service.load("cvae")
    classes = model.info.class_dims
    probabilities = model.encode(images[:3])[0][:, classes]
    drawn = model.draw(images[:3], 4_000)[:, :, classes]
    assert set(np.unique(drawn)) <= {0, 1}
    assert (drawn.sum(-1) == 1).all()
    assert np.abs(drawn.mean(1) - probabilities).max() < 0.04


def test_an_ability_that_is_not_there_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "decoder"))
    config = (folder / checkpoint.CONFIG).read_text()
    (folder / checkpoint.CONFIG).write_text(config.replace('"encodes"', '"classifies"'))
    model = service.load(str(folder))
    model.decode(codes(1))
    with pytest.raises(ValueError, match="not a model that encodes; it only classifies, decodes"):
        model.encode(np.zeros((1, 28, 28), np.float32))


@pytest.mark.parametrize("count", [1, 40])
def test_the_callers_number_of_threads_is_restored(count: int, images: np.ndarray) -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            model = service.load("cvae")
            model.decode(codes(count, 13))
            model.encode(images[:count])
            model.classify(images[:count])
            with pytest.raises(ValueError, match="finite"):
                model.decode(np.full((count, 13), np.nan, np.float32))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


class TestConditionalGeneration:
    def test_codes_hold_the_class_and_the_given_z(self) -> None:
        model = service.load("cvae")
        labels, z = np.array([3, 0, 9]), codes(3, 3)
        whole = model.codes(labels, z)
        np.testing.assert_array_equal(whole[:, :3], z)
        np.testing.assert_array_equal(whole[:, model.info.class_dims], np.eye(10)[labels])
        np.testing.assert_array_equal(model.generate(labels, z), model.decode(whole))

    def test_the_seed_determines_the_codes_and_the_temperature_their_spread(self) -> None:
        model = service.load("cvae")
        labels = np.repeat([4, 7], 20)
        one, two = model.generate(labels, seed=1), model.generate(labels, seed=1)
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, model.generate(labels, seed=2))
        spread = [model.codes(labels, seed=1, temperature=t)[:, :3].std() for t in (0.0, 0.5, 1.0)]
        assert spread[0] == 0
        assert spread[2] == pytest.approx(2 * spread[1], rel=1e-5)

    def test_a_model_that_is_not_conditional_refuses(self) -> None:
        with pytest.raises(ValueError, match="vae-2d is not a model that conditions"):
            service.load("vae-2d").generate(np.array([1]))

    @pytest.mark.usefixtures("unchecked")
    def test_a_label_that_is_no_digit_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"from 0 to 9, not \[12\]"):
            service.load("cvae").generate(np.array([12]))


class TestClassifier:
    def test_it_is_not_among_the_names_but_loads(self) -> None:
        assert service.has_classifier()
        assert service.CLASSIFIER not in service.names()
        info = service.load(service.CLASSIFIER).info
        assert (info.dims, info.abilities) == (0, {"classifies"})

    def test_no_classifier_is_among_the_names(
        self, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one called CLASSIFIER is the first of those that know such samples."""
        folder = Path(shutil.copytree(shipped, tmp_path / "checkpoints"))
        monkeypatch.setattr(catalog, "CHECKPOINTS", folder)
        shutil.copytree(folder / "classifier", folder / "another")
        assert service.names() == NAMES
        assert catalog.classifiers(MNIST) == ["classifier", "another"]
        assert catalog.classifiers(replace(MNIST, shape=(3, 32, 32))) == []
        (folder / "vae-2d" / checkpoint.CONFIG).write_text("{")
        assert service.names() == NAMES, "a damaged one is listed, so that it is named as such"

    def test_it_loads_by_its_former_name(self, images: np.ndarray) -> None:
        assert service.has_judge()
        renamed = service.load("judge").classify(images)
        np.testing.assert_array_equal(renamed, service.load(service.JUDGE).classify(images))

    @pytest.mark.parametrize("name", ["classifier", "cvae"])
    def test_probabilities_are_the_models(
        self, name: str, checkpoints: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch_runtime, "chunk_size", lambda spec: 7)
        module: Any = checkpoint.read_model(checkpoints / name)
        expected = module.classify(to_tensor(images, module.spec)).exp().numpy()
        found = service.load(name).classify(images)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)

    def test_a_vae_does_not_classify(self, images: np.ndarray) -> None:
        with pytest.raises(ValueError, match="vae-2d is not a model that classifies"):
            service.load("vae-2d").classify(images)


class TestHistory:
    def test_it_is_what_training_wrote(self, checkpoints: Path) -> None:
        history = service.history("cvae")
        assert history.sheets.shape == (2, 10, 28, 28)
        lines = [
            json.loads(line)
            for line in (checkpoints / "cvae" / "log.jsonl").read_text().splitlines()
        ]
        assert history.curves["loss"].tolist() == [line["loss"] for line in lines]
        assert "epoch" not in history.curves

    def test_a_checkpoint_without_one_has_an_empty_one(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(checkpoints / "cvae", tmp_path / "bare"))
        (folder / "log.jsonl").unlink()
        (folder / checkpoint.TRAINING).unlink()
        history = service.history(str(folder))
        assert history.sheets.shape == (0, 10, 28, 28)
        assert history.curves == {}

    @pytest.mark.parametrize("name", ["log.jsonl", checkpoint.TRAINING])
    def test_a_damaged_one_is_named(self, name: str, checkpoints: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(checkpoints / "cvae", tmp_path / "damaged"))
        (folder / name).write_bytes(b"\x00 nothing")
        with pytest.raises(CheckpointError, match=f"{name} is damaged"):
            service.history(str(folder))


class TestDevice:
    def test_it_is_stated(self) -> None:
        assert service.load("vae-2d").device == "cpu"

    @pytest.mark.parametrize("name", ["nonsense", "meta", "tpu:3"])
    def test_an_unavailable_device_warns(self, name: str, monkeypatch) -> None:
        monkeypatch.setenv("LATENT_DEVICE", name)
        with pytest.warns(RuntimeWarning, match=f"device '{name}' is not available here; using"):
            assert service.choose_device().type in ("cpu", "cuda", "mps")

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_a_model_requested_on_a_missing_gpu_falls_back(self, monkeypatch) -> None:
        monkeypatch.setenv("LATENT_DEVICE", "cuda")
        with pytest.warns(RuntimeWarning, match="'cuda' is not available"):
            model = service.load("vae-2d")
        assert model.decode(codes(1)).shape == (1, 28, 28)

    def test_the_argument_overrides_the_environment(self, monkeypatch) -> None:
        monkeypatch.setenv("LATENT_DEVICE", "nonsense")
        assert service.choose_device("cpu").type == "cpu"


class TestMemory:
    def test_the_least_recently_used_model_is_dropped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = {name: service.load(name).size + ENTRY for name in NAMES}
        service.unload_all()
        capacity = sizes["vae-2d"] + max(sizes["vae-5d"], sizes["ae-2d"])
        monkeypatch.setattr(loading, "_loaded", LRUCache(capacity))
        first = service.load("vae-2d")
        service.load("vae-5d")
        assert service.load("vae-2d") is first
        service.load("ae-2d")
        loaded = [name for name in NAMES if service.is_loaded(name)]
        assert loaded == ["vae-2d", "ae-2d"]

    def test_a_dropped_model_works_while_referenced_and_is_freed_afterwards(self) -> None:
        model: Any = service.load("vae-2d")
        before = model.decode(codes(3))
        service.unload_all()
        np.testing.assert_array_equal(model.decode(codes(3)), before)
        weights = weakref.ref(model._runtime._model)
        del model
        gc.collect()
        assert weights() is None

    def test_a_model_larger_than_the_limit_is_kept_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading, "MEMORY", 2 * ENTRY)
        monkeypatch.setattr(loading, "_loaded", LRUCache(2 * ENTRY))
        for name in ("vae-2d", "vae-5d"):
            assert service.load(name) is service.load(name)
        assert not service.is_loaded("vae-2d")

    def test_encodings_are_kept_by_their_size(self, checkpoints: Path) -> None:
        kept = [service.encodings(name) for name in NAMES]
        arrays = [array for each in kept for array in each.arrays]
        expected = sum(array.nbytes for array in arrays) + len(NAMES) * ENTRY
        assert service.encodings.cache_size == expected


class TestManyVisitors:
    def test_a_load_does_not_block_the_lookup_of_another_model(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service.load("vae-2d")
        started, release, read = threading.Event(), threading.Event(), checkpoint.read_model

        def slow(*args: Any) -> Any:
            started.set()
            assert release.wait(60)
            return read(*args)

        monkeypatch.setattr(checkpoint, "read_model", slow)
        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(service.load, "vae-5d")
            assert started.wait(60)
            try:
                assert pool.submit(service.load, "vae-2d").result(60).info.name == "vae-2d"
                assert not service.is_loaded("vae-5d")
            finally:
                release.set()
            assert other.result(60).info.name == "vae-5d"

    def test_eight_concurrent_loads_return_one_model(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reads, read = [], checkpoint.read_model

        def counting(*args: Any) -> Any:
            reads.append(1)
            return read(*args)

        monkeypatch.setattr(checkpoint, "read_model", counting)
        assert not service.is_loaded("vae-2d")
        with ThreadPoolExecutor(8) as pool:
            models = list(pool.map(service.load, ["vae-2d"] * 8))
        assert len({id(model) for model in models}) == len(reads) == 1
        assert service.is_loaded("vae-2d")

    def test_eight_concurrent_decodes_return_their_own_images(self) -> None:
        model = service.load("vae-5d")
        asked = [codes(count, 5) for count in range(1, 41)]
        alone = [model.decode(z) for z in asked]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(model.decode, asked))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)

    def test_a_load_that_failed_is_tried_again(self, checkpoints: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "mended"))
        whole = (folder / checkpoint.WEIGHTS).read_bytes()
        (folder / checkpoint.WEIGHTS).write_bytes(whole[:1000])
        with pytest.raises(CheckpointError, match="truncated"):
            service.load(str(folder))
        assert not service.is_loaded(str(folder))
        (folder / checkpoint.WEIGHTS).write_bytes(whole)
        service.load(str(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in use from /proc")
def test_many_images_stream_through_little_memory(checkpoints: Path, tmp_path: Path) -> None:
    """50,000 images are 157 MB as float32; decoding them takes a fraction of that."""
    script = f"""
import numpy as np
from vae import service
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))
model = service.load("vae-2d")
model.decode(np.zeros((2048, 2), np.float32))
out = np.memmap({str(tmp_path / "images")!r}, np.float16, "w+", shape=(50_000, 28, 28))
z = np.random.default_rng(0).standard_normal((50_000, 2)).astype(np.float32)
before = anonymous()
model.decode(z, out)
grown = anonymous() - before
assert grown < 80, f"{{grown}} MB more"
np.testing.assert_allclose(out[-3:], model.decode(z[-3:]), atol=1e-3)
"""
    environment = os.environ | {"LATENT_CHECKPOINTS": str(checkpoints), "LATENT_DEVICE": "cpu"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    (tmp_path / "images").unlink()
