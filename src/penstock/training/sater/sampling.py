"""The sampling stage: k scored responses per question, from transformers or, where it is installed, vLLM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from penstock.outcomes.scorers.base import Scorer
from penstock.training.sater.sampler import Decoding, Response, Sampler, Tell, TorchSampler
from penstock.training.sater.samples import Asked, Question, Sample, scored
from penstock.training.sater.settings import Sampling
from penstock.training.sater.trainee import embedded_path, open_trainee


def sampler_for(model: str) -> Sampler:
    """vLLM for a Hugging Face model where it and a GPU are there; else the network's own device.

    Raises:
        InputError, MissingExtra: as `open_trainee`.
    """
    if embedded_path(model) is None and find_spec("vllm") is not None:
        import torch

        if torch.cuda.is_available():
            return VllmSampler(model)
    return TorchSampler(open_trainee(model))


@dataclass(frozen=True)
class VllmSampler:
    """Samples with vLLM. `model` is a name or folder it can load."""

    model: str

    def __call__(
        self, prompts: Sequence[str], decoding: Decoding, tell: Tell | None = None
    ) -> list[list[Response]]:
        """As `TorchSampler`; vLLM schedules batches itself, so `rows` is not used."""
        vllm = import_module("vllm")  # installed by the user: no extra of ours names it
        engine = vllm.LLM(model=self.model)
        asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
        settings = vllm.SamplingParams(
            n=decoding.k,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            max_tokens=decoding.max_new_tokens,
            seed=decoding.seed,
            logprobs=0,
        )
        answered = engine.chat(asked, settings)
        if tell is not None:
            tell(len(prompts) * decoding.k, len(prompts) * decoding.k)
        return [[_response(output) for output in one.outputs] for one in answered]


def _response(output: Any) -> Response:
    tokens = max(len(output.token_ids), 1)
    return Response(
        output.text.strip(),
        tokens,
        float(output.cumulative_logprob or 0.0) / tokens,
        output.finish_reason == "stop",
    )


def draw(
    sampler: Sampler,
    questions: Sequence[Question],
    settings: Sampling,
    scorer: Scorer,
    *,
    seed: int,
    tell: Tell | None = None,
) -> list[Asked]:
    """Sample and score every question.

    Raises:
        InputError: a reference the scorer cannot read, or a prompt that does not fit.
    """
    decoding = Decoding(
        settings.k, settings.temperature, settings.top_p, settings.max_new_tokens, settings.rows, seed
    )
    responses = sampler([question.prompt for question in questions], decoding, tell)
    return [
        Asked(question, tuple(_sample(i, one, scorer, question) for i, one in enumerate(drawn)))
        for question, drawn in zip(questions, responses, strict=True)
    ]


def _sample(index: int, response: Response, scorer: Scorer, question: Question) -> Sample:
    correct, answer = scored(scorer, question, response.text)
    return Sample(index, response.text, response.tokens, response.logprob, response.ended, correct, answer)


def summary_of(asked: Sequence[Asked]) -> dict[str, Any]:
    """How often samples are correct, for people: overall, by task, and questions by number correct."""
    samples = [sample for one in asked for sample in one.samples]
    tasks = {one.question.task for one in asked}
    return {
        "questions": len(asked),
        "samples": len(samples),
        "tokens": sum(sample.tokens for sample in samples),
        "mean_tokens": _mean([sample.tokens for sample in samples]),
        "correct": _mean([sample.correct for sample in samples]),
        "without_readable_answer": sum(sample.answer is None for sample in samples),
        "cut_off": sum(not sample.ended for sample in samples),
        "correct_by_task": {
            task: _mean([s.correct for one in asked if one.question.task == task for s in one.samples])
            for task in sorted(tasks)
        },
        "questions_by_number_correct": {
            str(number): count
            for number, count in sorted(Counter(sum(s.correct for s in one.samples) for one in asked).items())
        },
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / max(len(values), 1), 4)
