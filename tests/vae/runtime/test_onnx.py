"""Imported networks: every layout, range and batch that the contract allows, and a sentence for
each that it does not."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from tests.vae.runtime import onnx_models
from vae.checkpoint import CheckpointError
from vae.dataspec import DataSpec
from vae.latent import LatentBlock
from vae.runtime import onnx_session
from vae.runtime.onnx import OnnxRuntime
from vae.runtime.onnx_model import as_model
from vae.runtime.onnx_networks import Conversion

ROOT = Path(__file__).resolve().parents[3]
GREY = DataSpec("image", (1, 8, 8), "bernoulli", ("a", "b", "c"))
COLOUR = DataSpec("image", (3, 9, 10), "bernoulli")
Z = (LatentBlock("z", 3, "normal"),)


def runtime(
    folder: Path,
    decoder: onnx.ModelProto | None = None,
    encoder: onnx.ModelProto | None = None,
    spec: DataSpec = GREY,
    blocks: Sequence[LatentBlock] = Z,
    **conversion: Any,
) -> OnnxRuntime:
    decoder = decoder or onnx_models.decoder(3, spec.shape)
    path = onnx_models.write(folder / "decoder.onnx", decoder)
    other = onnx_models.write(folder / "encoder.onnx", encoder) if encoder else None
    return OnnxRuntime(path, other, spec, blocks, Conversion(**conversion))


def decoded(model: OnnxRuntime, z: np.ndarray) -> np.ndarray:
    images = np.full((len(z), *model.spec.array_shape), np.nan, np.float32)
    model.decode(z, images)
    return images


def codes(count: int, size: int = 3) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, size)).astype(np.float32)


class TestDecoder:
    def test_images_are_those_of_the_graph(self, tmp_path: Path) -> None:
        proto, z = onnx_models.decoder(3, (1, 8, 8)), codes(5)
        weights = {w.name: onnx.numpy_helper.to_array(w) for w in proto.graph.initializer}
        expected = 1 / (1 + np.exp(-(z @ weights["w"] + weights["b"])))
        images = decoded(runtime(tmp_path, proto), z)
        np.testing.assert_allclose(images, expected.reshape(5, 8, 8), atol=1e-6)

    @pytest.mark.parametrize("spec", [GREY, COLOUR], ids=["grey", "colour"])
    def test_layouts_give_the_same_images(self, tmp_path: Path, spec: DataSpec) -> None:
        channels, height, width = spec.shape
        first = decoded(runtime(tmp_path, spec=spec), codes(4))
        assert first.shape == (4, *spec.array_shape)
        flat = runtime(tmp_path, onnx_models.decoder(3, [channels * height * width]), spec=spec)
        np.testing.assert_array_equal(decoded(flat, codes(4)), first)
        last = onnx_models.decoder(3, (height, width, channels))
        images = decoded(runtime(tmp_path, last, spec=spec), codes(4))
        values = first.reshape(4, height, width, channels).transpose(0, 3, 1, 2).ravel()
        np.testing.assert_array_equal(images.ravel(), values)  # the same in another order
        flat = onnx_models.decoder(3, [channels * height * width])
        by_pixel = decoded(runtime(tmp_path, flat, spec=spec, order="HWC"), codes(4))
        np.testing.assert_array_equal(by_pixel, images)

    @pytest.mark.parametrize(
        ("activation", "low", "high"), [("Tanh", -1.0, 1.0), ("Sigmoid", 0.0, 1.0)]
    )
    def test_values_are_scaled_from_their_range(
        self, tmp_path: Path, activation: str, low: float, high: float
    ) -> None:
        proto = onnx_models.decoder(3, (8, 8), activation=activation)
        images = decoded(runtime(tmp_path, proto, range=(low, high)), codes(50))
        assert images.min() >= 0
        assert images.max() <= 1
        assert images.std() > 0.2

    def test_logits_become_their_means(self, tmp_path: Path) -> None:
        logits = onnx_models.decoder(3, (8, 8), activation="Identity", name="logits")
        means = decoded(runtime(tmp_path, onnx_models.decoder(3, (8, 8))), codes(9))
        found = decoded(runtime(tmp_path, logits, logits=True), codes(9))
        np.testing.assert_allclose(found, means, atol=1e-6)

    @pytest.mark.parametrize("count", [0, 1, 4, 5])
    @pytest.mark.parametrize(
        ("batch", "reshaped"),
        [("batch", 0), (1, 1), (4, 4), ("batch", 1)],
        ids=["any", "one", "four", "one, undeclared"],
    )
    def test_batches_of_any_size(
        self, tmp_path: Path, batch: int | str, reshaped: int, count: int
    ) -> None:
        proto = onnx_models.decoder(3, (8, 8), batch=batch, reshaped=reshaped)
        images = decoded(runtime(tmp_path, proto), codes(count))
        free = decoded(runtime(tmp_path, onnx_models.decoder(3, (8, 8))), codes(count))
        np.testing.assert_allclose(images, free, atol=1e-6)

    @pytest.mark.parametrize("dtype", [onnx_models.DOUBLE, onnx_models.HALF])
    def test_other_float_types(self, tmp_path: Path, dtype: int) -> None:
        images = decoded(runtime(tmp_path, onnx_models.decoder(3, (8, 8), dtype=dtype)), codes(3))
        single = decoded(runtime(tmp_path, onnx_models.decoder(3, (8, 8))), codes(3))
        np.testing.assert_allclose(images, single, atol=0.01)

    def test_parameters_of_another_shape_are_refused(self, tmp_path: Path) -> None:
        proto = onnx_models.decoder(3, (8, 8))  # h, its hidden layer, is flat
        proto.graph.node.append(helper.make_node("Identity", ["h"], ["parameters"]))
        output = helper.make_tensor_value_info("parameters", onnx_models.FLOAT, ["batch", 64])
        proto.graph.output.append(output)
        with pytest.raises(
            CheckpointError, match=r"gives parameters of shape \[64\] .*, not \[1, 8, 8\], those of"
        ):
            as_model(runtime(tmp_path, proto)).decode(torch.zeros(2, 3))

    def test_threads_share_a_decoder(self, tmp_path: Path) -> None:
        model = runtime(tmp_path)
        expected = [decoded(model, codes(count)) for count in range(1, 9)]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                found = list(pool.map(lambda count: decoded(model, codes(count)), range(1, 9)))
                for one, other in zip(found, expected, strict=True):
                    np.testing.assert_allclose(one, other, atol=1e-6)

    def test_the_size_in_memory_grows_with_the_file(self, tmp_path: Path) -> None:
        assert runtime(tmp_path).size >= (tmp_path / "decoder.onnx").stat().st_size


def random_images() -> onnx.ModelProto:
    """A decoder with noise of its own."""
    proto = onnx_models.decoder(3, (64,))
    proto.graph.node.insert(0, helper.make_node("RandomNormalLike", ["z"], ["noise"]))
    proto.graph.node.insert(1, helper.make_node("Add", ["z", "noise"], ["noisy"]))
    proto.graph.node[2].input[0] = "noisy"
    return proto


def batch_statistics() -> onnx.ModelProto:
    """A decoder that subtracts the mean code of the batch."""
    proto = onnx_models.decoder(3, (64,))
    proto.graph.initializer.append(onnx_models.constant("axes", [0], np.int64))
    proto.graph.node.insert(0, helper.make_node("ReduceMean", ["z", "axes"], ["mean"]))
    proto.graph.node.insert(1, helper.make_node("Sub", ["z", "mean"], ["centred"]))
    proto.graph.node[2].input[0] = "centred"
    return proto


def two_inputs() -> onnx.ModelProto:
    axes: dict[str, Any] = {
        "inputs": {"z": ["n", 3], "y": ["n", 3]},
        "outputs": {"images": ["n", 3]},
    }
    return onnx_models.model([helper.make_node("Add", ["z", "y"], ["images"])], **axes)


def two_outputs() -> onnx.ModelProto:
    axes: dict[str, Any] = {"inputs": {"z": ["n", 3]}, "outputs": {"a": ["n", 3], "b": ["n", 3]}}
    nodes = [helper.make_node("Relu", ["z"], [name]) for name in "ab"]
    return onnx_models.model(nodes, **axes)


def whole_number_codes() -> onnx.ModelProto:
    axes: dict[str, Any] = {"inputs": {"z": ["n", 3]}, "outputs": {"images": ["n", 3]}}
    nodes = [helper.make_node("Identity", ["z"], ["images"])]
    return onnx_models.model(nodes, dtype=onnx.TensorProto.INT64, **axes)


def unknown_operator() -> onnx.ModelProto:
    axes: dict[str, Any] = {"inputs": {"z": ["n", 3]}, "outputs": {"images": ["n", 3]}}
    return onnx_models.model([helper.make_node("Foo", ["z"], ["images"])], **axes)


def two_images_a_code() -> onnx.ModelProto:
    proto = onnx_models.decoder(3, (64,))
    proto.graph.node.append(helper.make_node("Concat", ["images", "images"], ["both"], axis=0))
    proto.graph.output[0].name = "both"
    return proto


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "another latent size": (
        lambda: onnx_models.decoder(5, (8, 8)),
        r"takes inputs of shape \[N, 5\], not codes of shape \[N, 3\]; import it with --latent 5",
    ),
    "codes of two axes": (
        lambda: onnx_models.model(
            [helper.make_node("Identity", ["z"], ["images"])],
            inputs={"z": ["n", 3, 1, 1]},
            outputs={"images": ["n", 3, 1, 1]},
        ),
        r"takes inputs of shape \[N, 3, 1, 1\], not codes .*\[N, 3\]; reshape them in it",
    ),
    "another image size": (
        lambda: onnx_models.decoder(3, (8, 9)),
        r"gives images of shape \[8, 9\] for each code, not an image of shape \[1, 8, 8\].*--shape",
    ),
    "colour": (lambda: onnx_models.decoder(3, (3, 8, 8)), r"of shape \[3, 8, 8\] for each code"),
    "values beyond the range": (
        lambda: onnx_models.decoder(3, (8, 8), activation="Tanh"),
        r"gives values from -\S+ to \S+, outside of the range 0 to 1; declare .*--range -1 1, or",
    ),
    "NaN": (
        lambda: onnx_models.square_root(3),
        "gives NaN in its output images; check the model's weights",
    ),
    "noise": (random_images, "gives different images for the same code; export the model in eval"),
    "batch statistics": (batch_statistics, "different images for the same code; export the model"),
    "two inputs": (two_inputs, r"has 2 inputs \(z, y\), not one; join them"),
    "two outputs": (two_outputs, "has the outputs a, b, none of them called images; rename it"),
    "whole-number codes": (whole_number_codes, r"takes tensor\(int64\), not .* export it with a"),
    "an unknown operator": (unknown_operator, "cannot be loaded: .*Foo.*; export the model again"),
    "two images a code": (
        two_images_a_code,
        r"gives both of shape \[2, 64\] for 1 inputs; its first axis must be that of the batch",
    ),
    "a fixed reshape": (
        lambda: onnx_models.decoder(3, (8, 8), reshaped=7),
        r"fails for an input of shape \[1, 3\]: .*; export the model again",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_decoder_that_breaks_the_contract_is_refused(tmp_path: Path, name: str) -> None:
    make, sentence = REFUSED[name]
    with pytest.raises(CheckpointError, match=sentence) as raised:
        runtime(tmp_path, make())
    assert str(raised.value).startswith(str(tmp_path / "decoder.onnx"))
    assert "\n" not in str(raised.value)


class TestEncoder:
    @pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8, 1), (8, 8), (64,), ("c", "h", "w")])
    def test_layouts_give_the_same_codes(self, tmp_path: Path, shape: tuple) -> None:
        proto = onnx_models.encoder((1, 8, 8), 3)
        images = np.random.default_rng(0).random((5, 8, 8), np.float32)
        mean, logvar = runtime(tmp_path, encoder=proto).encode(images)
        assert mean.shape == logvar.shape == (5, 3)
        for axis, size in zip(
            proto.graph.input[0].type.tensor_type.shape.dim[1:], shape, strict=False
        ):
            axis.Clear()
            if isinstance(size, int):
                axis.dim_value = size
            else:
                axis.dim_param = size
        del proto.graph.input[0].type.tensor_type.shape.dim[1 + len(shape) :]
        again, _ = runtime(tmp_path, encoder=proto).encode(images)
        np.testing.assert_allclose(again, mean, atol=1e-6)

    def test_channels_last_is_told_from_channels_first(self, tmp_path: Path) -> None:
        images = np.random.default_rng(0).random((2, 9, 10, 3), np.float32)
        first, _ = runtime(
            tmp_path, encoder=onnx_models.encoder((3, 9, 10), 3), spec=COLOUR
        ).encode(images)
        last, _ = runtime(tmp_path, encoder=onnx_models.encoder((9, 10, 3), 3), spec=COLOUR).encode(
            images
        )
        weights = onnx.numpy_helper.to_array(
            onnx_models.encoder((9, 10, 3), 3).graph.initializer[0]
        )
        np.testing.assert_allclose(last, images.reshape(2, -1) @ weights, atol=1e-5)
        flat = images.transpose(0, 3, 1, 2).reshape(2, -1)
        np.testing.assert_allclose(first, flat @ weights, atol=1e-5)

    def test_a_range_holds_for_the_encoder_too(self, tmp_path: Path) -> None:
        proto, images = onnx_models.encoder((64,), 3), np.ones((2, 8, 8), np.float32)
        wide = {"decoder": onnx_models.decoder(3, (8, 8), activation="Tanh"), "range": (-1.0, 1.0)}
        in_unit, _ = runtime(tmp_path, encoder=proto).encode(images / 2)
        in_both, _ = runtime(tmp_path, encoder=proto, **wide).encode(images * 0.75)
        np.testing.assert_allclose(in_both, in_unit, atol=1e-6)  # 0.75 in -1..1 is 0.5

    def test_a_mean_alone_is_a_point(self, tmp_path: Path) -> None:
        proto = onnx_models.encoder((8, 8), 3, outputs=("code",))
        _, logvar = runtime(tmp_path, encoder=proto).encode(np.zeros((2, 8, 8), np.float32))
        assert np.isneginf(logvar).all()

    def test_without_an_encoder_nothing_is_encoded(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="without an encoder; import it with --encoder"):
            runtime(tmp_path).encode(np.zeros((2, 8, 8), np.float32))

    @pytest.mark.parametrize(
        ("proto", "sentence"),
        [
            (
                onnx_models.encoder((9, 9), 3),
                r"takes inputs of shape \[9, 9\], not images of shape \[1, 8, 8\] or .*; export it",
            ),
            (
                onnx_models.encoder((8, 8), 4),
                r"gives mean of shape \[4\] for each image, not \[3\]; the decoder takes codes",
            ),
            (
                onnx_models.encoder((8, 8), 3, outputs=("mu", "sigma")),
                "has the outputs mu, sigma, none of them called mean; rename it",
            ),
        ],
        ids=["image size", "latent size", "names"],
    )
    def test_an_encoder_that_does_not_fit_is_refused(
        self, tmp_path: Path, proto: onnx.ModelProto, sentence: str
    ) -> None:
        with pytest.raises(CheckpointError, match=sentence) as raised:
            runtime(tmp_path, encoder=proto)
        assert str(raised.value).startswith(str(tmp_path / "encoder.onnx"))

    def test_a_class_is_given_by_probabilities(self, tmp_path: Path) -> None:
        blocks = (LatentBlock("class", 3, "categorical", "class"),)
        model = runtime(tmp_path, encoder=onnx_models.encoder((8, 8), 3), blocks=blocks)
        with pytest.raises(CheckpointError, match="no probabilities; end it with a softmax"):
            model.encode(np.ones((2, 8, 8), np.float32))

    def test_infinite_codes_are_refused(self, tmp_path: Path) -> None:
        proto = onnx_models.encoder((8, 8), 3)
        proto.graph.initializer.append(onnx_models.constant("zero", [0.0]))
        proto.graph.node[1].output[0] = "product"
        proto.graph.node.append(helper.make_node("Abs", ["product"], ["size"]))
        proto.graph.node.append(helper.make_node("Exp", ["size"], ["positive"]))
        proto.graph.node.append(helper.make_node("Div", ["positive", "zero"], ["mean"]))
        with pytest.raises(CheckpointError, match="gives infinite codes; check its weights"):
            runtime(tmp_path, encoder=proto)


class TestLimits:
    def test_a_loop_without_end_is_terminated(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        info = helper.make_tensor_value_info
        body = helper.make_graph(
            [
                helper.make_node("Identity", ["again"], ["more"]),
                helper.make_node("Neg", ["before"], ["after"]),
            ],
            "body",
            [
                info("step", onnx.TensorProto.INT64, []),
                info("again", onnx.TensorProto.BOOL, []),
                info("before", onnx.TensorProto.FLOAT, None),
            ],
            [
                info("more", onnx.TensorProto.BOOL, []),
                info("after", onnx.TensorProto.FLOAT, None),
            ],
        )
        endless = onnx_models.model(
            [helper.make_node("Loop", ["", "yes", "z"], ["images"], body=body)],
            [onnx_models.constant("yes", True, bool)],
            inputs={"z": ["n", 3]},
            outputs={"images": ["n", 3]},
        )
        monkeypatch.setattr(onnx_session, "SECONDS", 0.3)
        with pytest.raises(CheckpointError, match=r"it takes over 0\.3 s; export the model again"):
            runtime(tmp_path, endless)

    def test_memory_is_limited(self, tmp_path: Path) -> None:
        """Neither the run nor the load, which would compute constants, takes the memory."""
        values = onnx_session.MEMORY // 4 + 1
        greedy = onnx_models.model(
            [
                helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
                helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
                helper.make_node("Add", ["z", "zero"], ["images"]),
            ],
            [onnx_models.constant("many", [values], np.int64)],
            inputs={"z": ["n", 3]},
            outputs={"images": ["n", 3]},
        )
        with pytest.raises(
            CheckpointError, match=r"fails for an input .*it needs more than 1024 MB .*; export"
        ):
            runtime(tmp_path, greedy)


class TestOtherLibraries:
    @pytest.mark.filterwarnings("ignore::FutureWarning")  # of the exporter, about its own code
    def test_a_decoder_that_torch_exported(self, tmp_path: Path, unchecked: None) -> None:
        network = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid()).eval()
        path = tmp_path / "decoder.onnx"
        export = partial(torch.onnx.export, network, (torch.zeros(1, 3),), path, verbose=False)
        export()  # by default, the weights are in a second file
        with pytest.raises(CheckpointError, match="save it as one file, with external_data=False"):
            OnnxRuntime(path, None, GREY, Z, Conversion())
        export(external_data=False)
        model = OnnxRuntime(path, None, GREY, Z, Conversion())
        with torch.no_grad():
            expected = network(torch.from_numpy(codes(4))).numpy()
        np.testing.assert_allclose(decoded(model, codes(4)).reshape(4, 64), expected, atol=1e-6)

    def test_a_regressor_that_scikit_learn_trained(self, tmp_path: Path) -> None:
        skl2onnx = pytest.importorskip("skl2onnx")
        from sklearn.neural_network import MLPRegressor

        z = codes(40)
        network = MLPRegressor(hidden_layer_sizes=(8,), max_iter=500, random_state=0)
        network.fit(z, np.clip(0.5 + 0.1 * z @ codes(3, 64), 0, 1))
        content = skl2onnx.to_onnx(network, z[:1], target_opset=20).SerializeToString()
        (tmp_path / "decoder.onnx").write_bytes(content)
        model = OnnxRuntime(tmp_path / "decoder.onnx", None, GREY, Z, Conversion())
        expected = np.clip(network.predict(z), 0, 1)
        np.testing.assert_allclose(decoded(model, z).reshape(40, 64), expected, atol=1e-5)


def test_onnx_runtime_is_imported_with_the_first_graph(tmp_path: Path) -> None:
    onnx_models.write(tmp_path / "decoder.onnx", onnx_models.decoder(3, (8, 8)))
    code = f"""
import sys
from pathlib import Path
import vae.service
from vae.runtime.onnx import OnnxRuntime
from vae.runtime.onnx_networks import Conversion
from vae.dataspec import DataSpec
from vae.latent import LatentBlock
assert "onnxruntime" not in sys.modules and "torch" not in sys.modules
spec, z = DataSpec("image", (1, 8, 8), "bernoulli"), [LatentBlock("z", 3, "normal")]
OnnxRuntime(Path({str(tmp_path / "decoder.onnx")!r}), None, spec, z, Conversion())
assert "onnxruntime" in sys.modules and "onnx" not in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"range": (1.0, 0.0)}, "the range 1 0 is empty; give two increasing numbers"),
        ({"range": (0.0, float("nan"))}, "the range 0 nan is empty"),
        ({"order": "WHC"}, re.escape("order 'WHC' is not one of CHW, HWC")),
    ],
)
def test_a_conversion_is_checked(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Conversion(**settings)
