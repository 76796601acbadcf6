"""Questions and what was sampled for them, as values and as a table a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.imports import import_queries
from penstock.outcomes.scorers.base import Scorer


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its right answer; `task` groups questions in summaries."""

    id: str
    prompt: str
    reference: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One response, scored. `tokens` counts the end mark; `answer` is the final answer read out of it."""

    index: int
    text: str
    tokens: int
    logprob: float
    ended: bool
    correct: bool
    answer: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its samples."""

    question: Question
    samples: tuple[Sample, ...]

    @property
    def confidence(self) -> float:
        """Share of correct samples: the paper's estimate of how surely the model knows."""
        return sum(sample.correct for sample in self.samples) / len(self.samples)


def read_questions(path: Path) -> list[Question]:
    """Questions with a reference each, from a table's folder or a CSV, JSON-lines or Parquet file.

    Raises:
        TableError: not readable, a question without reference, or none at all.
    """
    frame = import_queries(path)
    found = []
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        if row["reference"] is None:
            hint = "Training needs to know which responses are correct."
            raise TableError("no right answer", file=path, row=number, field="reference", hint=hint)
        found.append(Question(row["query_id"], row["prompt"], row["reference"], row.get("task") or ""))
    if not found:
        raise TableError("holds no question", file=path)
    return found


def scored(scorer: Scorer, question: Question, text: str) -> tuple[bool, str | None]:
    """Whether a response is correct (quality 1) and the final answer found in it."""
    score = scorer(text, question.reference)
    return score.quality >= 1.0, score.extracted


def write_samples(asked: Sequence[Asked], file: Path) -> None:
    """One row per sample."""
    rows = [
        {
            "query_id": one.question.id,
            "task": one.question.task,
            "prompt": one.question.prompt,
            "reference": one.question.reference,
            "sample": sample.index,
            "response": sample.text,
            "answer": sample.answer,
            "correct": sample.correct,
            "tokens": sample.tokens,
            "ended": sample.ended,
            "mean_logprob": sample.logprob,
        }
        for one in asked
        for sample in one.samples
    ]
    with file.open("wb") as out:
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(out)


def read_samples(file: Path) -> list[Asked]:
    """What `write_samples` wrote, in its order."""
    found: dict[str, tuple[Question, list[Sample]]] = {}
    for row in pl.read_parquet(file, glob=False).iter_rows(named=True):
        question = Question(row["query_id"], row["prompt"], row["reference"], row["task"])
        _, samples = found.setdefault(question.id, (question, []))
        samples.append(
            Sample(
                row["sample"],
                row["response"],
                row["tokens"],
                row["mean_logprob"],
                row["ended"],
                row["correct"],
                row["answer"],
            )
        )
    return [Asked(question, tuple(samples)) for question, samples in found.values()]
