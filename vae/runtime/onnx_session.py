"""One ONNX graph, run by ONNX Runtime on one thread in bounded memory and time.

ONNX Runtime is imported with the first graph; it takes 20 MB.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae.checkpoint import CheckpointError
from vae.runtime import onnx_file

MEMORY = 1 << 30  # bytes of intermediate results, of all graphs together
SECONDS = 20.0  # of one call; checked between operators, so a loop ends, too
SIZE = 3  # bytes in memory per byte of the file: the file's message, weights, and their packed copy
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
_registering, _registered = threading.Lock(), threading.Event()

# the place in its sources and the signature that ONNX Runtime's messages begin with
SOURCE = re.compile(r"^.*\.(cc|h):\d+ .*?\)( const)? (?=\S+ [^,)]*( |$))")

Shape = tuple[int | None, ...]  # None: an axis whose size is not fixed


class _Input(NamedTuple):
    name: str
    type: str
    shape: Shape

    @classmethod
    def of(cls, declared: Any) -> _Input:
        """An input as ONNX Runtime describes it; names of axes become None."""
        shape = tuple(n if isinstance(n, int) and n > 0 else None for n in declared.shape)
        return cls(declared.name, declared.type, shape)


class Session:
    """A graph with one input of floats. Safe to call from several threads at once.

    Raises CheckpointError for a file that `onnx_file.read` refuses, that ONNX Runtime cannot load,
    or that has another number or type of inputs.
    """

    def __init__(self, path: Path) -> None:
        content = onnx_file.read(path)
        self.path, self.size = path, SIZE * len(content)
        try:
            self._session = _load(content)
            inputs = [_Input.of(one) for one in self._session.get_inputs()]
            self.outputs: tuple[str, ...] = tuple(o.name for o in self._session.get_outputs())
        except ImportError as error:
            raise CheckpointError(
                f"{path} needs ONNX Runtime, which is not installed; install it with: "
                "pip install onnxruntime"
            ) from error
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise CheckpointError(
                f"{path} cannot be loaded: {_reason(error)}; export the model again"
            ) from error
        if len(inputs) != 1:
            names = ", ".join(one.name for one in inputs) or "none"
            raise CheckpointError(
                f"{path} has {len(inputs)} inputs ({names}), not one; join them in the exported "
                "model, the class as coordinates of the code"
            )
        if inputs[0].type not in DTYPES:
            raise CheckpointError(
                f"{path} takes {inputs[0].type}, not {', '.join(DTYPES)}; export it with a float "
                "input"
            )
        self._name, self._dtype = inputs[0].name, DTYPES[inputs[0].type]
        self.input_shape = inputs[0].shape

    @property
    def batch(self) -> int | None:
        """The number of samples that the graph takes, None for any number."""
        return self.input_shape[0] if self.input_shape else None

    def output(self, name: str) -> str:
        """The output called `name`, or the only one. Raises CheckpointError without either."""
        if name in self.outputs:
            return name
        if len(self.outputs) == 1:
            return self.outputs[0]
        raise CheckpointError(
            f"{self.path} has the outputs {', '.join(self.outputs)}, none of them called {name}; "
            "rename it in the export"
        )

    def run(self, x: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Outputs of one batch by name, float32.

        Raises CheckpointError where the graph fails, takes too long or gives NaN.
        """
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4  # the error is raised as well
        try:
            with _watch.limit(options):
                inputs = {self._name: x.astype(self._dtype)}
                values = self._session.run(list(names), inputs, options)
        except Exception as error:
            reason = f"it takes over {SECONDS:g} s" if options.terminate else _reason(error)
            raise CheckpointError(
                f"{self.path} fails for an input of shape {list(x.shape)}: {reason}; "
                "export the model again"
            ) from error
        by_name = dict(zip(names, values, strict=True))
        for name, value in by_name.items():
            if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                raise CheckpointError(
                    f"{self.path} gives {name} not as floats; convert it in the exported model"
                )
            if np.isnan(value).any():
                raise CheckpointError(
                    f"{self.path} gives NaN in its output {name}; check the model's weights"
                )
        return {name: value.astype(np.float32, copy=False) for name, value in by_name.items()}


def _load(content: bytes) -> Any:
    """ONNX Runtime's session of a model, which reads no other file."""
    import onnxruntime

    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # a second thread gains nothing on graphs of this size, and requests arrive on several threads
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for key, value in {
        "session.load_model_format": "ONNX",  # no other format is recognised by its first bytes
        "session.use_env_allocators": "1",  # the one whose memory is limited
        "session.use_device_allocator_for_initializers": "1",  # the weights do not count
    }.items():
        options.add_session_config_entry(key, value)
    return onnxruntime.InferenceSession(
        content,
        options,
        providers=["CPUExecutionProvider"],
        # it would run operators while the model is loaded, in unlimited memory and time
        disabled_optimizers=["ConstantFolding"],
        enable_fallback=False,  # a second attempt, which prints the first one's error
    )


def _limit_memory() -> None:
    """Give ONNX Runtime an allocator of at most MEMORY bytes, once in a process."""
    import onnxruntime

    with _registering:
        if _registered.is_set():
            return
        info = onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        )
        arena = {
            "max_mem": MEMORY,
            "arena_extend_strategy": 1,  # by as many bytes as are requested
            "initial_chunk_size_bytes": -1,  # the default, as below
            "max_dead_bytes_per_chunk": -1,
            "initial_growth_chunk_size_bytes": -1,
        }
        onnxruntime.create_and_register_allocator(info, onnxruntime.OrtArenaCfg(arena))
        _registered.set()


class _Watch:
    """Terminates runs that exceed SECONDS, by one thread for all of them.

    A timer for each run would start a thread for each decoded code.
    """

    def __init__(self) -> None:
        self._ends: dict[int, tuple[Any, float]] = {}  # options and end of each run
        self._lock, self._active = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, options: Any) -> Iterator[None]:
        """Terminate what runs with these options, unless it ends in time."""
        with self._lock:
            self._ends[id(options)] = options, time.monotonic() + SECONDS
            self._active.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="onnx-watch")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._ends[id(options)]

    def _run(self) -> None:
        while True:
            self._active.wait()
            time.sleep(SECONDS / 20)
            with self._lock:
                now = time.monotonic()
                for options, end in self._ends.values():
                    if end < now:
                        options.terminate = True
                if not self._ends:
                    self._active.clear()


_watch = _Watch()


def _reason(error: Exception) -> str:
    """An error of ONNX Runtime on one line, without its codes, shortened."""
    text = " ".join(str(error).split())
    if "Available memory of" in text:  # the message of its allocator
        return f"it needs more than {MEMORY >> 20} MB for its intermediate results"
    for separator in ("Status Message: ", " : "):
        text = text.rsplit(separator, 1)[-1]
    text = SOURCE.sub("", text)
    return text[:200].rstrip(". ")
