"""Stage II: refusal by confidence through supervised fine-tuning (TRL's SFTTrainer)."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryDirectory

from penstock.training.sater.refusals import Row
from penstock.training.sater.settings import StageTwo
from penstock.training.sater.trainee import Trainee
from penstock.training.sater.tuning import Progress, adapters, common_arguments, fit, quiet, reporter


def train_refusing(
    trainee: Trainee, rows: Sequence[Row], settings: StageTwo, *, seed: int, progress: Progress
) -> Trainee:
    """The trainee after Stage II. Its network is changed in place; the loss is on the targets alone."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    data = [
        {
            "prompt": [{"role": "user", "content": row.prompt}],
            "completion": [{"role": "assistant", "content": row.target}],
        }
        for row in rows
    ]
    with TemporaryDirectory() as folder, quiet():
        trainer = SFTTrainer(
            model=trainee.network,
            args=SFTConfig(
                **common_arguments(settings.tuning, trainee, folder, seed), completion_only_loss=True
            ),
            train_dataset=Dataset.from_list(data),
            processing_class=trainee.tokenizer,
            peft_config=adapters(settings.tuning),
            callbacks=[reporter("Stage II", progress)],
        )
        return trainee.with_network(fit(trainer))
