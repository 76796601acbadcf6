"""What is asked of the runtime, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One row to generate.

    Attributes:
        prompt: token ids, `<user> ... <bot>` included.
        max_new_tokens: at least 1; cut to what the context has room for.
        temperature: 0 takes the most probable token.
        top_p: in (0, 1].
        seed: of this row's samples.
        stop: token sequences that end the response; the matched tokens are left out of it.
        top_logprobs: how many alternatives to report per token.
    """

    prompt: tuple[int, ...]
    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[tuple[int, ...], ...] = ()
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token.

    Attributes:
        text: its word, with a leading space unless it is the first; the texts joined are the response.
        logprob: natural log of its probability under the model itself: at temperature 1 and before top_p.
        top: the most probable words and their log-probabilities, where asked for.
    """

    id: int
    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """One finished response.

    Attributes:
        tokens: without the end mark and without a matched stop sequence.
        finish_reason: "stop" at the end mark or a stop sequence, "length" where the token limit came first,
            "cancelled" where the caller no longer needed the rest.
        hidden: float32 (width,), the final hidden state from which the last token was predicted (the end
            mark, where the model ended by itself).
        prompt_tokens: length of the prompt.
    """

    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    hidden: NDArray[np.float32]
    prompt_tokens: int

    @property
    def text(self) -> str:
        """The response as words separated by spaces."""
        return "".join(token.text for token in self.tokens)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Ids of the tokens."""
        return tuple(token.id for token in self.tokens)

    @property
    def token_texts(self) -> tuple[str, ...]:
        """Texts of the tokens; joined they are `text`."""
        return tuple(token.text for token in self.tokens)

    @property
    def logprobs(self) -> tuple[float, ...]:
        """Natural-log probability of each token."""
        return tuple(token.logprob for token in self.tokens)
