"""Reads an ONNX file and refuses what could reach beyond its bytes. Imports no onnx package.

ONNX Runtime reads other files where a tensor names one, and expands functions without a limit, so
the file is examined before it is loaded. An ONNX file is a protobuf message, defined in onnx.proto;
the tables below hold the fields of it that matter here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vae.checkpoint import CheckpointError

BYTES = 256 << 20  # the largest file
FIELDS = 2_000_000  # protobuf fields of the largest graph; a transformer of 12 layers has 20,000
DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}  # of the operators in the ONNX standard

# message -> number of the field -> type of the message in it: all ways to an operator or a tensor
MESSAGES: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {
        **{5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph"},
        **{22: "SparseTensor", 23: "SparseTensor"},
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
NODE_OPERATOR, NODE_DOMAIN = 4, 7
TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 13, 14
VARINT, FIXED64, BYTES_FIELD, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are not in use

Field = tuple[int, "int | memoryview"]  # number, value; fixed-width values are left out


def read(path: Path) -> bytes:
    """The bytes of a model that is safe to load.

    Raises CheckpointError for a file that is missing, too large, no ONNX model, or that has
    external data, operators outside the ONNX standard, or functions.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist or is no file; name an ONNX file")
    if (size := path.stat().st_size) > BYTES:
        raise CheckpointError(
            f"{path} has {size >> 20} MB, and a model may have {BYTES >> 20} MB; export a smaller "
            "one"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}; restore it") from error
    _check(content, path)
    return content


def _check(content: bytes, path: Path) -> None:
    graphs = 0
    try:
        for kind, message in _messages(content):
            graphs += kind == "Graph"
            if kind == "Function":
                raise CheckpointError(
                    f"{path} has functions of its own; inline them with "
                    "onnx.inliner.inline_local_functions"
                )
            if kind == "Node":
                _check_node(message, path)
            if kind == "Tensor":
                _check_tensor(message, path)
    except (ValueError, IndexError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{path} is truncated or is no ONNX file ({error}); export the model again with "
            "torch.onnx.export or its like"
        ) from error
    if not graphs:
        raise CheckpointError(f"{path} is no ONNX model: it has no graph; export the model again")


def _check_node(node: list[Field], path: Path) -> None:
    """Raises CheckpointError for an operator outside the ONNX standard."""
    domain = _text(node, NODE_DOMAIN)
    if domain not in DOMAINS:
        operator = _text(node, NODE_OPERATOR)
        raise CheckpointError(
            f"{path} uses the operator {operator} of the domain {domain}; export the model with "
            "the standard operators of ONNX alone"
        )


def _text(message: list[Field], field: int) -> str:
    """The text of a field, of the last one where it is repeated; "" where it is missing."""
    values = [value for number, value in message if number == field]
    last = values[-1] if values else b""
    return f"{last}" if isinstance(last, int) else bytes(last).decode("utf-8", "replace")


def _check_tensor(tensor: list[Field], path: Path) -> None:
    """Raises CheckpointError for a tensor whose values are in another file."""
    if any(
        number == TENSOR_EXTERNAL_DATA or (number == TENSOR_DATA_LOCATION and value)
        for number, value in tensor
    ):
        raise CheckpointError(
            f"{path} refers to another file for its weights; save it as one file, with "
            "external_data=False in torch.onnx.export"
        )


def _messages(content: bytes) -> Iterator[tuple[str, list[Field]]]:
    """Every graph, node, tensor and so on of a model with its fields, in no particular order."""
    left, count = [("Model", memoryview(content))], 0
    while left:
        kind, buffer = left.pop()
        fields = []
        for number, value in _fields(buffer):
            fields.append((number, value))
            count += 1
            if count > FIELDS:
                raise ValueError(f"its graph has more than {FIELDS:,} fields")
            if (child := MESSAGES[kind].get(number)) is not None:
                if not isinstance(value, memoryview):
                    raise ValueError(f"a {child} is a number")
                left.append((child, value))
        yield kind, fields


def _fields(buffer: memoryview) -> Iterator[Field]:
    """The fields of a protobuf message. Raises ValueError or IndexError where it is malformed."""
    place = 0
    while place < len(buffer):
        key, place = _varint(buffer, place)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, place = _varint(buffer, place)
            yield number, value
        elif wire == BYTES_FIELD:
            length, place = _varint(buffer, place)
            if length > len(buffer) - place:
                raise ValueError(f"a field of {length} bytes exceeds its message")
            yield number, buffer[place : place + length]
            place += length
        elif wire in (FIXED64, FIXED32):
            place += 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"there is no field of type {wire}")
    if place != len(buffer):
        raise ValueError("its last field is incomplete")


def _varint(buffer: memoryview, place: int) -> tuple[int, int]:
    """An integer of up to ten bytes, seven bits each, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = buffer[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("an integer has more than ten bytes")
