"""Every provider through the shared contract."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from penstock.candidates import Candidate
from penstock.errors import ProviderUnavailable
from penstock.pricing import Price
from penstock.providers.base import Provider
from penstock.providers.embedded import EmbeddedProvider
from penstock.providers.openai_compatible import OpenAICompatibleProvider
from penstock.providers.recorded import RecordedProvider
from penstock.providers.scripted import ScriptedProvider
from penstock.testing.providers import FailingProviderContract, ProviderContract

from .fake_server import FakeServer, raw

PRICE = Price.of(1, 2)


class TestScripted(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self) -> Provider:
        return ScriptedProvider(Candidate("a", "scripted", "m", price=PRICE), "Four, I should think, or so.")

    @pytest.fixture
    def failing(self) -> Provider:
        error = ProviderUnavailable("down", candidate="a")
        return ScriptedProvider(Candidate("a", "scripted", "m"), error)


class TestRecorded(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> Provider:
        return recorded(tmp_path, "What is 2 + 2?")

    @pytest.fixture
    def failing(self, tmp_path: Path) -> Provider:
        return recorded(tmp_path, "another question")


class TestOpenAICompatible(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self, server: FakeServer) -> Provider:
        return endpoint(server)

    @pytest.fixture
    def failing(self, server: FakeServer) -> Provider:
        server.responses = [raw(500, "broken")]
        return endpoint(server)


class TestEmbedded(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self) -> Provider:
        return EmbeddedProvider(Candidate("a", "embedded", "tiny", price=PRICE))

    @pytest.fixture
    async def failing(self) -> Provider:
        closed = EmbeddedProvider(Candidate("a", "embedded", "tiny"))
        await closed.aclose()
        return closed


def recorded(folder: Path, prompt: str) -> Provider:
    pl.DataFrame({"query_id": ["q"], "prompt": [prompt]}).write_parquet(folder / "queries.parquet")
    row = {"query_id": "q", "model": "m", "response": "It is 4.", "input_tokens": 8, "output_tokens": 4}
    pl.DataFrame([row]).write_parquet(folder / "outcomes.parquet")
    return RecordedProvider(Candidate("a", "recorded", "m", price=PRICE), folder)


def endpoint(server: FakeServer) -> Provider:
    options = {"base_url": server.url, "max_retries": 0}
    candidate = Candidate("a", "openai_compatible", "m", price=PRICE, options=options)
    return OpenAICompatibleProvider.from_candidate(candidate)
