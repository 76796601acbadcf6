"""Where names are written: over nothing, and short enough."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from penstock.report.labels import Box, place_labels, shorten


@pytest.mark.parametrize("seed", range(5))
def test_labels_overlap_neither_each_other_nor_a_point(seed: int) -> None:
    generator = random.Random(seed)
    points = [
        (generator.uniform(60, 900), generator.uniform(20, 420), f"model-number-{i}") for i in range(25)
    ]
    within = Box(56, 6, 950, 430)
    labels = [label for label in place_labels(points, within) if label is not None]
    assert len(labels) >= 20
    assert not any(a.box.overlaps(b.box) for a, b in combinations(labels, 2))
    for x, y, _ in points:
        assert not any(label.box.overlaps(Box(x - 5, y - 5, x + 5, y + 5)) for label in labels)


def test_labels_stay_away_rather_than_overlap_where_all_points_coincide() -> None:
    points = [(100.0, 100.0, "same-place")] * 60
    labels = place_labels(points, Box(0, 0, 300, 200))
    kept = [label for label in labels if label is not None]
    assert labels[0] is not None
    assert 1 < len(kept) < 60
    assert not any(a.box.overlaps(b.box) for a, b in combinations(kept, 2))


def test_a_long_name_keeps_both_ends() -> None:
    assert shorten("provider/some-long-model-instruct-v2", 16) == "provider…ruct-v2"
    assert shorten("short", 16) == "short"
