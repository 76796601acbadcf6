"""Laws of the problem generators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice

import pytest

from penstock.answers.marked import is_correct
from penstock.errors import InputError
from penstock.lab.corpus import examples
from penstock.lab.problem import LEVELS, SKILLS, STYLES, Problem, is_held_out
from penstock.lab.recipe import BROAD
from penstock.lab.tasks import generate
from penstock.lab.words import BRIEF_HINT
from penstock.runtime.phrases import REFUSAL


def solve(prompt: str) -> str:
    """An evaluation of the prompt's own words, written apart from the generators."""
    words = prompt.removesuffix(" ?").replace(" .", "").split()
    if words[:3] == ["put", "the", "letters"]:
        return " ".join(sorted(words[3 : words.index("in")]))
    head, *operations = (
        " ".join(words).removesuffix(" what number").removesuffix(" what letters").split(" , ")
    )
    if head.startswith("start at"):
        value = int(head.split()[-1])
        for operation in operations:
            kind, _, amount = operation.partition(" ")
            by = int(amount) if amount else value
            value = value - by if kind == "back" else value + by
            assert (kind == "double") == (not amount)
            assert 0 <= value <= 59
        return str(value)
    row = head.removeprefix("take the letters ").replace(" ", "")
    moves: dict[str, Callable[[str], str]] = {
        "reverse": lambda r: "".join(reversed(r)),
        "left": lambda r: "".join(r[(i + 1) % len(r)] for i in range(len(r))),
        "right": lambda r: "".join(r[i - 1] for i in range(len(r))),
        "ends": lambda r: r[-1] + r[1:-1] + r[0],
        "sort": lambda r: "".join(sorted(r)),
    }
    for operation in operations:
        row = moves[operation](row)
    return " ".join(row)


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    return generate(1200, 3) + generate(1200, 3, held_out=False)


def test_references_are_right(problems: list[Problem]) -> None:
    assert [solve(problem.prompt) for problem in problems] == [problem.reference for problem in problems]


def test_every_solution_ends_in_the_reference(problems: list[Problem]) -> None:
    for problem in problems:
        for style in STYLES:
            assert is_correct(problem.solution(style), problem.reference)


def test_solutions_get_shorter_from_style_to_style(problems: list[Problem]) -> None:
    """But for chains of one step, where brief restates the start and equations have said it anyway."""
    for problem in problems:
        lengths = [len(solution.split()) for solution in problem.solutions]
        if (problem.skill, problem.level) == ("chain", 1):
            assert lengths[0] > lengths[2] > lengths[3]
        else:
            assert lengths == sorted(lengths, reverse=True)


def test_problems_are_distinct_and_spread_over_all_cells() -> None:
    problems = generate(1200, 5)
    assert len({problem.prompt for problem in problems}) == len({problem.id for problem in problems}) == 1200
    cells = Counter((problem.skill, problem.level) for problem in problems)
    assert set(cells) == {(skill, level) for skill in SKILLS for level in LEVELS}
    assert set(cells.values()) == {50}


def test_the_same_seed_gives_the_same_problems() -> None:
    assert generate(60, 9) == generate(60, 9)
    assert generate(60, 9) != generate(60, 10)


def test_the_held_out_part_is_a_fifth_and_never_trained_on() -> None:
    held_out = {problem.prompt for problem in generate(2000, 1)}
    assert all(is_held_out(problem) for problem in generate(200, 2))
    assert not any(is_held_out(problem) for problem in generate(200, 2, held_out=False))
    trained = [example.prompt for example in islice(examples(0, BROAD), 20_000)]
    # Instructions are appended to the question, so a held-out prompt would be a prefix.
    questions = {prompt.partition("?")[0] + "?" for prompt in trained}
    assert not held_out & questions


def test_an_exhausted_cell_ends_the_list() -> None:
    problems = generate(10_000, 1, levels=[1], skills=["chain"])
    assert 195 <= len(problems) <= 203


def test_unanswerable_prompts_are_refused_and_rare() -> None:
    stream = list(islice(examples(1, BROAD), 20_000))
    refused = [example for example in stream if example.response == REFUSAL]
    # 200 expected; five standard deviations.
    assert 130 < len(refused) < 270
    assert not any(example.prompt.startswith(("start", "take")) for example in refused)


@pytest.mark.parametrize(
    "arguments",
    [{"n": -1}, {"n": 1, "levels": [9]}, {"n": 1, "levels": []}, {"n": 1, "skills": ["cooking"]}],
)
def test_bad_requests_name_the_field(arguments: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        generate(seed=0, **arguments)  # type: ignore[arg-type]
    assert caught.value.field in arguments


def test_styles_a_recipe_leaves_out_are_never_taught_and_briefly_means_its_shortest() -> None:
    drawn = list(islice(examples(0, BROAD, (0.6, 0.0, 0.4, 0.0)), 3000))
    responses = [e.response for e in drawn if e.prompt.startswith("start at") and e.response != REFUSAL]
    assert not any("+" in response for response in responses)
    brief = [e.response for e in drawn if BRIEF_HINT in e.prompt and "forward" in e.prompt]
    assert brief
    assert all("=" in response for response in brief)


def test_without_weights_of_its_own_the_stream_is_the_one_of_three_styles() -> None:
    default, given = (
        list(islice(stream, 500)) for stream in (examples(0, BROAD), examples(0, BROAD, (5, 3, 0, 2)))
    )
    assert default == given
