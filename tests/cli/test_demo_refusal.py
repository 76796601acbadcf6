"""The demo's step on refusing and voting, with a shipped model in the trained one's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.cli import _demo_refusal
from penstock.cli.app import main
from penstock.lab.tasks import generate


def test_both_modes_are_asked_and_the_pool_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [
        {"query_id": p.id, "prompt": p.prompt, "task": p.skill, "reference": p.reference}
        for p in generate(3, 3)
    ]
    file = tmp_path / "refusing.yaml"
    _demo_refusal.show(file, questions, model="small")
    told = capsys.readouterr().out
    for word in ("large alone", "when sure", "x5 voted", "answers", "of 3"):
        assert word in told
    with pytest.raises(SystemExit) as ended:
        main(["pool", "check", str(file)])
    assert ended.value.code == 0
    checked = capsys.readouterr().out
    assert "at confidence 0.7" in checked
    assert "5 samples, rcv, accept 0.4" in checked
    assert "on a refusal x5 voted -> large" in checked


def test_the_step_is_shown_where_the_trained_model_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.runtime.shipped.shipped_models", lambda: ("small",))
    assert not _demo_refusal.shipped()
    monkeypatch.setattr("penstock.runtime.shipped.shipped_models", lambda: ("small", _demo_refusal.TRAINED))
    assert _demo_refusal.shipped()
