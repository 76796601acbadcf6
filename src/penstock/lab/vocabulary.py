"""Builds the word-level tokenizer file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.lab.words import UNKNOWN, vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PIECES = r"\d+\.\d+|\d+|[a-z]+(?:'[a-z]+)?|\S"
"""What counts as a word after lower-casing: a decimal, a whole number, letters with an inner apostrophe, or
one mark of punctuation. Whitespace only separates."""


def build_tokenizer() -> Tokenizer:
    """The tokenizer of all three models: folds case, splits punctuation off, maps unknown words to
    <unk>.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    ids = {word: index for index, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="removed", invert=True)
    return tokenizer
