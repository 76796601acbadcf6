"""What Stage I and Stage II ask of TRL in common: arguments, adapters, quiet, and progress."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.errors import MissingExtra
from penstock.training.sater.settings import Tuning
from penstock.training.sater.trainee import Trainee

if TYPE_CHECKING:
    from transformers import TrainerCallback

Progress = Callable[[str, int, int, float], None]
"""Called as (what, step, steps, training loss)."""


def require_trl() -> None:
    """Raises MissingExtra where the trainers are not installed."""
    try:
        import accelerate  # noqa: F401
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingExtra("train", f"fine-tuning ({error.name})") from error


def common_arguments(tuning: Tuning, trainee: Trainee, folder: str, seed: int) -> dict[str, Any]:
    """Arguments of DPOConfig and SFTConfig alike.

    Everything TRL switches on by itself and that does not suit small models on a CPU is set here: gradient
    checkpointing off, bf16 only where the processor multiplies it.
    """
    on_cpu = trainee.network.device.type == "cpu"
    return {
        "output_dir": folder,
        "learning_rate": tuning.rate,
        "num_train_epochs": tuning.epochs,
        "per_device_train_batch_size": tuning.batch,
        "lr_scheduler_type": "cosine",
        "warmup_steps": tuning.warmup,
        "bf16": has_bf16(trainee),
        "use_cpu": on_cpu,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": not on_cpu,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 5,
        "disable_tqdm": True,
        "seed": seed,
        "max_length": trainee.context,
    }


def adapters(tuning: Tuning) -> Any:
    """PEFT's configuration, or None for training all weights."""
    if not tuning.lora:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=tuning.rank, lora_alpha=tuning.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def fit(trainer: Any) -> Any:
    """Train and return the plain network: adapters are added into the weights."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)  # the log goes to `reporter` alone
    trainer.train()
    return merged(trainer.model)


def merged(network: Any) -> Any:
    """The plain network: adapters are added into the weights."""
    plain = network.merge_and_unload() if hasattr(network, "merge_and_unload") else network
    plain.eval()
    return plain


def has_bf16(trainee: Trainee) -> bool:
    """Whether the device multiplies bf16 natively; elsewhere autocast would be slower than fp32."""
    import torch

    if trainee.network.device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(flag) for flag in ("avx512_bf16", "amx_bf16", "bf16"))


def reporter(what: str, tell: Progress) -> TrainerCallback:
    """A trainer callback that tells `tell` after every step."""
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        loss = 0.0

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            self.loss = float((logs or {}).get("loss", self.loss))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            tell(what, state.global_step, state.max_steps, self.loss)

    return Reporter()


@contextmanager
def quiet() -> Iterator[None]:
    """Silences the progress bars and hints of datasets and transformers: this project has its own."""
    import datasets
    import transformers

    level, bars = transformers.logging.get_verbosity(), os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        datasets.enable_progress_bars()
        if bars is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = bars
        transformers.logging.set_verbosity(level)
