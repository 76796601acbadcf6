"""Between model files and torch: read shipped weights back for fine-tuning, and write fine-tuned ones out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, MissingExtra
from penstock.lab.export import Precision, export_onnx
from penstock.lab.network import new_network
from penstock.lab.shape import Shape
from penstock.lab.words import BOT, END, PAD, UNKNOWN, USER
from penstock.runtime.shipped import model_path
from penstock.runtime.tokenizer import Tokenizer

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_PARAMETERS = "model."
"""Initialisers of a model file whose names begin so are the network's parameters; the rest are tables."""


def load_torch(path_or_name: Path | str) -> LlamaForCausalLM:
    """A model file as a torch network in fp32, ready for fine-tuning.

    Args:
        path_or_name: an .onnx file of this project, or the name of a shipped model.

    Raises:
        InputError: no such model, or a file of another kind.
        MissingExtra: the `train` extra is not installed.
    """
    try:
        import onnx
        import torch
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtra("train", "reading weights into torch") from error
    path = model_path(path_or_name)
    model = onnx.load_model(path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    try:
        shape = Shape.from_properties(properties)
    except (KeyError, ValueError) as error:
        raise InputError(f"not a model file of this project: {error}", file=path) from error
    network = new_network(shape, Tokenizer.load(path.parent / "tokenizer.json"))
    weights: dict[str, Any] = {
        entry.name: torch.tensor(numpy_helper.to_array(entry), dtype=torch.float32)
        for entry in model.graph.initializer
        if entry.name.startswith(_PARAMETERS)
    }
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    network.load_state_dict(weights)
    network.eval()
    return network


def load_hf_tokenizer(path_or_name: Path | str) -> PreTrainedTokenizerFast:
    """The tokenizer in Hugging Face's wrapper, for its trainers.

    Texts are not framed: write `<user> question <bot>` around a prompt and `<eos>` after a response.

    Raises:
        InputError: no such model.
        MissingExtra: the `train` extra is not installed.
    """
    try:
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingExtra("train", "transformers") from error
    return PreTrainedTokenizerFast(
        tokenizer_file=str(model_path(path_or_name).parent / "tokenizer.json"),
        unk_token=UNKNOWN,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, BOT],
        padding_side="left",
    )


def save_onnx(network: LlamaForCausalLM, shape: Shape, path: Path, *, precision: Precision = "fp16") -> None:
    """Write a torch network as a model file the runtime loads. A tokenizer.json must stand beside it."""
    weights = {
        name: parameter.detach().float().cpu().numpy()
        for name, parameter in network.named_parameters()
        if name.startswith(_PARAMETERS)
    }
    export_onnx(weights, shape, path, precision=precision)
