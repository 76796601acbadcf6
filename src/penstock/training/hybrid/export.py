"""From torch to ONNX: what the gateway runs has no torch in it, and is checked to say the same."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penstock.errors import PenstockError
from penstock.runtime.text_model import OnnxTextModel
from penstock.training.hybrid.loop import logits_of, tokenise

HALF_ABOVE = 400_000_000
"""Bytes of fp32 weights above which they are stored in half precision (and computed with in fp32): a bundle
holds at most 1 GiB."""

_TOLERANCE, _HALF_TOLERANCE = 1e-4, 2e-2
_CHECKED = 48


class _Scores(nn.Module):  # type: ignore[misc] # torch is not typed here
    """The network with the sigmoid on top."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.sigmoid(self.network(input_ids, attention_mask))


def export(
    network: Any,
    tokenizer: Any,
    folder: Path,
    *,
    pad_id: int,
    max_length: int,
    outputs: Sequence[str],
    prompts: Sequence[str],
) -> OnnxTextModel:
    """Write ``encoder.onnx``, ``tokenizer.json`` and ``encoder.json``; the model as the gateway will open it.

    Raises PenstockError where the written model's scores on some of ``prompts`` differ from torch's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoder.onnx").write_bytes(to_onnx(network, pad_id))
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False), encoding="utf-8")
    half = _size(network) > HALF_ABOVE
    about = {
        "format": 1,
        "max_length": max_length,
        "pad_id": pad_id,
        "outputs": list(outputs),
        "half_precision": half,
    }
    (folder / "encoder.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    model = OnnxTextModel.load(folder)
    some = list(prompts)[:_CHECKED]
    logits = logits_of(network, tokenise(tokenizer, some, max_length), pad_id)
    apart = float(np.abs(model.scores(some) - 1 / (1 + np.exp(-logits))).max())
    if not apart <= (_HALF_TOLERANCE if half else _TOLERANCE):
        raise PenstockError(f"the exported encoder's scores differ from torch's by {apart:.2g}")
    return model


def to_onnx(network: Any, pad_id: int) -> bytes:
    """The network as ONNX: ``input_ids`` and ``attention_mask`` (rows, tokens) -> ``scores`` (rows, m)."""
    ids = torch.full((2, 7), pad_id, dtype=torch.int64)
    mask = torch.ones((2, 7), dtype=torch.int64)
    ids[:, :5] = torch.arange(5)
    mask[1, 5:] = 0
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    shapes = {"input_ids": {0: rows, 1: tokens}, "attention_mask": {0: rows, 1: tokens}}
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Scores(network).eval(),
                (ids, mask),
                input_names=["input_ids", "attention_mask"],
                output_names=["scores"],
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    model = program.model_proto
    _strip(model)
    if _size(network) > HALF_ABOVE:
        store_half(model)
    content: bytes = model.SerializeToString()
    return content


def _strip(model: Any) -> None:
    """Drop the exporter's notes: stack traces with the paths of this machine, larger than a small network."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def store_half(model: Any) -> None:
    """Store float32 matrices as float16 and cast them back when a session starts (which folds the casts)."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _size(network: Any) -> int:
    return sum(p.numel() * 4 for p in network.parameters())
