"""Stage II data: prompts that state a confidence, answered or refused. Pure: no model, no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from penstock.candidates import Confidence
from penstock.training.sater.pairs import shortest
from penstock.training.sater.samples import Asked
from penstock.training.sater.settings import StageTwo


@dataclass(frozen=True, slots=True)
class Row:
    """One row of fine-tuning data. `threshold` None: the question as it is, without the instruction."""

    asked: Asked
    threshold: float | None
    prompt: str
    target: str
    refuses: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows, and how many questions were left out to keep the share of refusals in bounds."""

    rows: tuple[Row, ...]
    dropped: dict[str, int]

    @property
    def refusal_share(self) -> float:
        """Share of refusals among rows that state a threshold."""
        stated = [row for row in self.rows if row.threshold is not None]
        return sum(row.refuses for row in stated) / max(len(stated), 1)


def threshold_rows(
    asked: Sequence[Asked], settings: StageTwo, *, seed: int, confidence: Confidence | None = None
) -> Rows:
    """For every question some thresholds, all equally frequent, and (with `plain`) the question as it is.

    At a threshold the target is the shortest correct sample where the share of correct samples reaches it,
    and the refusal where it does not. Without one it is the shortest correct sample; of a question never
    answered correctly, the first sample: what the model does unasked is to stay as it is. Questions the model
    never, or always, answers correctly are thinned out at random to keep `settings.refusals`.
    """
    told = confidence or Confidence()
    random = Random(f"penstock-sater-{seed}")  # noqa: S311 - reproducible draws, no secrets
    kept, dropped = _balanced(asked, settings, random)
    deal = _deal(settings, random)
    rows: list[Row] = []
    for question in kept:
        rows += [_row(question, threshold, told) for threshold in next(deal)]
        if settings.plain:
            rows.append(_row(question, None, told))
    random.shuffle(rows)
    return Rows(tuple(rows), dropped)


def prompt_at(prompt: str, threshold: float | None, confidence: Confidence) -> str:
    """A prompt with the instruction after it, as candidates with a confidence send it."""
    return prompt if threshold is None else f"{prompt}\n\n{confidence.sentence(threshold)}"


def _row(asked: Asked, threshold: float | None, confidence: Confidence) -> Row:
    # Shares of k samples and thresholds are compared up to rounding: 3 of 10 reaches 0.3.
    refuses = threshold is not None and asked.confidence < threshold - 1e-9
    prompt = prompt_at(asked.question.prompt, threshold, confidence)
    return Row(asked, threshold, prompt, confidence.refusal if refuses else _answer(asked), refuses)


def _answer(asked: Asked) -> str:
    correct = [sample for sample in asked.samples if sample.correct]
    return (shortest(correct) if correct else asked.samples[0]).text


def _deal(settings: StageTwo, random: Random) -> Iterator[list[float]]:
    """Endless hands of `per_question` different thresholds; over any ten hands all are equally frequent."""
    levels = list(settings.thresholds)
    size = min(settings.per_question, len(levels))
    while True:
        random.shuffle(levels)
        for start in range(len(levels)):
            yield sorted(levels[(start + step) % len(levels)] for step in range(size))


def _balanced(
    asked: Sequence[Asked], settings: StageTwo, random: Random
) -> tuple[list[Asked], dict[str, int]]:
    """Thin out the never or the always correct until the expected share of refusals is within bounds."""
    low, high = settings.refusals
    kept = list(asked)
    random.shuffle(kept)
    dropped = {"never correct, too many refusals": 0, "always correct, too few refusals": 0}
    shares = {id(one): _refusal_share(one, settings) for one in kept}
    total = sum(shares.values())
    for index in range(len(kept) - 1, -1, -1):
        one = kept[index]
        if one.confidence == 0 and total > high * len(kept):
            dropped["never correct, too many refusals"] += 1
        elif one.confidence == 1 and total < low * len(kept):
            dropped["always correct, too few refusals"] += 1
        else:
            continue
        total -= shares[id(one)]
        del kept[index]
    return kept, dropped


def _refusal_share(asked: Asked, settings: StageTwo) -> float:
    refused = [threshold for threshold in settings.thresholds if asked.confidence < threshold - 1e-9]
    return len(refused) / len(settings.thresholds)
