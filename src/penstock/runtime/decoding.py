"""The decoding loop of one batch: read, choose, drop finished rows, repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from penstock.runtime.network import Cache, DecodingStep, Float32Array, Network
from penstock.runtime.requests import FinishReason, Generated, GenerationRequest, Token
from penstock.runtime.sampling import choose, log_softmax
from penstock.runtime.tokenizer import Tokenizer
from penstock.types import FloatArray, IntArray

COMPACT_BELOW = 0.8
"""Finished rows are dropped from the batch when less than this share of it is still running: copying the
cache costs about as much as one step."""


class Row:
    """One request on its way. `released` counts the tokens that no stop sequence can take back any more."""

    def __init__(self, request: GenerationRequest, context: int) -> None:
        self.request = request
        self.stream = np.random.default_rng(request.seed)
        self.limit = min(request.max_new_tokens, context - len(request.prompt))
        self.tokens: list[Token] = []
        self.finish: FinishReason | None = None
        self.hidden: Float32Array = np.zeros(0, np.float32)
        self._held = max((len(sequence) for sequence in request.stop), default=1) - 1

    @property
    def released(self) -> int:
        """How many tokens are final."""
        return len(self.tokens) if self.finish else max(0, len(self.tokens) - self._held)

    def end(self, finish: FinishReason) -> None:
        """Finish the row."""
        self.finish = finish

    def accept(self, token: Token) -> None:
        """Append a token; finish on a stop sequence (taken out again) or at the limit."""
        self.tokens.append(token)
        ids = tuple(token.id for token in self.tokens)
        for sequence in self.request.stop:
            if ids[-len(sequence) :] == sequence:
                del self.tokens[-len(sequence) :]
                return self.end("stop")
        if len(self.tokens) >= self.limit:
            self.end("length")
        return None

    def generation(self) -> Generated:
        """The finished row."""
        return Generated(tuple(self.tokens), self.finish or "length", self.hidden, len(self.request.prompt))


def decode(
    network: Network,
    tokenizer: Tokenizer,
    requests: Sequence[GenerationRequest],
    stopped: Callable[[int], bool] | None = None,
) -> Iterator[Sequence[Row]]:
    """Run one batch; yields all rows, in the order of the requests, after every step until all are
    finished. A row that is ``stopped`` (asked by its index before each step) ends with what it has.
    """
    rows = [Row(request, network.context) for request in requests]
    forbidden = [tokenizer.pad_id, tokenizer.unknown_id, tokenizer.user_id, tokenizer.bot_id]
    active = np.arange(len(rows))
    step = _read_prompts(network, tokenizer, requests)
    while True:
        running = [rows[index] for index in active]
        chosen = _advance(running, step, tokenizer, forbidden)
        if stopped is not None:
            _cancel(rows, stopped)
        yield rows
        going = np.array([row.finish is None for row in running])
        if not going.any():
            return
        cache: Cache = step.cache
        if going.mean() < COMPACT_BELOW:
            kept = np.flatnonzero(going)
            active, chosen, cache = active[kept], chosen[kept], cache.keep(kept)
        step = network.read(chosen[:, None], np.ones((len(active), 1), np.bool_), cache)


def _cancel(rows: Sequence[Row], stopped: Callable[[int], bool]) -> None:
    for index, row in enumerate(rows):
        if row.finish is None and stopped(index):
            row.end("cancelled")


def _read_prompts(
    network: Network, tokenizer: Tokenizer, requests: Sequence[GenerationRequest]
) -> DecodingStep:
    longest = max(len(request.prompt) for request in requests)
    ids = np.full((len(requests), longest), tokenizer.pad_id, np.int64)
    valid = np.zeros(ids.shape, np.bool_)
    for index, request in enumerate(requests):
        ids[index, longest - len(request.prompt) :] = request.prompt
        valid[index, longest - len(request.prompt) :] = True
    return network.read(ids, valid, network.empty(len(requests)))


def _advance(rows: Sequence[Row], step: DecodingStep, tokenizer: Tokenizer, forbidden: list[int]) -> IntArray:
    """Choose the next token of every row and note it in those still running."""
    log_probs = log_softmax(step.logits[:, -1].astype(np.float64))
    allowed = log_probs.copy()
    allowed[:, forbidden] = -np.inf
    chosen = choose(
        allowed,
        np.array([0.0 if row.finish else row.request.temperature for row in rows]),
        np.array([row.request.top_p for row in rows]),
        [row.stream for row in rows],
    )
    for index, row in enumerate(rows):
        if row.finish is not None:
            continue
        row.hidden = step.hidden[index, -1].copy()
        if chosen[index] == tokenizer.end_id:
            row.end("stop")
        else:
            row.accept(_token(row, int(chosen[index]), log_probs[index], tokenizer))
    return chosen


def _token(row: Row, chosen: int, log_probs: FloatArray, tokenizer: Tokenizer) -> Token:
    space = " " if row.tokens else ""
    top: tuple[tuple[str, float], ...] = ()
    if row.request.top_logprobs:
        best = np.argsort(-log_probs, kind="stable")[: row.request.top_logprobs]
        top = tuple((space + tokenizer.words[index], float(log_probs[index])) for index in best)
    return Token(chosen, space + tokenizer.words[chosen], float(log_probs[chosen]), top)
