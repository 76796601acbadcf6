"""A sequence encoder from an ONNX file: prompts in, scores out, without torch.

The graph takes ``input_ids`` and ``attention_mask`` (int64, rows x tokens) and gives ``scores`` (float32,
rows x m). File and tokenizer travel as bytes, so that a router's bundle is one file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from penstock.errors import InputError, MissingExtra
from penstock.runtime.network import open_session
from penstock.types import FloatArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

BATCH = 32


@dataclass(frozen=True)
class OnnxTextModel:
    """A loaded encoder. Safe to call from several threads.

    ``max_length`` is in tokens: of a longer prompt the beginning is read. A prompt's scores do not depend on
    what it is batched with (up to rounding).
    """

    max_length: int
    onnx: bytes = field(repr=False)
    tokenizer_json: bytes = field(repr=False)
    session: InferenceSession = field(repr=False, compare=False)
    tokenizer: Tokenizer = field(repr=False, compare=False)
    pad_id: int = 0

    @classmethod
    def of_bytes(
        cls, onnx: bytes, tokenizer_json: bytes, *, max_length: int, pad_id: int, threads: int = 1
    ) -> OnnxTextModel:
        """Open a model. InputError where either part cannot be read; MissingExtra without ``lab``."""
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtra("lab", "tokenizers") from error
        try:
            tokenizer = Tokenizer.from_str(tokenizer_json.decode())
        except Exception as error:  # tokenizers raises nothing narrower
            raise InputError(f"the text model's tokenizer cannot be read: {error}") from error
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
        session = open_session(onnx, threads, name="the text model")
        return cls(max_length, onnx, tokenizer_json, session, tokenizer, pad_id)

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> OnnxTextModel:
        """Read ``encoder.onnx``, ``tokenizer.json`` and ``encoder.json`` of a folder. Raises InputError."""
        import json

        parts = {}
        for name in ("encoder.onnx", "tokenizer.json", "encoder.json"):
            try:
                parts[name] = (folder / name).read_bytes()
            except OSError as error:
                hint = "penstock train hybrid writes one"
                raise InputError(
                    f"cannot be read: {error.strerror}", file=folder / name, hint=hint
                ) from error
        try:
            about = json.loads(parts["encoder.json"])
            length, pad = int(about["max_length"]), int(about["pad_id"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("does not describe an encoder", file=folder / "encoder.json") from error
        onnx, tokenizer = parts["encoder.onnx"], parts["tokenizer.json"]
        return cls.of_bytes(onnx, tokenizer, max_length=length, pad_id=pad, threads=threads)

    def scores(self, prompts: Sequence[str]) -> FloatArray:
        """(n, m) scores of n prompts, in batches of similar length."""
        ids = [e.ids or [self.pad_id] for e in self.tokenizer.encode_batch(list(prompts))]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        parts = [self._batch([ids[i] for i in order[s : s + BATCH]]) for s in range(0, len(order), BATCH)]
        if not parts:
            return np.zeros((0, self.session.get_outputs()[0].shape[1]))
        found = np.concatenate(parts).astype(np.float64)
        scores = np.empty_like(found)
        scores[order] = found
        return scores

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings and arrays for a bundle."""
        arrays: dict[str, NDArray[Any]] = {
            "onnx": np.frombuffer(self.onnx, np.uint8),
            "tokenizer": np.frombuffer(self.tokenizer_json, np.uint8),
        }
        return {"max_length": self.max_length, "pad_id": self.pad_id}, arrays

    def _batch(self, ids: list[list[int]]) -> NDArray[np.float32]:
        longest = max(map(len, ids))
        padded = np.full((len(ids), longest), self.pad_id, np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        (scores,) = self.session.run(["scores"], {"input_ids": padded, "attention_mask": mask})
        found: NDArray[np.float32] = scores
        return found


def open_text_model(settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> OnnxTextModel:
    """The model a bundle holds: what ``policies.bundle.load_bundle`` is given as ``open_model``."""
    return OnnxTextModel.of_bytes(
        arrays["onnx"].tobytes(),
        arrays["tokenizer"].tobytes(),
        max_length=int(settings["max_length"]),
        pad_id=int(settings["pad_id"]),
    )
