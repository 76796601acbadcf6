"""What Stage II is trained on."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from penstock.candidates import Confidence
from penstock.training.sater.refusals import threshold_rows
from penstock.training.sater.samples import Asked, Question, Sample
from penstock.training.sater.settings import THRESHOLDS, StageTwo

ALL = StageTwo(per_question=10, refusals=(0.0, 1.0))


def asked(correct: int, of: int = 10, name: str = "q") -> Asked:
    samples = tuple(Sample(i, f"answer {i}", 9 - i % 5, 0.0, True, i < correct, None) for i in range(of))
    return Asked(Question(name, f"question {name}", "1"), samples)


@given(st.integers(0, 10))
def test_a_question_is_answered_up_to_its_share_of_correct_samples(correct: int) -> None:
    rows = threshold_rows([asked(correct)], ALL, seed=1).rows
    refused = {row.threshold for row in rows if row.refuses}
    assert refused == {t for i, t in enumerate(THRESHOLDS, start=1) if i > correct}
    assert len(rows) == 11


def test_targets_are_the_shortest_correct_sample_or_the_refusal() -> None:
    rows = threshold_rows([asked(3)], ALL, seed=1).rows
    for row in rows:
        assert row.target == (Confidence().refusal if row.refuses else "answer 2")
        assert row.prompt.startswith("question q")
        assert (row.threshold is None) == (row.prompt == "question q")
        if row.threshold is not None:
            assert Confidence().sentence(row.threshold) in row.prompt


def test_a_question_never_answered_stays_answered_without_a_threshold() -> None:
    rows = threshold_rows([asked(0)], ALL, seed=1).rows
    assert [row.target for row in rows if row.threshold is None] == ["answer 0"]
    assert sum(row.refuses for row in rows) == 10


def test_thresholds_are_equally_frequent() -> None:
    questions = [asked(5, name=str(i)) for i in range(40)]
    settings = StageTwo(per_question=3, refusals=(0.0, 1.0))
    rows = threshold_rows(questions, settings, seed=4).rows
    assert Counter(row.threshold for row in rows if row.threshold is not None) == dict.fromkeys(
        THRESHOLDS, 12
    )
    assert sum(row.threshold is None for row in rows) == 40
    assert not any(
        row.threshold is None for row in threshold_rows(questions, StageTwo(plain=False), seed=4).rows
    )


def test_refusals_are_kept_within_their_share() -> None:
    hopeless = [asked(0, name=f"never {i}") for i in range(80)] + [asked(6, name=str(i)) for i in range(40)]
    found = threshold_rows(hopeless, StageTwo(per_question=5), seed=2)
    assert 0.5 < found.refusal_share < 0.65
    assert found.dropped["never correct, too many refusals"] > 20
    easy = [asked(10, name=f"always {i}") for i in range(80)] + [asked(4, name=str(i)) for i in range(40)]
    found = threshold_rows(easy, StageTwo(per_question=5), seed=2)
    assert 0.35 < found.refusal_share < 0.5
    assert found.dropped["always correct, too few refusals"] > 20


def test_the_same_seed_gives_the_same_rows() -> None:
    questions = [asked(i % 11, name=str(i)) for i in range(30)]
    assert threshold_rows(questions, StageTwo(), seed=3) == threshold_rows(questions, StageTwo(), seed=3)
    assert threshold_rows(questions, StageTwo(), seed=3) != threshold_rows(questions, StageTwo(), seed=4)
