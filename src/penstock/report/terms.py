"""What the words of a report mean, one sentence each."""

from __future__ import annotations

from penstock.report.markup import Markup, element

TERMS = (
    ("Candidate", "A model and how it is called: prompt, temperature and number of samples included."),
    ("Best fixed", "The candidate with the highest mean quality on fitting rows, used for every query."),
    ("Cheapest", "The candidate with the lowest mean cost, used for every query."),
    (
        "Fitted mix",
        "Fixed candidates mixed at random, in the shares that were best on fitting rows: what is to be had "
        "without looking at the query.",
    ),
    ("Hindsight mix", "The same, with the shares chosen on the test rows: better than anyone could know."),
    (
        "Per-query oracle",
        "The best choice for each query when every answer's quality and cost are known beforehand: a bound, "
        "not a method.",
    ),
    ("Policy / estimator", "The rule that decides, and what it estimates quality with."),
    (
        "Chosen",
        "The policy that fitting picked by itself on fitting rows: the one that claims are made about.",
    ),
    (
        "Frontier",
        "The pairs of cost and quality that one policy reached on test rows at its operating points.",
    ),
    (
        "Saving",
        "One minus the cost relative to the best fixed candidate, at the operating point that was tuned for "
        "the stated share of its quality.",
    ),
    ("Quality achieved", "The quality on test rows relative to that of the best fixed candidate there."),
    (
        "AUC",
        "The mean height of a frontier between the costs of the cheapest and the best fixed candidate.",
    ),
    ("AUC, published range", "The same between the cheapest and the dearest candidate, as papers report it."),
    (
        "Gain ratio",
        "How much of the way from the fitted mix (0) to the oracle (1) a policy goes, measured in AUC; "
        "below 0 it is worse than the mix.",
    ),
    ("95% interval", "From a paired bootstrap over groups of test queries, with everything computed again."),
    ("Asked and achieved", "The target, what fitting rows promised for it, and what test rows gave."),
    (
        "Reliability",
        "Predicted against observed quality, in bins: on the diagonal, predictions can be believed.",
    ),
    ("ECE", "The mean distance between predicted and observed quality over those bins; 0 is best."),
    ("Brier", "The mean squared error of the predicted quality; 0 is best."),
    ("Dropped", "Queries left out because not every candidate has a scored and priced answer to them."),
)


def terms() -> Markup:
    """The glossary."""
    pairs = (element("div", element("dt", name), element("dd", meaning)) for name, meaning in TERMS)
    return element("dl", *pairs, class_="terms")
