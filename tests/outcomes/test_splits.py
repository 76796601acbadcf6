"""Splits never separate a group, never depend on order, and are the same everywhere."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.core.hashing import uniform_of
from penstock.errors import InputError
from penstock.outcomes.groups import group_of
from penstock.outcomes.splits import folds, groups_of, split_by_group, split_by_task, task_out_splits
from penstock.state import draw_of
from penstock.types import Query

ids = st.lists(
    st.builds(
        lambda n, end: f"q-{n}{end}",
        st.integers(0, 40),
        st.sampled_from(["", "-t1", "-t2", "-dup1", "-one_shot"]),
    ),
    min_size=2,
    max_size=40,
    unique=True,
)
tasks = st.sampled_from(["x", "y", "z", None])
queries = ids.flatmap(
    lambda names: st.lists(tasks, min_size=len(names), max_size=len(names)).map(
        lambda drawn: [Query(name, task=task) for name, task in zip(names, drawn, strict=True)]
    )
)
seeds = st.integers(0, 1000)


def many(n: int) -> list[Query]:
    return [Query(f"q-{i}", task=f"t{i % 7}") for i in range(n)]


@pytest.mark.parametrize(
    ("query_id", "group"),
    [
        ("mmlu-00ab", "mmlu-00ab"),
        ("mmlu-00ab-dup12", "mmlu-00ab"),
        ("mtbench-102-t2", "mtbench-102"),
        ("x-t1-dup2", "x"),
        ("plan-blocksworld-one_shot-10", "plan-blocksworld-10"),
        ("plan-blocksworld_3-zero_shot-10", "plan-blocksworld_3-10"),
        ("plan-mystery_blocksworld-zero_shot-10", "plan-mystery_blocksworld-10"),
        ("q-few_shot", "q"),
        ("swe-pytest-dev__pytest-10", "swe-pytest-dev__pytest-10"),
        ("rb-arc-challenge.test.10", "rb-arc-challenge.test.10"),
        ("-t1", "-t1"),
    ],
)
def test_group_of_an_id(query_id: str, group: str) -> None:
    assert group_of(query_id) == group
    assert group_of(query_id, "stated") == "stated"


@given(queries, seeds, st.floats(0.1, 0.9))
def test_split_is_disjoint_whole_and_keeps_groups(drawn: list[Query], seed: int, fraction: float) -> None:
    first = [uniform_of(f"{seed}:{group}") < fraction for group in groups_of(drawn)]
    assume(any(first) and not all(first))
    a, b = split_by_group(drawn, fraction, seed)
    assert sorted([*a.tolist(), *b.tolist()]) == list(range(len(drawn)))
    groups = np.array(groups_of(drawn))
    assert not set(groups[a]) & set(groups[b])
    again, _ = split_by_group(drawn[::-1], fraction, seed)
    assert {drawn[i].id for i in a} == {drawn[::-1][i].id for i in again}


@given(queries, seeds, st.integers(2, 5))
def test_task_out_keeps_tasks_and_groups(drawn: list[Query], seed: int, n_folds: int) -> None:
    try:
        splits = task_out_splits(drawn, n_folds, seed)
    except InputError:  # right only where everything hangs together
        merged = {
            g: {q.task for q, h in zip(drawn, groups_of(drawn), strict=True) if h == g}
            for g in groups_of(drawn)
        }
        assert len({q.task for q in drawn}) == 1 or any(len(together) > 1 for together in merged.values())
        return
    one = split_by_task(drawn, 0.7, seed)
    groups, names = np.array(groups_of(drawn)), np.array([str(q.task) for q in drawn])
    for fit, test in [*splits, one]:
        assert len(fit) > 0
        assert len(test) > 0
        assert sorted([*fit.tolist(), *test.tolist()]) == list(range(len(drawn)))
        assert not set(groups[fit]) & set(groups[test])
        assert not set(names[fit]) & set(names[test])
    assert sorted(i for _, test in splits for i in test.tolist()) == list(range(len(drawn)))


def test_the_rule_is_the_documented_one() -> None:
    digest = blake2b(b"0:q-1", digest_size=8).hexdigest()
    assert uniform_of("0:q-1") == pytest.approx(int(digest, 16) / 2**64, abs=1e-15)
    fit, test = split_by_group(many(4000), 0.7, 0)
    assert [uniform_of(f"0:q-{i}") < 0.7 for i in (*fit, *test)] == [True] * len(fit) + [False] * len(test)
    assert abs(len(fit) / 4000 - 0.7) < 4 * np.sqrt(0.21 / 4000)


def test_folds_and_draws_are_independent_of_the_split() -> None:
    queries = many(4000)
    fit, test = split_by_group(queries, 0.5, 3)
    numbers = folds(queries, 5, 3)
    assert set(numbers) == set(range(5))
    for part in (fit, test):
        counts = np.bincount(numbers[part], minlength=5) / len(part)
        assert np.all(np.abs(counts - 0.2) < 4 * np.sqrt(0.16 / len(part)))
        draws = np.array([draw_of(queries[i].id, 3) for i in part])
        assert abs(draws.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(part))


def test_folds_keep_groups() -> None:
    queries = [Query(f"q-{i}{end}") for i in range(50) for end in ("", "-t1", "-t2")]
    numbers = folds(queries, 4, 0).reshape(50, 3)
    assert np.all(numbers == numbers[:, :1])


def test_splitting_again_with_the_same_seed_is_refused() -> None:
    queries = many(200)
    fit, _ = split_by_group(queries, 0.7, 5)
    with pytest.raises(InputError, match="another seed"):
        split_by_group([queries[i] for i in fit], 0.7, 5)


def test_tasks_that_share_a_group_stay_together() -> None:
    queries = [Query("a-t1", task="x"), Query("a-t2", task="y"), Query("b", task="z"), Query("c", task="z")]
    assert sorted(test.tolist() for _, test in task_out_splits(queries, 3, 0)) == [[0, 1], [2, 3]]
    with pytest.raises(InputError, match="only 1 task"):
        task_out_splits(queries[:2], 2, 0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, float("nan")])
def test_a_fraction_that_is_none(fraction: float) -> None:
    for split in (split_by_group, split_by_task):
        with pytest.raises(InputError, match="between 0 and 1"):
            split(many(10), fraction, 0)


@pytest.mark.real_tables
def test_real_tables_never_separate_variants(real_tables: Path) -> None:
    from penstock.outcomes.io import read_table
    from penstock.outcomes.to_matrix import queries_of

    for name, together in {"planbench": 580, "routellm_mtbench": 36, "routellm_mmlu": 73}.items():
        queries = queries_of(read_table(real_tables / name).queries)
        assert len(queries) - len(set(groups_of(queries))) == together
        for seed in range(3):
            a, b = split_by_group(queries, 0.7, seed)
            assert not {queries[i].group for i in a} & {queries[i].group for i in b}
