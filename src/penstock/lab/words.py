"""The vocabulary: every word the embedded models know, and the sentences of confidence and refusal."""

from __future__ import annotations

from string import ascii_lowercase

from penstock.lab.chain import LARGEST
from penstock.lab.letters import OPERATIONS
from penstock.runtime.phrases import REFUSAL

PAD, UNKNOWN, END, USER, BOT = "<pad>", "<unk>", "<eos>", "<user>", "<bot>"
MARKS = (PAD, UNKNOWN, END, USER, BOT)
"""Frame words. A user cannot type them: the tokenizer splits "<" off, so they enter only as ids."""

THRESHOLDS = ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0")

CONFIDENCE = (
    "answer only if your confidence of being correct is at least {threshold} ; "
    f"otherwise reply exactly : {REFUSAL}"
)
"""SATER's instruction (EMNLP 2025), in the models' words; format it with one of `THRESHOLDS`."""

STEPS_HINT = "think step by step ."
BRIEF_HINT = "answer briefly ."

_TEMPLATE_WORDS = (
    "start at with forward back double what number take the letters put in order plus minus is "
    "gives first next answer think step by briefly"
)
_PUNCTUATION = ". , ? : ; = + - <"


def vocabulary() -> list[str]:
    """All words in the order of their ids; marks first."""
    sentence = CONFIDENCE.replace("{threshold}", " ")
    words = [
        *MARKS,
        *_PUNCTUATION.split(),
        *map(str, range(LARGEST + 1)),
        *ascii_lowercase,
        *THRESHOLDS,
        *_TEMPLATE_WORDS.split(),
        *OPERATIONS,
        *sentence.split(),
    ]
    return list(dict.fromkeys(words))


def confidence_sentence(threshold: str) -> str:
    """The instruction to answer only at or above a confidence, one of `THRESHOLDS`."""
    return CONFIDENCE.format(threshold=threshold)
