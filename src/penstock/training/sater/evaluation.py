"""The last stage: greedy answers to questions kept out of training, before and after each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.candidates import Confidence
from penstock.outcomes.frames import pl
from penstock.outcomes.scorers.base import Scorer
from penstock.providers.stream_reader import is_refusal
from penstock.training.sater.refusals import prompt_at
from penstock.training.sater.sampler import Decoding, Sampler, Tell
from penstock.training.sater.samples import Question, scored


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """One greedy response; a refusal counts neither as correct nor as an answer."""

    question: Question
    threshold: float | None
    text: str
    tokens: int
    correct: bool
    refused: bool


def answer_greedily(
    sampler: Sampler,
    questions: Sequence[Question],
    scorer: Scorer,
    *,
    thresholds: Sequence[float | None] = (None,),
    max_new_tokens: int = 1024,
    rows: int = 256,
    confidence: Confidence | None = None,
    tell: Tell | None = None,
) -> list[ModelAnswer]:
    """Every question at every threshold (None: as it is); in that order, thresholds outermost."""
    told = confidence or Confidence()
    asked = [(question, threshold) for threshold in thresholds for question in questions]
    responses = sampler(
        [prompt_at(question.prompt, threshold, told) for question, threshold in asked],
        Decoding(max_new_tokens=max_new_tokens, rows=rows),
        tell,
    )
    found = []
    for (question, threshold), (response,) in zip(asked, responses, strict=True):
        refused = is_refusal(response.text, told)
        correct = not refused and scored(scorer, question, response.text)[0]
        found.append(ModelAnswer(question, threshold, response.text, response.tokens, correct, refused))
    return found


def figures(answers: Sequence[ModelAnswer]) -> dict[str, Any]:
    """Accuracy over all, refusal rate, accuracy of what was answered (None: nothing was), mean tokens."""
    n = len(answers)
    kept = [one for one in answers if not one.refused]
    return {
        "questions": n,
        "accuracy": round(sum(one.correct for one in answers) / n, 4) if n else None,
        "refused": round(1 - len(kept) / n, 4) if n else None,
        "accuracy_of_answered": round(sum(one.correct for one in kept) / len(kept), 4) if kept else None,
        "mean_tokens": round(sum(one.tokens for one in answers) / n, 2) if n else None,
    }


def by_task(answers: Sequence[ModelAnswer]) -> dict[str, dict[str, Any]]:
    """`figures` for every task."""
    tasks = sorted({one.question.task for one in answers})
    return {task: figures([one for one in answers if one.question.task == task]) for task in tasks}


def write_answers(answers: dict[str, list[ModelAnswer]], file: Path) -> None:
    """One row per model ("base", "stage one", "stage two"), threshold and question."""
    rows = [
        {
            "model": model,
            "threshold": one.threshold,
            "query_id": one.question.id,
            "task": one.question.task,
            "prompt": one.question.prompt,
            "reference": one.question.reference,
            "response": one.text,
            "tokens": one.tokens,
            "correct": one.correct,
            "refused": one.refused,
        }
        for model, found in answers.items()
        for one in found
    ]
    with file.open("wb") as out:
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(out)
