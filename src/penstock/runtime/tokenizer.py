"""Text to token ids and back, for the embedded models' word-level vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from tokenizers import Tokenizer as RawTokenizer


class Tokenizer:
    """Encodes a request as `<user> ... <bot>` and decodes responses as words separated by spaces.

    Args:
        raw: a word-level tokenizer that knows <pad>, <unk>, <eos>, <user> and <bot>.

    Raises:
        InputError: one of those five is missing.
    """

    def __init__(self, raw: RawTokenizer) -> None:
        self._raw = raw
        self.pad_id = self._mark("<pad>")
        self.unknown_id = self._mark("<unk>")
        self.end_id = self._mark("<eos>")
        self.user_id = self._mark("<user>")
        self.bot_id = self._mark("<bot>")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a tokenizer.json.

        Raises:
            InputError: the file is missing or not a tokenizer.
            MissingExtra: `tokenizers` is not installed.
        """
        try:
            from tokenizers import Tokenizer as RawTokenizer
        except ImportError as error:
            raise MissingExtra("lab", "tokenizers") from error
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot read the tokenizer: {error.strerror}", file=path) from error
        try:
            return cls(RawTokenizer.from_str(text))
        except Exception as error:  # tokenizers raises nothing narrower
            raise InputError(f"not a tokenizer file: {error}", file=path) from error

    @property
    def size(self) -> int:
        """Number of token ids."""
        return len(self.words)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every token's text, by id."""
        vocabulary = self._raw.get_vocab()
        return tuple(sorted(vocabulary, key=vocabulary.__getitem__))

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text. Case is folded; unknown words become <unk>; frame marks cannot be
        typed.
        """
        return self._raw.encode(text, add_special_tokens=False).ids

    def prompt_ids(self, text: str) -> list[int]:
        """Token ids of a request: <user>, the text, <bot>."""
        return [self.user_id, *self.encode(text), self.bot_id]

    def decode(self, ids: Sequence[int]) -> str:
        """Words of the ids, separated by single spaces; padding and <eos> left out."""
        skipped = (self.pad_id, self.end_id)
        return " ".join(self.words[index] for index in ids if index not in skipped)

    def _mark(self, word: str) -> int:
        index = self._raw.token_to_id(word)
        if index is None:
            raise InputError(f"the tokenizer does not know {word}", field="tokenizer")
        return index
