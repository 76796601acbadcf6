"""A fit whose policy goes by agreement compares answers by somebody else's comparison, stores it and finds it
again."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import penstock
from penstock.belief import GoesBy
from penstock.estimators.agreement.model import AgreementModel
from penstock.registry import register

from .tables import tosses


def test_agreement_goes_by_it(coin: ModuleType, tmp_path: Path) -> None:
    @register("policy", "coin_by_agreement")
    @dataclass(frozen=True)
    class ByAgreement(coin.policy.CoinCascade):  # type: ignore[misc,name-defined]
        goes_by = GoesBy.AGREEMENT

    router = penstock.fit(
        tosses(seed=1, telling=0.0),
        savings=0.3,
        estimators="coin",
        policies="coin_by_agreement",
        post_hoc="agreement",
        compare="coin",
        folds=2,
    )
    path = tmp_path / "router.penstock"
    router.save(path)
    assert '"room": "comparison",' in zipfile.ZipFile(path).read("manifest.json").decode()
    model = penstock.load(path).fitted.model.post_hoc
    assert isinstance(model, AgreementModel)
    assert model.comparison == coin.comparison.SameSide()
