"""penstock: every prompt to the cheapest way of answering it well.

::

    import penstock

    router = penstock.fit(frame, quality=0.97)   # prompt, model, quality, cost_usd
    print(router.route("What is 17 times 23?"))

Public names are imported when they are first used, so that ``import penstock`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.api.decision import Decision as Decision
    from penstock.api.evaluation import Evaluation as Evaluation
    from penstock.api.fit import fit as fit
    from penstock.api.router import Router as Router
    from penstock.api.router import load as load
    from penstock.belief import Answered as Answered
    from penstock.belief import Belief as Belief
    from penstock.belief import Observation as Observation
    from penstock.belief import OwnAnswerBelief as OwnAnswerBelief
    from penstock.candidates import Candidate as Candidate
    from penstock.candidates import Pool as Pool
    from penstock.errors import PenstockError as PenstockError
    from penstock.estimators.base import Estimator as Estimator
    from penstock.estimators.base import Fitted as Fitted
    from penstock.estimators.comparison.comparison import Comparison as Comparison
    from penstock.estimators.features import Inputs as Inputs
    from penstock.estimators.post_hoc.base import FittedPostHoc as FittedPostHoc
    from penstock.estimators.post_hoc.base import OwnAnswerPostHoc as OwnAnswerPostHoc
    from penstock.estimators.post_hoc.base import PostHocEstimator as PostHocEstimator
    from penstock.fitting.settings import FitSettings as FitSettings
    from penstock.outcomes.io import read_table as read_table
    from penstock.outcomes.io import write_table as write_table
    from penstock.outcomes.matrix import OutcomeMatrix as OutcomeMatrix
    from penstock.outcomes.scorers.base import Score as Score
    from penstock.outcomes.scorers.base import Scorer as Scorer
    from penstock.outcomes.table import OutcomeTable as OutcomeTable
    from penstock.policies.base import Policy as Policy
    from penstock.policies.base import TuningEvidence as TuningEvidence
    from penstock.policies.chain import ChainPolicy as ChainPolicy
    from penstock.pricing import Price as Price
    from penstock.providers.base import Provider as Provider
    from penstock.registry import register as register
    from penstock.router.bundle import load_bundle as load_bundle
    from penstock.router.bundle import save_bundle as save_bundle
    from penstock.router.router import FittedRouter as FittedRouter
    from penstock.router.targets import Target as Target
    from penstock.state import State as State
    from penstock.state import Step as Step
    from penstock.storage.base import DecisionLog as DecisionLog
    from penstock.types import Answer as Answer
    from penstock.types import Query as Query
    from penstock.types import Status as Status
    from penstock.types import Usage as Usage

__version__ = "0.2.0"

_MODULE_OF = {
    "Answer": "penstock.types",
    "Answered": "penstock.belief",
    "Belief": "penstock.belief",
    "Candidate": "penstock.candidates",
    "ChainPolicy": "penstock.policies.chain",
    "Comparison": "penstock.estimators.comparison.comparison",
    "Decision": "penstock.api.decision",
    "DecisionLog": "penstock.storage.base",
    "Estimator": "penstock.estimators.base",
    "Evaluation": "penstock.api.evaluation",
    "FitSettings": "penstock.fitting.settings",
    "Fitted": "penstock.estimators.base",
    "FittedPostHoc": "penstock.estimators.post_hoc.base",
    "FittedRouter": "penstock.router.router",
    "Inputs": "penstock.estimators.features",
    "Observation": "penstock.belief",
    "OutcomeMatrix": "penstock.outcomes.matrix",
    "OutcomeTable": "penstock.outcomes.table",
    "OwnAnswerBelief": "penstock.belief",
    "OwnAnswerPostHoc": "penstock.estimators.post_hoc.base",
    "PenstockError": "penstock.errors",
    "Policy": "penstock.policies.base",
    "Pool": "penstock.candidates",
    "PostHocEstimator": "penstock.estimators.post_hoc.base",
    "Price": "penstock.pricing",
    "Provider": "penstock.providers.base",
    "Query": "penstock.types",
    "Router": "penstock.api.router",
    "Score": "penstock.outcomes.scorers.base",
    "Scorer": "penstock.outcomes.scorers.base",
    "State": "penstock.state",
    "Status": "penstock.types",
    "Step": "penstock.state",
    "Target": "penstock.router.targets",
    "TuningEvidence": "penstock.policies.base",
    "Usage": "penstock.types",
    "fit": "penstock.api.fit",
    "load": "penstock.api.router",
    "load_bundle": "penstock.router.bundle",
    "read_table": "penstock.outcomes.io",
    "register": "penstock.registry",
    "save_bundle": "penstock.router.bundle",
    "write_table": "penstock.outcomes.io",
}

__all__ = [*_MODULE_OF, "__version__"]  # noqa: PLE0604 - every one of them is a text


def __getattr__(name: str) -> object:
    """A public name, imported from where it lives (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
