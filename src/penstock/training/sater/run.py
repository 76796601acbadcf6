"""`penstock train sater`: sample, Stage I, sample again, Stage II, evaluate. Read from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from penstock.core.hashing import uniform_of
from penstock.errors import InputError
from penstock.outcomes.frames import pl
from penstock.outcomes.scorers.base import Scorer
from penstock.training.sater import evaluation
from penstock.training.sater.evaluation import ModelAnswer, answer_greedily
from penstock.training.sater.pairs import Pair, select_pairs
from penstock.training.sater.preference import train_members
from penstock.training.sater.refusals import Row, threshold_rows
from penstock.training.sater.refusing import train_refusing
from penstock.training.sater.samples import Asked, Question, read_samples, write_samples
from penstock.training.sater.sampling import draw, sampler_for, summary_of
from penstock.training.sater.settings import Sater
from penstock.training.sater.stages import Stage, file_fingerprint, fingerprint
from penstock.training.sater.trainee import EMBEDDED_FILE, embedded_path, open_trainee
from penstock.training.sater.tuning import Progress, require_trl

STAGES = ("1-samples", "2-stage-one", "3-samples", "4-stage-two", "5-evaluation")


@dataclass(frozen=True)
class Run:
    """One run: what is trained, on what, how, and where the stages stand.

    Attributes:
        model: name or path, as `open_trainee` takes it.
        questions: with a reference each; a share of them, drawn by hash, is kept for evaluation.
        scorer, scorer_name: what decides that a response is correct.
        source: where the questions came from, for error messages.
    """

    model: str
    questions: Sequence[Question]
    scorer: Scorer
    scorer_name: str
    settings: Sater
    out: Path
    source: object = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The five stages; each names the fingerprint of the one before among its inputs."""
        s = self.settings
        training, kept = self.split()
        drawn = {"scorer": self.scorer_name, "seed": s.seed, "sampling": s.sampling}
        common = {"model": model_fingerprint(self.model), "questions": fingerprint([*map(asdict, training)])}
        inputs: list[dict[str, Any]] = [
            {**common, **drawn},
            {"settings": s.stage_one, "seed": s.seed},
            {**drawn, "sampling": s.second_sampling, "at_most": s.stage_two.questions},
            {"settings": s.stage_two, "seed": s.seed},
            {"questions": fingerprint([*map(asdict, kept)]), "scorer": self.scorer_name},
        ]
        stages: list[Stage] = []
        for name, own in zip(STAGES, inputs, strict=True):
            before = {"after": stages[-1].fingerprint} if stages else {}
            stages.append(Stage(self.out / name, {**own, **before}))
        return tuple(stages)

    def split(self) -> tuple[list[Question], list[Question]]:
        """(for training, for evaluation)."""
        share = self.settings.evaluation_share
        kept = [q for q in self.questions if uniform_of(f"sater-evaluation:{q.id}") < share]
        chosen = {q.id for q in kept}
        return [q for q in self.questions if q.id not in chosen], kept

    def second_questions(self) -> list[Question]:
        """The training questions that are sampled again for Stage II."""
        training, _ = self.split()
        drawn = sorted(training, key=lambda q: uniform_of(f"sater-stage-two:{self.settings.seed}:{q.id}"))
        chosen = {q.id for q in drawn[: self.settings.stage_two.questions]}
        return [q for q in training if q.id in chosen]


def train_sater(run: Run, progress: Progress) -> dict[str, Any]:
    """Make every stage that is not finished yet; the summaries of all, by the stage's name.

    Raises:
        InputError: data no response to which is correct, a model that cannot be trained, a folder that holds
            stages made from other inputs, a full disk. What was finished before is kept.
        MissingExtra: the `train` extra is not installed.
    """
    require_trl()
    if not run.split()[0]:
        raise InputError("no question is left to train on", file=run.source)
    first, one, second, two, last = run.stages
    _sample(run, first, run.model, 1, progress)
    _stage_one(run, one, first, progress)
    _sample(run, second, str(one.folder), 2, progress)
    _stage_two(run, two, second, one, progress)
    made = [first, one, second, two]
    if run.split()[1]:
        _evaluate(run, last, {"base": run.model, "stage one": str(one.folder), "stage two": str(two.folder)},
                  progress)  # fmt: skip
        made.append(last)
    return {stage.folder.name: stage.summary for stage in made}


def _sample(run: Run, stage: Stage, model: str, number: int, progress: Progress) -> None:
    if stage.finished:
        return
    what = f"sampling for Stage {'I' * number}"
    questions = run.split()[0] if number == 1 else run.second_questions()
    with stage.making() as folder:
        asked = draw(
            sampler_for(model),
            questions,
            run.settings.sampling if number == 1 else run.settings.second_sampling,
            run.scorer,
            seed=10 * run.settings.seed + number,
            tell=lambda done, total: progress(what, done, total, 0.0),
        )
        write_samples(asked, folder / "samples.parquet")
        stage.finish(folder, summary_of(asked))


def _stage_one(run: Run, stage: Stage, samples: Stage, progress: Progress) -> None:
    if stage.finished:
        return
    settings = run.settings.stage_one
    asked = _answerable(run, samples)
    selection = select_pairs(asked, settings)
    if not selection.pairs:
        raise InputError(
            f"of {len(asked)} questions none has both a correct and an incorrect response",
            file=samples.folder,
            hint="Stage I learns from such pairs: give harder (or easier) questions, or draw more samples.",
        )
    with stage.making() as folder:
        _write([_pair_row(pair) for pair in selection.pairs], folder / "pairs.parquet")
        trainee = train_members(
            lambda: open_trainee(run.model), selection.pairs, settings, run.settings.seed, progress
        )
        trainee.save(folder)
        stage.finish(folder, _pair_summary(selection.pairs, selection.dropped))


def _stage_two(run: Run, stage: Stage, samples: Stage, one: Stage, progress: Progress) -> None:
    if stage.finished:
        return
    settings = run.settings.stage_two
    rows = threshold_rows(_answerable(run, samples), settings, seed=run.settings.seed)
    with stage.making() as folder:
        _write([_threshold_row(row) for row in rows.rows], folder / "rows.parquet")
        trainee = train_refusing(
            open_trainee(str(one.folder)), rows.rows, settings, seed=run.settings.seed, progress=progress
        )
        trainee.save(folder)
        stated = [row for row in rows.rows if row.threshold is not None]
        stage.finish(
            folder,
            {
                "rows": len(rows.rows),
                "with_threshold": len(stated),
                "refusals": round(rows.refusal_share, 4),
                "rows_by_threshold": {
                    str(t): sum(row.threshold == t for row in stated) for t in settings.thresholds
                },
                "dropped_questions": rows.dropped,
            },
        )


def _evaluate(run: Run, stage: Stage, models: dict[str, str], progress: Progress) -> None:
    if stage.finished:
        return
    kept = run.split()[1]
    sampling = run.settings.sampling
    thresholds = run.settings.stage_two.thresholds
    found: dict[str, list[ModelAnswer]] = {}
    with stage.making() as folder:
        for name, model in models.items():

            def tell(done: int, total: int, name: str = name) -> None:
                progress(f"evaluating ({name})", done, total, 0.0)

            found[name] = answer_greedily(
                sampler_for(model),
                kept,
                run.scorer,
                thresholds=(None, *thresholds) if name == "stage two" else (None,),
                max_new_tokens=sampling.max_new_tokens,
                rows=sampling.rows,
                tell=tell,
            )
        evaluation.write_answers(found, folder / "answers.parquet")
        unasked = {name: [a for a in answers if a.threshold is None] for name, answers in found.items()}
        stage.finish(
            folder,
            {
                "without_threshold": {name: evaluation.figures(a) for name, a in unasked.items()},
                "by_task": {name: evaluation.by_task(a) for name, a in unasked.items()},
                "stage_two_by_threshold": {
                    str(t): evaluation.figures([a for a in found["stage two"] if a.threshold == t])
                    for t in thresholds
                },
            },
        )


def _answerable(run: Run, samples: Stage) -> list[Asked]:
    """The samples of a stage, some of which must be correct."""
    asked = read_samples(samples.folder / "samples.parquet")
    if not any(sample.correct for one in asked for sample in one.samples):
        raise InputError(
            f"no response to any of {len(asked)} questions was correct, so there is nothing to learn from",
            file=run.source,
            hint=f"Look at {samples.folder / 'samples.parquet'}: check --scorer and the references, "
            "or give easier questions.",
        )
    return asked


def model_fingerprint(model: str) -> str:
    """Of an embedded model its weights; of a local folder the names, sizes and times of its files; else the
    name."""
    path = embedded_path(model)
    if path is not None:
        return file_fingerprint(path)
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return fingerprint([[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files])


def weights_path(stage: Path) -> Path:
    """What the runtime loads of a finished training stage: the ONNX file, or the folder itself."""
    return stage / EMBEDDED_FILE if (stage / EMBEDDED_FILE).is_file() else stage


def _write(rows: list[dict[str, Any]], file: Path) -> None:
    with file.open("wb") as out:
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(out)


def _pair_row(pair: Pair) -> dict[str, Any]:
    return {
        "query_id": pair.asked.question.id,
        "task": pair.asked.question.task,
        "prompt": pair.asked.question.prompt,
        "confidence": pair.asked.confidence,
        "kind": pair.kind,
        "chosen": pair.chosen.text,
        "chosen_tokens": pair.chosen.tokens,
        "rejected": pair.rejected.text,
        "rejected_tokens": pair.rejected.tokens,
    }


def _pair_summary(pairs: Sequence[Pair], dropped: dict[str, int]) -> dict[str, Any]:
    n = len(pairs)
    tasks = sorted({pair.asked.question.task for pair in pairs})
    return {
        "pairs": n,
        "pairs_by_task": {t: sum(pair.asked.question.task == t for pair in pairs) for t in tasks},
        "over_longer_correct": sum(pair.kind == "over longer" for pair in pairs),
        "mean_chosen_tokens": round(sum(pair.chosen.tokens for pair in pairs) / n, 2),
        "mean_rejected_tokens": round(sum(pair.rejected.tokens for pair in pairs) / n, 2),
        "dropped_questions": dropped,
    }


def _threshold_row(row: Row) -> dict[str, Any]:
    return {
        "query_id": row.asked.question.id,
        "task": row.asked.question.task,
        "confidence": row.asked.confidence,
        "threshold": row.threshold,
        "refuses": row.refuses,
        "prompt": row.prompt,
        "target": row.target,
    }
