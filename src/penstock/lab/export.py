"""Writes a model's weights and its computation as one ONNX file.

The graph is written out here, operator by operator, rather than traced: it stays small (about twenty nodes
per layer), needs no torch, and its initialisers keep the network's own parameter names, so that the same file
can be read back for fine-tuning (`penstock.lab.checkpoint`). Weights are stored in fp16 and cast to fp32 when
a session starts (ONNX Runtime folds the casts), so that all arithmetic is fp32 on every CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from penstock.lab.shape import Shape

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 23
"""The first with Attention, RotaryEmbedding and RMSNormalization as single operators."""
IR_VERSION = 11

Weights = Mapping[str, NDArray[Any]]
Precision = Literal["fp16", "fp32"]


def export_onnx(weights: Weights, shape: Shape, path: Path, *, precision: Precision = "fp16") -> None:
    """Write one model.

    Inputs (B rows, T new tokens, P tokens already in the cache):
    `input_ids` int64 (B, T); `position_ids` int64 (B, T); `mask` bool (B, 1, T, P + T), True where a token
    may look; `past_key.i` and `past_value.i` float32 (B, heads, P, head width).
    Outputs: `logits` float32 (B, T, vocabulary); `hidden` float32 (B, T, width), after the final norm;
    `key.i` and `value.i`, the longer cache.

    Args:
        weights: the network's parameters by Hugging Face name, without the tied lm_head.
        shape: dimensions.
        path: file to write.
        precision: of the stored weights.
    """
    import onnx

    model = _model(weights, shape, np.float16 if precision == "fp16" else np.float32)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _model(weights: Weights, shape: Shape, stored: type[np.float16] | type[np.float32]) -> ModelProto:
    from onnx import TensorProto, helper

    graph = _Graph(weights, stored)
    x = graph.add("Gather", graph.weight("model.embed_tokens.weight"), "input_ids")
    cosine, sine = graph.rotation(shape)
    for layer in range(shape.layers):
        x = graph.layer(x, layer, shape, cosine, sine)
    graph.norm(x, "model.norm.weight", shape, output="hidden")
    graph.add("MatMul", "hidden", graph.transposed("model.embed_tokens.weight"), output="logits")

    def cache(name: str, length: str) -> Any:
        return helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["rows", shape.heads, length, shape.head_width]
        )

    layers = range(shape.layers)
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", "new"]),
        helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["rows", "new"]),
        helper.make_tensor_value_info("mask", TensorProto.BOOL, ["rows", 1, "new", "total"]),
        *(cache(f"past_{kind}.{layer}", "past") for layer in layers for kind in ("key", "value")),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", "new", shape.vocabulary]),
        helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["rows", "new", shape.width]),
        *(cache(f"{kind}.{layer}", "total") for layer in layers for kind in ("key", "value")),
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, shape.name, inputs, outputs, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="penstock",
    )
    helper.set_model_props(model, shape.properties())
    return model


class _Graph:
    """Nodes and initialisers under construction. Every `add` returns the name of its (first) output."""

    def __init__(self, weights: Weights, stored: type[np.float16] | type[np.float32]) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._weights = weights
        self._stored = stored
        self._done: dict[str, str] = {}

    def add(
        self,
        operator: str,
        *inputs: str,
        output: str | None = None,
        extra: tuple[str, ...] = (),
        **attributes: Any,
    ) -> str:
        from onnx import helper

        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name, *extra], **attributes))
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str) -> str:
        """A parameter as fp32, whatever it is stored as."""
        if name not in self._done:
            from onnx import TensorProto

            stored = self.constant(name, self._weights[name].astype(self._stored))
            cast = self._stored is np.float16
            self._done[name] = self.add("Cast", stored, to=TensorProto.FLOAT) if cast else stored
        return self._done[name]

    def transposed(self, name: str) -> str:
        """A matrix parameter (out, in) turned into (in, out); folded into a constant when a session
        starts.
        """
        return self.add("Transpose", self.weight(name), perm=[1, 0])

    def norm(self, x: str, name: str, shape: Shape, output: str | None = None) -> str:
        return self.add(
            "RMSNormalization", x, self.weight(name), output=output, axis=-1, epsilon=shape.norm_epsilon
        )

    def rotation(self, shape: Shape) -> tuple[str, str]:
        """Tables of cosines and sines, (context, head width / 2)."""
        half = np.arange(0, shape.head_width, 2, dtype=np.float64) / shape.head_width
        angles = np.outer(np.arange(shape.context), shape.rope_base**-half)
        return (
            self.constant("cosine", np.cos(angles).astype(np.float32)),
            self.constant("sine", np.sin(angles).astype(np.float32)),
        )

    def layer(self, x: str, layer: int, shape: Shape, cosine: str, sine: str) -> str:
        """One block: attention and a gated feed-forward, each around a residual connection."""
        prefix = f"model.layers.{layer}."
        normed = self.norm(x, f"{prefix}input_layernorm.weight", shape)
        query, key, value = (
            self.add("MatMul", normed, self.transposed(f"{prefix}self_attn.{part}_proj.weight"))
            for part in ("q", "k", "v")
        )
        query, key = (
            self.add("RotaryEmbedding", part, cosine, sine, "position_ids", num_heads=shape.heads)
            for part in (query, key)
        )
        attended = self.add(
            "Attention",
            *(query, key, value, "mask", f"past_key.{layer}", f"past_value.{layer}"),
            extra=(f"key.{layer}", f"value.{layer}"),
            q_num_heads=shape.heads,
            kv_num_heads=shape.heads,
        )
        projected = self.add("MatMul", attended, self.transposed(f"{prefix}self_attn.o_proj.weight"))
        x = self.add("Add", x, projected)
        normed = self.norm(x, f"{prefix}post_attention_layernorm.weight", shape)
        gate = self.add("MatMul", normed, self.transposed(f"{prefix}mlp.gate_proj.weight"))
        up = self.add("MatMul", normed, self.transposed(f"{prefix}mlp.up_proj.weight"))
        gated = self.add("Mul", self.add("Mul", gate, self.add("Sigmoid", gate)), up)
        down = self.add("MatMul", gated, self.transposed(f"{prefix}mlp.down_proj.weight"))
        return self.add("Add", x, down)
