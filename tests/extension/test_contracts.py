"""Each thing of somebody else's package against the contract of what it is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.estimators.base import Estimator
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.post_hoc.base import PostHocEstimator
from penstock.outcomes.scorers.base import Scorer
from penstock.policies.base import Policy
from penstock.pricing import Price
from penstock.providers.base import Provider
from penstock.storage.base import DecisionLog
from penstock.testing.comparisons import ComparisonContract
from penstock.testing.estimators import EstimatorContract
from penstock.testing.policies import ServedPolicyContract, World
from penstock.testing.post_hoc import PostHocContract
from penstock.testing.providers import ProviderContract
from penstock.testing.scorers import ScorerContract
from penstock.testing.storages import DecisionLogContract


class TestPolicy(ServedPolicyContract):
    @pytest.fixture(autouse=True)
    def _imported(self, coin: ModuleType) -> None:
        self.kind = coin.policy.CoinCascade

    def policy_for(self, world: World) -> Policy:
        policy: Policy = self.kind(tuple(range(world.quality.shape[1])), 0.6)
        return policy


class TestEstimator(EstimatorContract):
    @pytest.fixture
    def estimator(self, coin: ModuleType) -> Estimator:
        found: Estimator = coin.estimator.Coin()
        return found


class TestPostHoc(PostHocContract):
    @pytest.fixture
    def estimator(self, coin: ModuleType) -> PostHocEstimator:
        found: PostHocEstimator = coin.post_hoc.CoinPostHoc()
        return found


class TestComparison(ComparisonContract):
    same = ("It is heads.", "Well: HEADS")
    other = "It is tails"

    @pytest.fixture
    def comparison(self, coin: ModuleType) -> Comparison:
        found: Comparison = coin.comparison.SameSide()
        return found


class TestScorer(ScorerContract):
    right = (("not tails but heads", "heads"), ("Tails!", "tails"))
    wrong = (("tails", "heads"),)
    unparsable = ("", "the edge")
    unreadable = ("42", "")

    @pytest.fixture
    def scorer(self, coin: ModuleType) -> Scorer:
        found: Scorer = coin.scorer.side
        return found


class TestProvider(ProviderContract):
    @pytest.fixture
    def provider(self, coin: ModuleType) -> Provider:
        candidate = Candidate("a", "coin", "penny", Price.of("1", "1"), options={"side": "tails"})
        found: Provider = coin.provider.CoinProvider.from_candidate(candidate)
        return found


class TestStore(DecisionLogContract):
    @pytest.fixture
    def log(self, coin: ModuleType, tmp_path: Path) -> DecisionLog:
        found: DecisionLog = coin.store.CoinLog.open(f"coin://{tmp_path / 'log'}")
        return found


def test_a_wrong_setting_of_a_candidate_is_told(coin: ModuleType) -> None:
    with pytest.raises(PoolError, match=r"options.side: must be heads or tails, not 'edge'"):
        coin.provider.CoinProvider.from_candidate(Candidate("a", "coin", "penny", options={"side": "edge"}))
