"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TABLES = Path(os.environ.get("PENSTOCK_TABLES", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """The folder of real outcome tables; skips, and says so, where it is not there."""
    if not TABLES.is_dir():
        pytest.skip(f"the real outcome tables are not at {TABLES}; set PENSTOCK_TABLES to run this test")
    return TABLES
