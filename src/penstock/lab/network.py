"""The torch form of a model: Hugging Face's Llama, so that its trainers can fine-tune it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import MissingExtra
from penstock.lab.shape import Shape
from penstock.runtime.tokenizer import Tokenizer

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def new_network(shape: Shape, tokenizer: Tokenizer) -> LlamaForCausalLM:
    """A freshly initialised network (drawn from torch's global generator).

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    try:
        from transformers import LlamaConfig, LlamaForCausalLM
    except ImportError as error:
        raise MissingExtra("train", "transformers") from error
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        tie_word_embeddings=True,
        attention_bias=False,
        bos_token_id=None,
        eos_token_id=tokenizer.end_id,
        pad_token_id=tokenizer.pad_id,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)
