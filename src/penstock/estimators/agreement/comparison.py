"""How answers to one query are compared: by a normal form of their text, or by an embedder by meaning.

The same object numbers the answers of a table and of a live request. By form, whether two answers are the
same is nobody else's affair. By meaning a group holds only what is close to *all* its members, so that who
has answered can matter where answers lie between two groups: a table is grouped with everybody's answers, a
request with those that have come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from penstock.answers.canonical import Normaliser, final_answer
from penstock.answers.equivalence import normal_form, numbered
from penstock.errors import BundleError, InputError
from penstock.estimators.agreement.choose_form import NORMALISERS, choose_normaliser, normaliser
from penstock.estimators.agreement.meaning import (
    answer_texts,
    choose_threshold,
    codes_at,
    similarities,
    text_of,
)
from penstock.estimators.base import Settings
from penstock.estimators.embeddings import Embedder, OpenEmbedder
from penstock.outcomes.matrix import Grid
from penstock.types import Answer, IntArray

MEANING = "meaning"
"""The name of comparing by an embedder, beside those of normal forms."""
_CHOOSE_ON = 500
"""Rows that a threshold is chosen on: every one costs as many embeddings as there are candidates."""


class Comparison(Protocol):
    """Which answers to a query are the same."""

    @property
    def form(self) -> str:
        """Its name: of a normal form, or ``MEANING``."""
        ...

    def codes(self, grid: Grid) -> IntArray:
        """(n, k) answers numbered within their query, as by ``agreement.codes``."""
        ...

    def group(self, answers: Sequence[Answer]) -> list[int]:
        """The same of the answers to one query that have come so far."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain settings, from which ``comparison_from`` makes the same again."""
        ...


@dataclass(frozen=True)
class ByForm:
    """Answers are the same where a normal form of their text is (``choose_normaliser.NORMALISERS``)."""

    form: str

    def __post_init__(self) -> None:
        normaliser(self.form)  # an unknown one is told now

    def codes(self, grid: Grid) -> IntArray:
        return codes(grid, normaliser(self.form))

    def group(self, answers: Sequence[Answer]) -> list[int]:
        read = normaliser(self.form)
        return numbered([normal_form(answer, read) for answer in answers])

    def state(self) -> dict[str, Any]:
        return {"form": self.form}


@dataclass(frozen=True)
class ByMeaning:
    """Answers are the same where their embeddings are at least ``cosine`` alike."""

    embedder: Embedder
    cosine: float
    form: str = MEANING

    def codes(self, grid: Grid) -> IntArray:
        return codes_at(similarities(answer_texts(grid), self.embedder), self.cosine)

    def group(self, answers: Sequence[Answer]) -> list[int]:
        """May wait for the embedder."""
        code = codes_at(similarities([[text_of(a) for a in answers]], self.embedder), self.cosine)
        return [int(c) for c in code[0]]

    def state(self) -> dict[str, Any]:
        return {"form": MEANING, "cosine": self.cosine, "embedder": dict(self.embedder.spec())}


def codes(grid: Grid, normaliser: Normaliser = final_answer) -> IntArray:
    """(n, k): answers numbered within their query, equal numbers for the same normal form.

    ``NONE`` where the candidate was not asked, refused, failed or gave nothing comparable: ``same_answer``
    tells such cells from agreement.
    """
    n, k = grid.quality.shape
    forms = ([normal_form(grid.answer_of(i, j), normaliser) for j in range(k)] for i in range(n))
    return np.array([numbered(row) for row in forms], dtype=np.int64).reshape(n, k)


def choose_by_form(grid: Grid) -> ByForm | None:
    """The normal form under which agreement says most about who is right; None where it says nothing."""
    name = choose_normaliser(grid).name
    return None if name is None else ByForm(name)


def choose_by_meaning(grid: Grid, embedder: Embedder) -> ByMeaning | None:
    """The cosine under which agreement says most about who is right, chosen on at most 500 rows, evenly
    spread; None where it says nothing at any."""
    if len(grid) > _CHOOSE_ON:
        grid = grid.rows(np.linspace(0, len(grid) - 1, _CHOOSE_ON).astype(np.int64))
    similarity = similarities(answer_texts(grid), embedder)
    cosine = choose_threshold(similarity, grid.shown_quality).cosine
    return None if cosine is None else ByMeaning(embedder, cosine)


def comparison_from(settings: Settings, open_embedder: OpenEmbedder | None) -> Comparison:
    """What ``state`` returned. BundleError for a form this version does not know, or for an embedder that
    nobody here opens."""
    form = str(settings["form"])
    if form == MEANING:
        if open_embedder is None:
            raise BundleError("the router compares answers by embeddings, and no embedder can be opened here")
        spec: Mapping[str, Any] = settings["embedder"]
        return ByMeaning(open_embedder(spec), float(settings["cosine"]))
    try:
        return ByForm(form)
    except InputError as error:
        known = ", ".join((*NORMALISERS, MEANING))
        raise BundleError(f"the router compares answers by {form!r}; this version knows {known}") from error
