"""Which responses Stage I prefers over which."""

from __future__ import annotations

from penstock.training.sater.pairs import select_pairs
from penstock.training.sater.samples import Asked, Question, Sample
from penstock.training.sater.settings import StageOne


def asked(*samples: tuple[bool, int], name: str = "q") -> Asked:
    """A question with samples of (correct, tokens); every text is different."""
    return Asked(
        Question(name, "1 + 1 ?", "2"),
        tuple(
            Sample(i, f"{name} {i}", tokens, -0.5, True, right, None)
            for i, (right, tokens) in enumerate(samples)
        ),
    )


def ends(one: Asked, settings: StageOne) -> list[tuple[int, int, str]]:
    return [(p.chosen.index, p.rejected.index, p.kind) for p in select_pairs([one], settings).pairs]


def test_the_shortest_correct_goes_over_the_longest_incorrect() -> None:
    one = asked((True, 9), (True, 5), (False, 3), (False, 30), (True, 5), (False, 30))
    assert ends(one, StageOne()) == [(1, 3, "over incorrect")]


def test_a_wrong_answer_shorter_than_the_right_one_still_pairs() -> None:
    assert ends(asked((True, 20), (False, 4)), StageOne()) == [(0, 1, "over incorrect")]


def test_questions_without_a_correct_sample_are_dropped_and_counted() -> None:
    selection = select_pairs([asked((False, 3), (False, 9)), asked((True, 3), (False, 9))], StageOne())
    assert len(selection.pairs) == 1
    assert selection.dropped["no correct sample"] == 1


def test_all_correct_questions_pair_only_where_asked() -> None:
    one = asked((True, 10), (True, 12), (True, 11))
    assert ends(one, StageOne()) == []
    assert select_pairs([one], StageOne()).dropped["all correct"] == 1
    assert ends(one, StageOne(all_correct=True)) == [(0, 1, "over longer")]
    assert ends(asked((True, 10), (True, 10)), StageOne(all_correct=True)) == []


def test_the_rejected_response_is_so_many_times_as_long_where_asked() -> None:
    one = asked((True, 10), (False, 12))
    assert ends(one, StageOne(longer_by=1.2)) == [(0, 1, "over incorrect")]
    assert ends(one, StageOne(longer_by=1.3)) == []
    assert select_pairs([one], StageOne(longer_by=1.3)).dropped["none much longer"] == 1


def test_several_pairs_of_one_question_choose_different_responses() -> None:
    one = asked((True, 9), (True, 5), (False, 3), (False, 30), (True, 7))
    assert ends(one, StageOne(per_question=5)) == [
        (1, 3, "over incorrect"),
        (4, 2, "over incorrect"),
        (0, 3, "over incorrect"),
    ]
    all_right = asked((True, 10), (True, 40), (True, 20), (True, 30))
    assert ends(all_right, StageOne(all_correct=True, longer_by=1.2, per_question=9)) == [
        (0, 1, "over longer"),
        (2, 3, "over longer"),
    ]


def test_the_same_text_is_used_once() -> None:
    texts = [("a", True), ("a", True), ("b", False), ("b", False)]
    samples = tuple(Sample(i, text, 4, 0.0, True, right, None) for i, (text, right) in enumerate(texts))
    one = Asked(Question("q", "?", "a"), samples)
    assert ends(one, StageOne(per_question=4)) == [(0, 2, "over incorrect")]


def test_too_few_correct_samples_drop_a_question_where_asked() -> None:
    one = asked((True, 9), (False, 5), (False, 3))
    assert ends(one, StageOne(least_correct=2)) == []
    assert select_pairs([one], StageOne(least_correct=2)).dropped["too few correct"] == 1
