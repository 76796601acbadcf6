"""A language model in one object: load it, generate, stream, score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from penstock.errors import InputError
from penstock.runtime.decoding import Row, decode
from penstock.runtime.network import Network
from penstock.runtime.requests import Generated, GenerationRequest, Token
from penstock.runtime.sampling import log_softmax
from penstock.runtime.shipped import model_path
from penstock.runtime.tokenizer import Tokenizer
from penstock.types import FloatArray

MAX_BATCH = 64
"""Rows of one batch. Beyond it the cache no longer fits the processor's own and every step slows down."""

Prompt = Sequence[int] | str
TokenListener = Callable[[int, Token], None]


class LanguageModel:
    """An embedded causal language model.

    Args:
        network: the loaded weights.
        tokenizer: of the same model.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer) -> None:
        self.network = network
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, path_or_name: Path | str, *, threads: int = 1) -> LanguageModel:
        """Load a model file, or a shipped model by name ("tiny", "small", "large").

        The tokenizer.json beside the model file is used.

        Raises:
            InputError: no such model, or a file that is none.
            MissingExtra: the `lab` extra is not installed.
        """
        path = model_path(path_or_name)
        tokenizer = Tokenizer.load(path.parent / "tokenizer.json")
        return cls(Network(path, threads=threads), tokenizer)

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.network.name

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seeds: Sequence[int] | None = None,
        stop: Sequence[str] = (),
        top_logprobs: int = 0,
    ) -> list[Generated]:
        """Answer prompts, in batches of at most `MAX_BATCH` rows of similar length.

        Args:
            prompts: texts (framed as a request) or ready token ids.
            max_new_tokens: at least 1; cut to the room left in the context.
            temperature: 0 is greedy.
            top_p: nucleus mass in (0, 1].
            seeds: one per prompt; None numbers the rows 0, 1, ... A row's sample depends on its own seed and
                prompt only, not on the batch (up to rounding in the sixth digit of a probability).
            stop: words that end a response.
            top_logprobs: alternatives to report per token.

        Raises:
            InputError: a parameter out of range, or a prompt that leaves no room for a token.
        """
        seeds = range(len(prompts)) if seeds is None else seeds
        if len(seeds) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and {len(seeds)} seeds", field="seeds")
        stop_ids = self.stop_ids(stop)
        return self.run(
            [
                GenerationRequest(
                    self.prompt_ids(prompt), max_new_tokens, temperature, top_p, seed, stop_ids, top_logprobs
                )
                for prompt, seed in zip(prompts, seeds, strict=True)
            ]
        )

    def run(
        self,
        requests: Sequence[GenerationRequest],
        on_token: TokenListener | None = None,
        stopped: Callable[[int], bool] | None = None,
        on_end: Callable[[int, Generated], None] | None = None,
    ) -> list[Generated]:
        """Answer requests with settings of their own; results in the order given.

        Args:
            requests: any number.
            on_token: called as (index of the request, token) as soon as a token is final.
            on_end: called as (index of the request, its generation) as soon as that is finished.
            stopped: asked with the index of a request before each of its steps; True ends it with what it
                has.

        Raises:
            InputError: as `generate`.
        """
        for request in requests:
            self.check(request)
        results: list[Generated | None] = [None] * len(requests)
        order = sorted(range(len(requests)), key=lambda index: len(requests[index].prompt))
        for start in range(0, len(order), MAX_BATCH):
            indices = order[start : start + MAX_BATCH]
            rows: Sequence[Row] = ()
            told = [0] * len(indices)
            batch = [requests[index] for index in indices]
            ends = None if stopped is None else _of_batch(stopped, indices)
            for rows in decode(self.network, self.tokenizer, batch, ends):
                if on_token is not None:
                    told = [
                        _notify(on_token, index, row, before)
                        for index, row, before in zip(indices, rows, told, strict=True)
                    ]
                for index, row in zip(indices, rows, strict=True):
                    if row.finish is not None and results[index] is None:
                        generation = results[index] = row.generation()
                        if on_end is not None:
                            on_end(index, generation)
        return [result for result in results if result is not None]

    def stream(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> Iterator[Token]:
        """The tokens of one response as they come; the same as `generate` with the same seed.

        Raises:
            InputError: as `generate`, when the first token is asked for.
        """
        request = GenerationRequest(
            self.prompt_ids(prompt), max_new_tokens, temperature, top_p, seed, self.stop_ids(stop)
        )
        self.check(request)
        given = 0
        for (row,) in decode(self.network, self.tokenizer, [request]):
            yield from row.tokens[given : row.released]
            given = row.released

    def log_probs(self, ids: Sequence[int]) -> FloatArray:
        """Natural-log probability of each token after the first, given all before it; shape (len(ids) - 1,).

        One forward pass without a cache.

        Raises:
            InputError: fewer than two tokens, or more than the context holds.
        """
        if not 2 <= len(ids) <= self.network.context:
            raise InputError(
                f"{len(ids)} tokens; from 2 to {self.network.context} can be scored", field="ids"
            )
        row = np.asarray(ids, np.int64)[None]
        step = self.network.read(row, np.ones(row.shape, np.bool_), self.network.empty(1))
        table = log_softmax(step.logits[0, :-1].astype(np.float64))
        scores: FloatArray = table[np.arange(len(ids) - 1), row[0, 1:]]
        return scores

    def prompt_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of a prompt; a text is framed as a request."""
        return tuple(self.tokenizer.prompt_ids(prompt) if isinstance(prompt, str) else prompt)

    def stop_ids(self, stop: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """Token sequences of stop texts; texts without any word are left out."""
        return tuple(ids for text in stop if (ids := tuple(self.tokenizer.encode(text))))

    def check(self, request: GenerationRequest) -> None:
        """Raise InputError where a request cannot be run."""
        context = self.network.context
        if not 1 <= len(request.prompt) < context:
            raise InputError(
                f"the prompt has {len(request.prompt)} tokens; {self.name} takes 1 to {context - 1}",
                field="prompt",
            )
        if request.max_new_tokens < 1:
            raise InputError(f"must be at least 1, got {request.max_new_tokens}", field="max_new_tokens")
        if not 0.0 <= request.temperature < float("inf"):
            raise InputError(f"must be 0 or more, got {request.temperature}", field="temperature")
        if not 0.0 < request.top_p <= 1.0:
            raise InputError(f"must be above 0 and at most 1, got {request.top_p}", field="top_p")
        if request.seed < 0:
            raise InputError(f"must be 0 or more, got {request.seed}", field="seed")


def _of_batch(stopped: Callable[[int], bool], indices: Sequence[int]) -> Callable[[int], bool]:
    return lambda position: stopped(indices[position])


def _notify(on_token: TokenListener, index: int, row: Row, told: int) -> int:
    for token in row.tokens[told : row.released]:
        on_token(index, token)
    return max(told, row.released)
