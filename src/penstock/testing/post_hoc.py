"""The contract every estimate after the call keeps: subclass ``PostHocContract`` and give its fixture.

::

    class TestMine(PostHocContract):
        @pytest.fixture
        def estimator(self):
            return MyPostHoc(...)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock import codec
from penstock.belief import Answered, Belief, Checked, Failed, observe
from penstock.codec import Openers, take
from penstock.errors import InputError, PenstockError
from penstock.estimators.comparison.comparison import ByForm, Comparison
from penstock.estimators.post_hoc.base import (
    Before,
    CrossfitPostHoc,
    FittedPostHoc,
    PostHocData,
    PostHocEstimator,
)
from penstock.estimators.recorded import RecordedAnswers
from penstock.state import State
from penstock.testing.estimators import inputs_of
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status, Usage

N, K, FOLDS, DRAWS = 64, 3, 4, 2
_ENDS = (Status.REFUSED, Status.FAILED)


@lru_cache
def data_of(
    *, k: int = K, comparison: Comparison | None = None, refused: float = 0.08, seed: int = 0
) -> PostHocData:
    """N queries, every cell sampled ``DRAWS`` times. Answers tell by their log-probabilities, and by agreeing
    with each other, whether they are right, and the last candidate's say how sure they are; a share of them
    is ``refused`` or failed, and some cells are missing."""
    rng = np.random.default_rng(seed)
    ex_ante = rng.uniform(0.2, 0.9, size=(N, k))
    asked = rng.random((N, k)) >= 0.05
    quality, answers = [], []
    for _ in range(DRAWS):
        told = rng.random((N, k)) >= refused
        right = (told & (rng.random((N, k)) < ex_ante)).astype(np.float64)
        level = 0.5 * right + rng.uniform(0.2, 0.8, size=(N, k))
        wrong = rng.integers(1, 4, size=(N, k))
        cells = [
            [
                _answer(
                    f"m{j}",
                    f"{'Clearly' if level[i, j] > 1 else 'Perhaps'}: the answer is "
                    f"{i if right[i, j] else i + wrong[i, j]}.",
                    level[i, j],
                    Status.MISSING if not asked[i, j] else Status.ANSWERED if told[i, j] else _ENDS[i % 2],
                    float(level[i, j] / 1.3) if j == k - 1 else None,
                )
                for j in range(k)
            ]
            for i in range(N)
        ]
        quality.append(np.where(asked, right, np.nan))
        answers.append(RecordedAnswers(lambda i, j, cells=cells: cells[i][j], (N, k)))  # type: ignore[misc]
    tuning: BoolArray = np.all(asked, axis=1)
    return PostHocData(
        before=Before(ex_ante, rng.uniform(1e-4, 1e-2, size=(N, k)), rng.random(N), inputs_of(N, seed=seed)),
        answers=tuple(answers),
        quality=tuple(quality),
        weight=asked.astype(np.float64),
        fold=np.arange(N) % FOLDS,
        tuning=tuning,
        cluster=np.arange(int(tuning.sum())),
        comparison=comparison,
    )


def _answer(name: str, text: str, level: float, status: Status, confidence: float | None) -> Answer:
    if status is not Status.ANSWERED:
        return Answer(name, status=status)
    logprobs = tuple(float(np.log(level / 1.3)) * share for share in (0.7, 1.0, 1.3))
    return Answer(
        name, text, usage=Usage(20, 3), logprobs=logprobs, finish_reason="stop", confidence=confidence
    )


class PostHocContract:
    """What every estimate after the call does. It must find something to learn in ``data``."""

    openers: ClassVar[Openers] = {}
    """What opens again the things that its fits do not store whole."""
    own_fold: ClassVar[float] = 1e-9
    """How far, on average, what is believed of a row may move with the outcomes of its own fold: not at all,
    but where settings are chosen, or estimates stacked, on all rows."""

    @pytest.fixture
    def estimator(self) -> PostHocEstimator:
        """The estimator's settings."""
        raise NotImplementedError("give the estimator under test as a fixture")

    @pytest.fixture
    def comparison(self) -> Comparison | None:
        """Which answers are the same."""
        return ByForm("stated_answer")

    @pytest.fixture
    def data(self, comparison: Comparison | None) -> PostHocData:
        """What it is fitted on."""
        return data_of(comparison=comparison)

    def test_inputs_and_settings_are_not_changed(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        arrays, settings = list(_arrays_of(data)), repr(estimator)
        before = [np.copy(a) for a in arrays]
        model = estimator.fit(data, seed=3)
        assert model is not None
        _last(_all_answered(model.believe(data.before, data.answers[0]), np.tile(np.arange(K), (N, 1))))
        estimator.crossfit(data, {}, seed=0, threads=1)
        for old, new in zip(before, arrays, strict=True):
            np.testing.assert_array_equal(old, new)
        assert repr(estimator) == settings

    def test_a_copy_of_the_settings_is_equal_and_fits_alike(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        copy = dataclasses.replace(estimator)  # type: ignore[type-var]
        assert copy == estimator
        assert isinstance(type(estimator)(), PostHocEstimator), "all settings have defaults"
        first, again = (codec.encode(one.fit(data, seed=7)) for one in (estimator, copy))
        assert first[0] == again[0]
        assert first[1].keys() == again[1].keys()
        for name, array in first[1].items():
            np.testing.assert_allclose(again[1][name], array, rtol=0, atol=1e-9)

    def test_a_missing_cell_s_value_is_never_read(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        full = tuple(np.where(data.weight > 0, q, 1.0) for q in data.quality)
        believed = [
            _after_each(fitted(estimator, d), d) for d in (data, dataclasses.replace(data, quality=full))
        ]
        assert np.isfinite(believed[0]).all()
        np.testing.assert_allclose(believed[0], believed[1], rtol=0, atol=1e-9)

    def test_it_is_restored_from_its_state(self, estimator: PostHocEstimator, data: PostHocData) -> None:
        model = fitted(estimator, data)
        settings, arrays = codec.encode(model)
        plain = json.loads(json.dumps(settings, allow_nan=False))
        again = codec.decode(FittedPostHoc, plain, {k: np.array(v) for k, v in arrays.items()}, self.openers)
        assert type(again) is type(model)
        assert (again.blocking, again.notes) == (model.blocking, model.notes)
        np.testing.assert_array_equal(_after_each(again, data), _after_each(model, data))

    def test_live_answers_are_believed_as_recorded_ones(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        """One query at a time, its answers in any order, after every one of them."""
        model, answers = fitted(estimator, data), data.answers[0]
        order = np.random.default_rng(3).permuted(np.tile(np.arange(K), (N, 1)), axis=1)
        table = list(_all_answered(model.believe(data.before, answers), order))
        for i in np.flatnonzero(data.tuning)[:25].tolist():
            row, before = np.array([i]), take(data.before, [i])
            asked: list[Answered] = [Answered.live(j, answers.answer_of(i, j)) for j in order[i].tolist()]
            live = _states(model.believe(before), asked)
            alone = _all_answered(model.believe(before, take(answers, row)), order[row])
            for whole, one, other in zip(table, live, alone, strict=True):
                _assert_same(whole.rows(row), one)
                _assert_same(whole.rows(row), other)

    def test_some_rows_of_a_belief_are_believed_alike(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        belief = fitted(estimator, data).believe(data.before, data.answers[0])
        order, some = np.tile(np.arange(K), (N, 1)), np.array([5, 2, 30])
        for whole, part in zip(
            _all_answered(belief, order), _all_answered(take(belief, some), order[some]), strict=True
        ):
            _assert_same(whole.rows(some), part)

    def test_states_are_finite_and_belong_to_the_caller(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        belief = fitted(estimator, data).believe(data.before, data.answers[0])
        for state in _all_answered(belief, np.tile(np.arange(K), (N, 1))):
            assert np.isfinite(state.quality).all()
            assert (state.quality >= -1e-9).all()
            assert (state.quality <= 1 + 1e-9).all()
            assert (state.cost >= 0).all()
        assert state.executed.all()
        eligible = np.zeros((N, K), dtype=bool)
        first = belief.begin(eligible)
        assert not first.eligible.any()
        first.quality[:], first.executed[:], first.eligible[:] = 0.5, True, True
        again = belief.begin()
        assert not eligible.any()
        assert not again.executed.any()
        assert not (again.quality == 0.5).all()

    @pytest.mark.parametrize("wrong", [{"quality": np.nan}, {"cost": np.nan}, {"cost": -1.0}], ids=str)
    def test_nothing_is_believed_on_what_is_no_number(
        self, estimator: PostHocEstimator, data: PostHocData, wrong: dict[str, float]
    ) -> None:
        model = fitted(estimator, data)
        broken = {
            name: np.where(np.eye(N, K), value, getattr(data.before, name)) for name, value in wrong.items()
        }
        with pytest.raises(PenstockError):
            model.believe(dataclasses.replace(data.before, **broken)).begin()  # type: ignore[arg-type]

    def test_a_refusal_is_worth_nothing(self, estimator: PostHocEstimator, data: PostHocData) -> None:
        model, answers = fitted(estimator, data), data.answers[0]
        rows, columns = np.nonzero(~answers.answered & data.tuning[:, None])
        assert rows.size
        state = _last(_states(model.believe(data.before, answers), [Answered(rows, columns)]))
        live = _last(
            _states(
                model.believe(take(data.before, rows[:1])),
                [Answered.live(int(columns[0]), Answer("m", "no", status=Status.REFUSED))],
            )
        )
        assert (state.quality[rows, columns] == 0).all()
        assert state.refused[rows, columns].all()
        assert live.quality[0, columns[0]] == 0
        assert live.refused[0, columns[0]]

    def test_a_failure_takes_the_candidate_out(self, estimator: PostHocEstimator, data: PostHocData) -> None:
        state = _last(_states(fitted(estimator, data).believe(take(data.before, [0])), [Failed.live(1)]))
        assert state.eligible.tolist() == [[True, False, True]]
        assert not state.executed.any()

    def test_it_says_what_it_can_make_nothing_of(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        belief = fitted(estimator, data).believe(take(data.before, [0]))
        with pytest.raises(InputError):
            observe(belief, belief.begin(), Checked(np.array([0]), np.array([1]), "sums", np.array([1.0])))

    def test_beliefs_cover_every_tuning_row_of_every_draw_once(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        found = [estimator.crossfit(data, {}, seed=0, threads=threads) for threads in (1, 2)]
        for done in found:
            assert done is not None
            assert len(done.beliefs) in (1, DRAWS)
            for parts in done.beliefs:
                rows = np.concatenate([part.rows for part in parts])
                assert np.array_equal(np.sort(rows), np.arange(data.tuning.sum()))
                assert all(len(part.belief.begin()) == len(part.rows) for part in parts)
        first, again = (_out_of_fold(done) for done in found if done is not None)
        np.testing.assert_allclose(first, again, rtol=0, atol=1e-9)

    def test_a_row_is_believed_by_a_fit_that_has_not_seen_it(
        self, estimator: PostHocEstimator, data: PostHocData
    ) -> None:
        """Where a fold's outcomes are turned round, all that is believed of its rows stays as it was."""
        held = data.fold == 0
        turned = tuple(np.where(held[:, None], 1.0 - q, q) for q in data.quality)
        found = []
        for seen in (data, dataclasses.replace(data, quality=turned)):
            done = estimator.crossfit(seen, {}, seed=0, threads=1)
            assert done is not None
            found.append(_out_of_fold(done))
        moved = np.abs(found[1] - found[0])
        assert moved[:, held[data.tuning]].mean() <= self.own_fold
        assert moved[:, ~held[data.tuning]].mean() > self.own_fold, "outcomes of other folds are learned from"

    def test_it_is_fitted_on_some_of_the_rows(self, estimator: PostHocEstimator, data: PostHocData) -> None:
        model = estimator.fit(take(data, np.flatnonzero(data.fold != 0)), seed=0)
        assert model is not None
        assert np.isfinite(_after_each(model, data)).all()

    def test_one_candidate(self, estimator: PostHocEstimator) -> None:
        data = data_of(k=1)
        model = estimator.fit(data, seed=0)
        if model is not None:
            assert np.isfinite(_after_each(model, data)).all()

    def test_where_everybody_refuses_there_is_nothing_to_expect(
        self, estimator: PostHocEstimator, comparison: Comparison | None
    ) -> None:
        done = estimator.crossfit(data_of(comparison=comparison, refused=1.0), {}, seed=0, threads=1)
        assert done is None or not _out_of_fold(done).any()


_FITTED: list[tuple[PostHocEstimator, PostHocData, FittedPostHoc]] = []


def fitted(estimator: PostHocEstimator, data: PostHocData) -> FittedPostHoc:
    """What it learns of ``data``, fitted once; AssertionError where that is nothing."""
    for known, seen, model in _FITTED:
        if known == estimator and seen is data:
            return model
    found = estimator.fit(data, seed=0)
    assert found is not None, "it finds nothing to learn: give data in which there is"
    _FITTED.append((estimator, data, found))
    return found


def _states(belief: Belief, asked: Sequence[Answered | Failed]) -> Iterator[State]:
    """A copy of the state at the beginning and after every observation."""
    state = belief.begin()
    yield _copied(state)
    for seen in asked:
        state = observe(belief, state, seen)
        yield _copied(state)


def _last(states: Iterator[State]) -> State:
    return list(states)[-1]


def _all_answered(belief: Belief, order: IntArray) -> Iterator[State]:
    """The same of recorded answers, each row's in its ``order`` (n, k)."""
    rows = np.arange(len(order))
    return _states(belief, [Answered(rows, order[:, t]) for t in range(order.shape[1])])


def _copied(state: State) -> State:
    arrays = {name: getattr(state, name) for name in _COMPARED}
    copies: dict[str, Any] = {n: np.copy(a) for n, a in arrays.items() if a is not None}
    return dataclasses.replace(state, **copies)


_COMPARED = (
    "quality",
    "cost",
    "executed",
    "eligible",
    "draw",
    "refused",
    "confidence",
    "shift_sd",
    "shift_sqrt",
)


def _assert_same(one: State, other: State) -> None:
    for name in _COMPARED:
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if name == "confidence":  # nobody asks how sure a refusal is
            a, b = np.where(one.refused, np.nan, a), np.where(other.refused, np.nan, b)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=0, atol=1e-9, err_msg=name)


def _single(belief: Belief, k: int) -> FloatArray:
    """(n, k) estimates after each answer by itself."""
    found = []
    for j in range(k):
        state = belief.begin()
        rows = np.arange(len(state))
        found.append(observe(belief, state, Answered(rows, np.full(len(rows), j))).quality[:, j].copy())
    return np.stack(found, axis=1)


def _after_each(model: FittedPostHoc, data: PostHocData) -> FloatArray:
    """(draws, n, k) estimates after each answer by itself."""
    k = data.weight.shape[1]
    return np.stack([_single(model.believe(data.before, answers), k) for answers in data.answers])


def _out_of_fold(done: CrossfitPostHoc) -> FloatArray:
    """(draws, t, k) the same of the tuning rows, by fits that have not seen them."""
    found = []
    for parts in done.beliefs:
        k = parts[0].belief.begin().quality.shape[1]
        estimates = np.full((sum(len(part.rows) for part in parts), k), np.nan)
        for part in parts:
            estimates[part.rows] = _single(part.belief, k)
        found.append(estimates)
    return np.stack(found)


def _arrays_of(data: PostHocData) -> Iterator[NDArray[Any]]:
    before = data.before
    yield from (before.quality, before.cost, before.draw, before.inputs.dense, before.inputs.length)
    yield from (*data.quality, data.weight, data.fold, data.tuning, data.cluster)
