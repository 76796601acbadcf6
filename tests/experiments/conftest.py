"""A folder of small synthetic outcome tables under the names the experiments read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.experiments.tables import ROUTERBENCH  # noqa: E402
from benchmarks.experiments.votes import VOTERS  # noqa: E402

N = 130
RNG_SEED = 5


def _write(folder: Path, queries: dict[str, list], rows: list[dict], models: list[dict]) -> None:
    folder.mkdir(parents=True)
    text = dict.fromkeys(("split", "task", "prompt", "reference"), pl.String)
    pl.DataFrame(queries, schema_overrides=text).write_parquet(folder / "queries.parquet")
    kinds = {
        "cost_usd": pl.Float64,
        "input_tokens": pl.Int64,
        "output_tokens": pl.Int64,
        "latency_s": pl.Float64,
        "answer": pl.String,
        "response": pl.String,
    }
    pl.DataFrame(rows, schema_overrides=kinds).write_parquet(folder / "outcomes.parquet")
    pl.DataFrame(models).write_parquet(folder / "models.parquet")


def _queries(rng: np.random.Generator, name: str, n: int) -> tuple[dict[str, list], np.ndarray]:
    hard = rng.random(n)
    prompts = [f"question {i} " + ("long and winding " * int(8 * h)) for i, h in enumerate(hard.tolist())]
    queries = {
        "query_id": [f"{name}-{i}" for i in range(n)],
        "split": [None] * n,
        "task": [f"task{i % 3}" for i in range(n)],
        "prompt": prompts,
        "reference": ["A"] * n,
    }
    return queries, hard


def _table(folder: Path, name: str, models: list[str], *, samples: int = 1, priced: bool = False) -> None:
    """Candidates rise in ability and cost; a wrong answer is one of three others."""
    rng = np.random.default_rng(RNG_SEED)
    queries, hard = _queries(rng, name, N)
    rows = []
    for i, query in enumerate(queries["query_id"]):
        for j, model in enumerate(models):
            ability = 0.35 + 0.6 * (j + 1) / len(models)
            for s in range(samples):
                right = bool(rng.random() < np.clip(1.3 * ability - 0.7 * hard[i], 0.05, 0.98))
                answer = "A" if right else "BCD"[int(rng.integers(3))]
                cost = 1e-4 * 1.6**j * float(rng.uniform(0.8, 1.2))
                rows.append(
                    {
                        "query_id": query,
                        "model": model,
                        "sample_index": s,
                        "quality": float(right),
                        "cost_usd": None if priced else cost,
                        "input_tokens": 20,
                        "output_tokens": int(rng.integers(5, 40)),
                        "latency_s": None,
                        "answer": answer,
                        "response": answer,
                    }
                )
    prices = [
        {
            "model": m,
            "input_usd_per_mtok": 1.5**j if priced else None,
            "output_usd_per_mtok": 2.0**j if priced else None,
        }
        for j, m in enumerate(models)
    ]
    if not priced:
        for price in prices:
            price |= {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0}
    _write(folder / name, queries, rows, prices)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``routerbench_subset``, ``swebench_verified``, ``mot_cascade_date`` and ``zeroeval_gsm``, made up."""
    folder = tmp_path_factory.mktemp("tables")
    _table(folder, "routerbench_subset", list(ROUTERBENCH))
    _table(folder, "swebench_verified", [f"agent {j}" for j in range(6)])
    voters = list(dict.fromkeys(model for model, _ in VOTERS.values()))
    _table(folder, "mot_cascade_date", voters, samples=20, priced=True)
    _table(folder, "zeroeval_gsm", [f"model {j}" for j in range(4)], priced=True)
    return folder
