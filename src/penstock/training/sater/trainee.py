"""The model under training: one of the embedded models, or any causal model of Hugging Face."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, MissingExtra
from penstock.lab.checkpoint import load_hf_tokenizer, load_torch, save_onnx
from penstock.lab.shape import Shape
from penstock.lab.words import BOT, END, PAD, UNKNOWN, USER
from penstock.runtime.shipped import model_path, shipped_models

if TYPE_CHECKING:
    import torch

EMBEDDED_FILE = "model.onnx"
"""What an embedded model is saved as in its folder; tokenizer.json stands beside it."""

_FRAME = (
    "{% for message in messages %}"
    f"{{% if message.role == 'user' %}}{USER} {{{{ message.content }}}} {BOT}"
    f"{{% else %}} {{{{ message.content }}}} {END}{{% endif %}}"
    "{% endfor %}"
)
"""The embedded models' frame as a chat template, so that both kinds of model take one path."""


@dataclass(frozen=True)
class Trainee:
    """A network with its tokenizer.

    Attributes:
        name: as given by the user.
        network: a causal language model in torch.
        tokenizer: Hugging Face's kind, with a chat template, a pad token and an end token.
        context: most positions, prompt and response together.
        forbidden: ids never generated (padding and frame marks).
        shape: of an embedded model; None for any other.
    """

    name: str
    network: Any
    tokenizer: Any
    context: int
    forbidden: tuple[int, ...]
    shape: Shape | None = None

    @property
    def embedded(self) -> bool:
        """Whether this is one of this project's own models."""
        return self.shape is not None

    @property
    def end_id(self) -> int:
        """The token that ends a response."""
        return int(self.tokenizer.eos_token_id)

    def prompt_ids(self, prompts: Sequence[str]) -> list[list[int]]:
        """Token ids of user turns, framed by the chat template up to where the answer begins."""
        texts = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Responses as text, without marks."""
        kept: list[str] = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in kept]

    def with_network(self, network: Any) -> Trainee:
        """The same model with other weights."""
        return replace(self, network=network)

    def save(self, folder: Path) -> None:
        """Write the weights in the form `open_trainee` reads: fp32 ONNX for an embedded model (a 16-bit copy
        would add its rounding at every stage), safetensors with tokenizer for any other."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.shape is None:
            self.network.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
            return
        shutil.copyfile(model_path("small").parent / "tokenizer.json", folder / "tokenizer.json")
        save_onnx(self.network, self.shape, folder / EMBEDDED_FILE, precision="fp32")


def open_trainee(model: str, device: torch.device | None = None) -> Trainee:
    """Load a model to be trained.

    Args:
        model: a shipped name, an .onnx file of this project, a folder `Trainee.save` wrote, or a name or
            folder of Hugging Face's.
        device: where the network goes; None picks the GPU where there is one.

    Raises:
        InputError: no such model, no chat template, or a frame that cannot be trained on.
        MissingExtra: the `train` extra is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("train", "training") from error
    where = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    path = embedded_path(model)
    trainee = _hugging_face(model, where) if path is None else _embedded(model, path, where)
    trainee.network.eval()
    return trainee


def embedded_path(model: str) -> Path | None:
    """The file of an embedded model, or None where `model` names another kind."""
    if (Path(model) / EMBEDDED_FILE).is_file():
        return Path(model) / EMBEDDED_FILE
    if model in shipped_models() or model.endswith(".onnx"):
        return model_path(model)
    return None


def _embedded(name: str, path: Path, device: torch.device) -> Trainee:
    tokenizer = load_hf_tokenizer(path)
    tokenizer.chat_template = _FRAME
    network = load_torch(path).to(device)
    config = network.config
    shape = Shape(
        name=path.stem,
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        hidden=config.intermediate_size,
        context=config.max_position_embeddings,
        rope_base=float(config.rope_parameters["rope_theta"]),
        norm_epsilon=config.rms_norm_eps,
    )
    marks = tuple(tokenizer.convert_tokens_to_ids([PAD, UNKNOWN, USER, BOT]))
    return Trainee(name, network, tokenizer, shape.context, marks, shape)


def _hugging_face(name: str, device: torch.device) -> Trainee:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        network = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        hint = f"Give a folder or a name of a Hugging Face model, or one of {', '.join(shipped_models())}."
        raise InputError(f"no model {name!r} ({reason})", field="--model", hint=hint) from error
    if not tokenizer.chat_template:
        hint = "Use an instruction-tuned model, or save a chat_template with its tokenizer."
        raise InputError(f"the tokenizer of {name!r} has no chat template", field="--model", hint=hint)
    if tokenizer.eos_token_id is None:
        raise InputError(f"the tokenizer of {name!r} has no end token", field="--model")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    context = int(getattr(network.config, "max_position_embeddings", 0)) or 4096
    pad = () if tokenizer.pad_token_id == tokenizer.eos_token_id else (int(tokenizer.pad_token_id),)
    return Trainee(name, network.to(device), tokenizer, context, pad)
