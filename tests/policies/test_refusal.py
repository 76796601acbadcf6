"""SATER's pre-generation mode as a policy: by hand, and refusals as the other policies meet them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.index import Index
from penstock.policies.refusal import RefusalCascade

from .evidence import evidence_of
from .modes import belief_of, modes
from .refusing import BELIEF, REFUSED, TRUE, N, ran


def test_a_refusal_goes_on_and_an_answer_stays() -> None:
    found = ran(RefusalCascade((0, 1, 2)))
    wanted = np.where(~REFUSED[:, 0], 0, np.where(~REFUSED[:, 1], 1, 2))
    assert np.array_equal(found.accepted, wanted)
    assert np.array_equal(found.cost, np.array([1.0, 4.0, 24.0])[wanted])
    assert np.array_equal(found.quality, TRUE[np.arange(N), wanted])


def test_the_last_member_is_accepted_even_where_it_refuses() -> None:
    assert set(ran(RefusalCascade((2, 0))).accepted) == {2}
    found = ran(RefusalCascade((0, 1)))
    both = REFUSED[:, 0] & REFUSED[:, 1]
    assert (found.accepted[both] == 1).all()
    assert (found.quality[both] == 0.0).all()


def test_an_answer_worth_nothing_is_no_refusal_where_none_is_said_to_be_one() -> None:
    blind = replace(BELIEF, refused=None)
    assert (ran(RefusalCascade((0, 1, 2)), blind).accepted == 0).all()


@pytest.mark.parametrize("lam", [0.001, 0.01, 0.2])
def test_others_go_on_from_refusals_too(lam: float) -> None:
    """A refused answer is worth 0 to every policy: none is kept where any answer came back."""
    for policy in (Index(lam), CascadeRouting((lam,), 1.0, 3)):
        found = ran(policy)
        refused = REFUSED[np.arange(N), found.accepted]
        answered = (found.executed & ~REFUSED).any(axis=1)
        assert not (refused & answered).any()
    assert not REFUSED[np.arange(N), ran(Index(0.001)).accepted].any()


def test_chains_that_make_no_sense() -> None:
    for chain in ((), (0, 0)):
        with pytest.raises(InputError):
            RefusalCascade(chain)


def test_what_is_tried_starts_with_who_refuses_at_times() -> None:
    table = modes(0)
    seen = evidence_of(belief_of(table), table.quality.mean(axis=0), table.cost.mean(axis=0))
    found = RefusalCascade.search_space(seen)
    assert RefusalCascade((0, 2)) in found
    assert all(policy.chain[0] == 0 for policy in found if isinstance(policy, RefusalCascade))
    assert RefusalCascade.search_space(replace(seen, refused=None)) == []
    assert RefusalCascade.search_space(replace(seen, refused=np.zeros((N, 3), dtype=bool))) == []
