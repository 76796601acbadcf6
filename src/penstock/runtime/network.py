"""One ONNX session: token ids and a cache in, logits and a longer cache out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from penstock.errors import InputError, MissingExtra
from penstock.types import BoolArray, IntArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values of the tokens so far, for B rows and P positions.

    Attributes:
        arrays: key and value of layer 0, of layer 1, ...; each (B, heads, P, head width).
        valid: (B, P), False where a position is padding.
    """

    arrays: tuple[Float32Array, ...]
    valid: BoolArray

    def keep(self, rows: IntArray) -> Cache:
        """The same cache for some of its rows."""
        return Cache(tuple(array[rows] for array in self.arrays), self.valid[rows])


@dataclass(frozen=True, slots=True)
class DecodingStep:
    """What the network says after reading T new tokens in each of B rows.

    Attributes:
        logits: (B, T, vocabulary).
        hidden: (B, T, width), after the final norm.
        cache: longer by T positions.
    """

    logits: Float32Array
    hidden: Float32Array
    cache: Cache


class Network:
    """A loaded model file. Safe to call from several threads.

    Args:
        path: an .onnx file written by `penstock.lab.export`.
        threads: of one matrix product. One is fastest for a single stream and leaves cores to other workers.

    Raises:
        InputError: the file is missing, or not a model of this kind.
        MissingExtra: `onnxruntime` is not installed.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        if not path.is_file():
            raise InputError("no such model file", file=path)
        self._session = open_session(path.read_bytes(), threads, name=path)
        properties = self._session.get_modelmeta().custom_metadata_map
        try:
            self.name: str = properties["name"]
            self.context = int(properties["context"])
            self.width = int(properties["width"])
            self._layers = int(properties["layers"])
            self._heads = int(properties["heads"])
        except KeyError as error:
            raise InputError(f"the model file does not state its {error.args[0]}", file=path) from error
        self._cache_names = [
            f"past_{kind}.{layer}" for layer in range(self._layers) for kind in ("key", "value")
        ]

    def empty(self, rows: int) -> Cache:
        """A cache that holds nothing yet."""
        array = np.zeros((rows, self._heads, 0, self.width // self._heads), np.float32)
        return Cache((array,) * len(self._cache_names), np.zeros((rows, 0), np.bool_))

    def read(self, ids: IntArray, valid: BoolArray, cache: Cache) -> DecodingStep:
        """Read T new tokens per row.

        Args:
            ids: (B, T).
            valid: (B, T), False at padding, which must stand to the left of everything else.
            cache: of the same rows.
        """
        seen = np.concatenate([cache.valid, valid], axis=1)
        # Clipped at both ends: padding comes before position 0, and a finished row that is still carried
        # along may run past the last one. Neither is looked at again.
        positions = np.clip(np.cumsum(seen, axis=1) - 1, 0, self.context - 1)[:, -ids.shape[1] :]
        feeds: dict[str, Any] = {
            "input_ids": ids,
            "position_ids": positions,
            "mask": _mask(seen, ids.shape[1]),
        }
        feeds.update(zip(self._cache_names, cache.arrays, strict=True))
        logits, hidden, *arrays = self._session.run(None, feeds)
        return DecodingStep(logits, hidden, Cache(tuple(arrays), seen))


def _mask(seen: BoolArray, new: int) -> BoolArray:
    """Which of P + T positions each of the T new tokens may look at, (B, 1, T, P + T).

    A token sees itself even where it is padding: a row of nothing but False would make NaN.
    """
    total = seen.shape[1]
    query = np.arange(total - new, total)[:, None]
    key = np.arange(total)[None, :]
    allowed: BoolArray = (seen[:, None, :] & (key <= query)) | (key == query)
    return allowed[:, None]


def open_session(model: bytes, threads: int, *, name: object) -> InferenceSession:
    """A session on the CPU. InputError naming ``name`` where the bytes are no model; MissingExtra."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as states
    except ImportError as error:
        raise MissingExtra("lab", "onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between steps would take cores from the gateway.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (states.Fail, states.InvalidGraph, states.InvalidProtobuf, states.NotImplemented) as error:
        raise InputError(f"onnxruntime cannot load this model: {error}", file=name) from error
