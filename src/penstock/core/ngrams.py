"""Hashed text features: word and character n-grams of a prompt as sparse counts, on NumPy alone.

The same function serves fitting and the gateway. Hashes are CRC-32 of UTF-8 bytes and a polynomial rolling
hash, both stable across processes and machines.
"""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

import numpy as np

from penstock.errors import InputError
from penstock.types import FloatArray, IntArray

FEATURES_VERSION = 1
"""Of everything that is read from texts, prompts and answers alike. A bundle says which one it was fitted on;
what is read changes only together with this number."""

WORD_BUCKETS = 1 << 14
CHAR_BUCKETS = 1 << 13
BUCKETS = WORD_BUCKETS + CHAR_BUCKETS
HEAD, TAIL = 2_000, 4_000
"""Of a long prompt the beginning (instructions) and the end (the question) are read."""

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_CHAR_SIZES = (3, 4)
_MULTIPLIER = np.uint64(1_000_003)


def check_version(version: int) -> None:
    """InputError for features that this version does not read."""
    if version != FEATURES_VERSION:
        raise InputError(
            f"was fitted on text features of version {version}, and this one reads {FEATURES_VERSION}",
            field="features_version",
            hint="Fit it again, or serve it with the version that fitted it",
        )


def clip(text: str) -> str:
    """The part of a prompt that features are computed from."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def hashed_counts(text: str) -> tuple[IntArray, FloatArray]:
    """Buckets (m,) and weights 1 + log(count) (m,) of a prompt's word and character n-grams.

    Each of the two blocks has unit Euclidean length, so neither outweighs the other on long prompts.
    """
    clipped = clip(text).lower()
    words, weight_of_words = _counted(_word_buckets(clipped))
    chars, weight_of_chars = _counted(_char_buckets(clipped))
    return np.concatenate([words, chars + WORD_BUCKETS]), np.concatenate([weight_of_words, weight_of_chars])


def word_counts(text: str) -> tuple[IntArray, FloatArray]:
    """Buckets (m,) below ``WORD_BUCKETS`` of a text's words and pairs of neighbours, all of it read, and
    weights 1 + log(count) (m,) brought to unit Euclidean length."""
    return _counted(_word_buckets(text.lower()))


def _counted(found: IntArray) -> tuple[IntArray, FloatArray]:
    buckets, counts = np.unique(found, return_counts=True)
    weight = 1.0 + np.log(counts)
    norm = np.sqrt((weight**2).sum())
    return buckets.astype(np.int64), weight / norm if norm else weight


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    return crc32(word.encode(errors="replace"))


def _word_buckets(text: str) -> IntArray:
    words = np.fromiter((_hash(w) for w in _WORD.findall(text)), dtype=np.uint64)
    pairs = (words[:-1] * _MULTIPLIER) ^ words[1:]
    return (np.concatenate([words, pairs]) % np.uint64(WORD_BUCKETS)).astype(np.int64)


def _char_buckets(text: str) -> IntArray:
    data = np.frombuffer(text.encode(errors="replace"), dtype=np.uint8).astype(np.uint64)
    grams = []
    for size in _CHAR_SIZES:
        if len(data) < size:
            continue
        rolled = np.zeros(len(data) - size + 1, dtype=np.uint64)
        for i in range(size):
            rolled = rolled * _MULTIPLIER + data[i : len(data) - size + 1 + i] + np.uint64(1)
        grams.append((rolled ^ (rolled >> np.uint64(17))) % np.uint64(CHAR_BUCKETS))
    return np.concatenate(grams).astype(np.int64) if grams else np.empty(0, dtype=np.int64)


_CODE = re.compile(r"```|def |class |import |return |[{};]|==|->|#include")
_MATHS = re.compile(r"[=+*/^<>]|\\[a-z]+|\$|√|∑|∫")
_OPTION = re.compile(r"(?m)^\s*\(?[A-J][).:]\s")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

SHAPE_NAMES = (
    "log_chars",
    "log_words",
    "mean_word_length",
    "share_digits",
    "share_upper",
    "share_non_ascii",
    "log_lines",
    "log_numbers",
    "log_code_marks",
    "log_maths_marks",
    "log_options",
    "log_questions",
    "log_sentences",
    "distinct_words",
)


def shape(text: str) -> FloatArray:
    """(14,) the prompt's length and make-up, ``SHAPE_NAMES`` in order."""
    words = text.split()
    chars, count = max(len(text), 1), max(len(words), 1)
    codes = np.frombuffer(text.encode("utf-32-le", errors="replace"), dtype=np.uint32)
    lower = [w.lower() for w in words]
    logs = (
        text.count("\n") + 1,
        len(_NUMBER.findall(text)),
        len(_CODE.findall(text)),
        len(_MATHS.findall(text)),
        len(_OPTION.findall(text)),
        text.count("?"),
        text.count(". "),
    )
    return np.array(
        [
            np.log1p(len(text)),
            np.log1p(len(words)),
            sum(map(len, words)) / count,
            ((codes >= ord("0")) & (codes <= ord("9"))).sum() / chars,
            ((codes >= ord("A")) & (codes <= ord("Z"))).sum() / chars,
            (codes > 127).sum() / chars,
            *np.log1p(logs),
            len(set(lower)) / count,
        ]
    )
