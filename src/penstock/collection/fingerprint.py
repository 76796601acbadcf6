"""What of a candidate and a query decides an answer: the part of a journal key that notices changes."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b

from penstock.candidates import Candidate
from penstock.outcomes.journal import journal_key
from penstock.types import Query

_NOT_THE_ANSWER = frozenset({"api_key", "timeout_s", "connect_timeout_s", "max_retries", "delay_s"})
"""Options that change who pays and how long to wait, never what is said."""


def outcome_key(query: Query, candidate: Candidate, sample: int) -> str:
    """The journal key of one sample. A new price or key changes nothing; another model, prompt or setting
    does."""
    options = {k: v for k, v in candidate.options.items() if k not in _NOT_THE_ANSWER and _is_plain(v)}
    settings: dict[str, object] = {
        "provider": candidate.provider,
        "model": candidate.model,
        "params": dict(candidate.params),
        "system": candidate.system,
        "options": options,
    }
    if candidate.confidence is not None:
        settings["confidence"] = asdict(candidate.confidence)
    if candidate.vote is not None:
        settings["vote"] = asdict(candidate.vote)
    if candidate.judge is not None:
        judge = candidate.judge
        settings["judge"] = [judge.provider, judge.model, dict(judge.params), judge.system]
    return journal_key(query.id, query.messages, candidate.name, settings, sample)


def sample_seed(query: Query, candidate: Candidate, sample: int, seed: int) -> int:
    """The ``seed`` sent with one request: 31 bits, the same in every run, different for every sample."""
    text = f"collect:{seed}:{query.id}:{candidate.name}:{sample}"
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1


def _is_plain(value: object) -> bool:
    """Whether a value is data: objects (secrets among them) are left out of the key."""
    if isinstance(value, dict):
        return all(_is_plain(v) for v in value.values())
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, str | int | float | bool)
