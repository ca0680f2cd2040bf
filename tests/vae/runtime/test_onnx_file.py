"""What an ONNX file may contain: each refusal has one sentence with the file and the remedy."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.vae.runtime import onnx_models
from vae.checkpoint import CheckpointError
from vae.runtime import onnx_file

AXES: dict[str, Any] = {"inputs": {"z": ["batch", 2]}, "outputs": {"images": ["batch", 4]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decoder.onnx"


def external(name: str = "w", location: str = "weights.bin") -> TensorProto:
    """A tensor whose values are in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[2, 4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "32"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def matmul(*before: onnx.NodeProto) -> list[onnx.NodeProto]:
    return [*before, helper.make_node("MatMul", ["z", "w"], ["images"])]


def in_constant(tensor: TensorProto) -> onnx.ModelProto:
    return onnx_models.model(matmul(helper.make_node("Constant", [], ["w"], value=tensor)), **AXES)


def branch(node: onnx.NodeProto, *initializers: TensorProto) -> onnx.ModelProto:
    """A model with an If, whose branches are one node."""
    graph = helper.make_graph(
        [node],
        "branch",
        [],
        [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)],
        list(initializers),
    )
    choice = helper.make_node("If", ["yes"], ["images"], then_branch=graph, else_branch=graph)
    return onnx_models.model([choice], [onnx_models.constant("yes", True, bool)], **AXES)


def sparse(tensor: TensorProto) -> onnx.ModelProto:
    value = onnx.SparseTensorProto(values=tensor, dims=[2, 4])
    return onnx_models.model(
        matmul(helper.make_node("Constant", [], ["w"], sparse_value=value)), **AXES
    )


def unlabelled(tensor: TensorProto) -> TensorProto:
    """The same tensor without its data_location, so that the reference alone remains."""
    tensor.ClearField("data_location")
    return tensor


EXTERNAL: dict[str, Callable[[], onnx.ModelProto]] = {
    "initializer": lambda: onnx_models.model(matmul(), [external()], **AXES),
    "initializer elsewhere": lambda: onnx_models.model(
        matmul(), [external(location="/etc/hostname")], **AXES
    ),
    "address in memory": lambda: onnx_models.model(
        matmul(), [external(location="*/_ORT_MEM_ADDR_/*")], **AXES
    ),
    "constant": lambda: in_constant(external()),
    "sparse constant": lambda: sparse(external()),
    "branch": lambda: branch(helper.make_node("MatMul", ["z", "w"], ["y"]), external()),
    "without its location field": lambda: in_constant(unlabelled(external())),
}


@pytest.mark.parametrize("place", EXTERNAL)
def test_external_data_are_refused_wherever_they_are(path: Path, place: str) -> None:
    onnx_models.write(path, EXTERNAL[place]())
    (path.parent / "weights.bin").write_bytes(np.ones(8, np.float32).tobytes())
    with pytest.raises(CheckpointError, match=r"decoder\.onnx refers to another file .* save it"):
        onnx_file.read(path)


CUSTOM: dict[str, Callable[[], onnx.ModelProto]] = {
    "graph": lambda: onnx_models.model(
        [helper.make_node("Foo", ["z"], ["images"], domain="my.ops")], domains=["my.ops"], **AXES
    ),
    "branch": lambda: branch(helper.make_node("Foo", ["z"], ["y"], domain="my.ops")),
}


@pytest.mark.parametrize("place", CUSTOM)
def test_operators_outside_the_standard_are_refused(path: Path, place: str) -> None:
    onnx_models.write(path, CUSTOM[place]())
    with pytest.raises(CheckpointError, match=r"operator Foo of the domain my\.ops; export the"):
        onnx_file.read(path)


def test_a_domain_that_no_operator_uses_is_accepted(path: Path) -> None:
    proto = onnx_models.model(
        matmul(), [onnx_models.constant("w", np.ones((2, 4)))], domains=["com.microsoft"], **AXES
    )
    onnx_models.write(path, proto)
    assert onnx_file.read(path) == proto.SerializeToString()


def test_functions_are_refused(path: Path) -> None:
    body = [helper.make_node("Relu", ["x"], ["y"])]
    function = helper.make_function("my", "F", ["x"], ["y"], body, [helper.make_opsetid("", 20)])
    nodes = [helper.make_node("F", ["z"], ["images"], domain="my")]
    proto = onnx_models.model(nodes, domains=["my"], functions=[function], **AXES)
    onnx_models.write(path, proto)
    with pytest.raises(CheckpointError, match=r"functions of its own; inline them|domain my;"):
        onnx_file.read(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    {
        "nothing": (b"", "it has no graph; export the model again"),
        "a pickle": (pickle.dumps({"weights": [1.0] * 99}), "export the model again"),
        "a zip": (b"PK\x03\x04" + bytes(99), "export the model again"),
        "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n", "export the model"),
        "ONNX Runtime's own format": (b"\x20\0\0\0ORTM" + bytes(99), "export the model again"),
        "a JSON": (b'{"latent": 2}', "export the model again"),
    }.values(),
)
def test_a_file_of_another_format_is_refused(path: Path, content: bytes, sentence: str) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"decoder\.onnx is .*{sentence}"):
        onnx_file.read(path)


def test_a_truncated_file_is_refused(path: Path) -> None:
    content = onnx_models.decoder(2, (8, 8)).SerializeToString()
    for length in range(20, len(content) - 60, 97):  # within the graph, the longest field
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="is truncated or is no ONNX file"):
            onnx_file.read(path)


def test_a_damaged_file_raises_no_other_error(path: Path) -> None:
    content, rng = onnx_models.decoder(2, (8, 8)).SerializeToString(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=40):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            onnx_file.read(path)
        except CheckpointError:
            refused += 1
    assert refused > 30


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path, Path("/dev/zero")):
        with pytest.raises(CheckpointError, match=f"{re.escape(str(path))} does not exist or is"):
            onnx_file.read(path)


def test_a_file_beyond_the_limit_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(onnx_file.BYTES + 1)  # sparse: it takes no space
    with pytest.raises(CheckpointError, match="has 256 MB, and a model may have 256 MB; export a"):
        onnx_file.read(path)


def test_a_graph_beyond_the_limit_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx_models.write(path, onnx_models.decoder(2, (8, 8)))
    onnx_file.read(path)
    monkeypatch.setattr(onnx_file, "FIELDS", 20)
    with pytest.raises(CheckpointError, match="more than 20 fields"):
        onnx_file.read(path)


def test_every_way_to_an_operator_or_a_tensor_is_examined() -> None:
    """The reader's table has every field of onnx.proto through which one can be reached."""
    messages, left = {}, [onnx.ModelProto.DESCRIPTOR]
    while left:
        message = left.pop()
        messages[message.name] = {
            field.number: field.message_type for field in message.fields if field.message_type
        }
        left += [child for child in messages[message.name].values() if child.name not in messages]
    useful = {"NodeProto", "TensorProto", "FunctionProto"}
    while more := {
        name
        for name, children in messages.items()
        if name not in useful and any(child.name in useful for child in children.values())
    }:
        useful |= more
    assert {
        name.removesuffix("Proto"): {
            number: child.name.removesuffix("Proto")
            for number, child in messages[name].items()
            if child.name in useful
        }
        for name in useful
    } == onnx_file.MESSAGES
