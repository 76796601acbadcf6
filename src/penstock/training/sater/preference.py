"""Stage I: long to short by direct preference optimisation (TRL's DPOTrainer)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from typing import Any

from penstock.training.sater.pairs import Pair
from penstock.training.sater.settings import StageOne
from penstock.training.sater.trainee import Trainee
from penstock.training.sater.tuning import Progress, adapters, common_arguments, fit, quiet, reporter


def train_members(
    start: Callable[[], Trainee], pairs: Sequence[Pair], settings: StageOne, seed: int, progress: Progress
) -> Trainee:
    """The average of `settings.members` trainings from the same start, each in an order of its own."""
    members = settings.members
    total: dict[str, Any] = {}
    for member in range(members):

        def tell(what: str, step: int, steps: int, loss: float, done: int = member) -> None:
            progress(what, done * steps + step, members * steps, loss)

        trained = train_preference(start(), pairs, settings, seed=seed * members + member, progress=tell)
        for name, weight in trained.network.state_dict().items():
            share = weight.float() / members
            total[name] = total[name] + share if name in total else share
    if members > 1:
        trained.network.load_state_dict(total)
    return trained


def train_preference(
    trainee: Trainee, pairs: Sequence[Pair], settings: StageOne, *, seed: int, progress: Progress
) -> Trainee:
    """The trainee after Stage I. Its network is changed in place (adapters are merged).

    The loss is `settings.preference` times `-log sigmoid(beta * (difference of log-ratios to the
    reference))`, plus `settings.nll` times the chosen responses' mean token loss.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    rows = [
        {
            "prompt": [{"role": "user", "content": pair.asked.question.prompt}],
            "chosen": [{"role": "assistant", "content": pair.chosen.text}],
            "rejected": [{"role": "assistant", "content": pair.rejected.text}],
        }
        for pair in pairs
    ]
    losses = ["sigmoid", "sft"] if settings.nll else ["sigmoid"]
    with TemporaryDirectory() as folder, quiet():
        trainer = DPOTrainer(
            model=trainee.network,
            args=DPOConfig(
                **common_arguments(settings.tuning, trainee, folder, seed),
                beta=settings.beta,
                loss_type=losses,
                loss_weights=[settings.preference, settings.nll] if settings.nll else [settings.preference],
                precompute_ref_log_probs=True,
                precompute_ref_batch_size=64,
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=trainee.tokenizer,
            peft_config=adapters(settings.tuning),
            callbacks=[reporter("Stage I", progress)],
        )
        return trainee.with_network(fit(trainer))
