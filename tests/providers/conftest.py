"""A local fake of a remote endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .fake_server import FakeServer, running


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with running() as fake:
        yield fake
