"""Small ONNX graphs that the tests write to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import TensorProto, helper, numpy_helper

FLOAT, DOUBLE, HALF = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16
Axes = Sequence["int | str"]


def constant(name: str, values: object, dtype: DTypeLike = np.float32) -> TensorProto:
    """An initializer."""
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def model(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[TensorProto] = (),
    *,
    inputs: Mapping[str, Axes],
    outputs: Mapping[str, Axes],
    dtype: int = FLOAT,
    domains: Sequence[str] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    """A model of these nodes; shapes by the names of inputs and outputs."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, dtype, list(axes)) for name, axes in inputs.items()],
        [helper.make_tensor_value_info(name, dtype, list(axes)) for name, axes in outputs.items()],
        list(initializers),
    )
    opsets = [helper.make_opsetid("", 20), *(helper.make_opsetid(name, 1) for name in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def decoder(
    latent: int,
    shape: Sequence[int],
    *,
    batch: int | str = "batch",
    reshaped: int = 0,
    activation: str = "Sigmoid",
    name: str = "images",
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    """activation(z W + b) as images of a shape; W and b are random. `reshaped` is the number of
    samples in the graph's reshape, 0 for any."""
    rng, values = np.random.default_rng(0), int(np.prod(shape))
    array = helper.tensor_dtype_to_np_dtype(dtype)
    initializers = [
        constant("w", rng.standard_normal((latent, values)), array),
        constant("b", rng.standard_normal(values), array),
        constant("shape", [reshaped, *shape], np.int64),
    ]
    nodes = [
        helper.make_node("Gemm", ["z", "w", "b"], ["h"]),
        helper.make_node(activation, ["h"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], [name]),
    ]
    return model(
        nodes,
        initializers,
        inputs={"z": [batch, latent]},
        outputs={name: [batch, *shape]},
        dtype=dtype,
    )


def encoder(
    shape: Sequence["int | str"], latent: int, *, outputs: Sequence[str] = ("mean", "logvar")
) -> onnx.ModelProto:
    """Two linear maps of the flat image; W is random, from the sums of the image's rows."""
    values = int(np.prod([axis for axis in shape if isinstance(axis, int)]))
    rng = np.random.default_rng(1)
    nodes = [helper.make_node("Flatten", ["x"], ["flat"])]
    initializers = []
    for index, name in enumerate(outputs):
        weights = rng.standard_normal((values, latent)) / values
        initializers.append(constant(f"w{index}", weights))
        nodes.append(helper.make_node("MatMul", ["flat", f"w{index}"], [name]))
    return model(
        nodes,
        initializers,
        inputs={"x": ["batch", *shape]},
        outputs={name: ["batch", latent] for name in outputs},
    )


def square_root(latent: int) -> onnx.ModelProto:
    """A decoder that gives NaN for negative codes: the root of their mean, as 8x8 images."""
    nodes = [
        helper.make_node("ReduceMean", ["z", "axes"], ["mean"]),
        helper.make_node("Sqrt", ["mean"], ["root"]),
        helper.make_node("Mul", ["root", "ones"], ["images"]),
    ]
    return model(
        nodes,
        [constant("ones", np.ones((1, 64))), constant("axes", [1], np.int64)],
        inputs={"z": ["batch", latent]},
        outputs={"images": ["batch", 64]},
    )


def write(path: Path, proto: onnx.ModelProto) -> Path:
    """Write a model; returns the path."""
    path.write_bytes(proto.SerializeToString())
    return path
