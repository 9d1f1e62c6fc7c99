"""What the figures of a comparison say, in plain sentences."""

from __future__ import annotations

from elman.reports.comparison.contents import Comparison, PairedTest
from elman.reports.comparison.tables import claimed_too_much, value_of
from elman.reports.wording import number

LEVEL = 0.05
"""Below this p a difference counts as shown."""

WHY_THREE_PARTS = (
    "Each part is used once: the training part to learn from, the validation part to choose (which epoch's weights count, "
    "which row is called best), the test part to say at the end how good the choice is. A figure that was chosen because it "
    "is high is higher than what new texts will give: whoever stops on the test part has no unseen texts left to tell."
)


def tested(test: PairedTest, comparison: Comparison) -> str:
    """GRU and LSTM differ on 123 of 1,579 texts (70 : 53); p = 0.15: no difference shown."""
    differ = test.only_first + test.only_second
    if not differ:
        return f"{test.first} and {test.second} get the same of {test.texts:,} texts right{_whose(test, comparison)}: no difference shown."
    shown = "no difference shown"
    if test.p < LEVEL:
        shown = f"{test.first if test.only_first > test.only_second else test.second} is better"
    return (
        f"{test.first} and {test.second} differ on {differ:,} of {test.texts:,} texts ({test.only_first:,} : "
        f"{test.only_second:,} right){_whose(test, comparison)}; {p_value(test.p)}: {shown}."
    )


def p_value(p: float) -> str:
    """As `p = 0.15`, or `p < 0.0001`."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def chosen(comparison: Comparison) -> str:
    """Which row is best, and by what."""
    row = comparison.winner
    by = number(value_of(row.validation_accuracy), 3)
    return f"Best on the validation part: {row.title} ({by}); its test accuracy is {number(row.accuracy.value, 3)}."


def intervals(comparison: Comparison) -> str:
    """Which intervals the table has, and what they are over."""
    what = "the start and the order of training matter"
    if not comparison.data.one_test_part:
        what = "the start, the order of training and the choice of texts matter (each seed draws its own)"
    over_seeds = f"Over seeds: 95 % Student-t interval of the mean; it tells how much {what}"
    over_texts = "over texts: 95 % Wilson interval; it tells how much the choice of test texts matters"
    found = {row.accuracy.how for row in comparison.rows}
    if found == {"student"}:
        return f"{over_seeds}."
    if found == {"wilson"}:
        return f"{over_texts[0].upper()}{over_texts[1:]}."
    return f"{over_seeds}; {over_texts}."


def how_tested(comparison: Comparison) -> str:
    """What the paired test is, and what it was made of."""
    exact = "Exact McNemar test (two-sided) of the texts that one of the two got right and the other wrong."
    if not comparison.data.one_test_part and len(comparison.seeds) > 1:
        return f"{exact} Each seed draws its own test texts, so the runs with seed {comparison.seeds[0]} are tested."
    if len(comparison.seeds) > 1:
        return (
            f"{exact} Each row answers by majority vote of its seeds: a text counts once, since pooled answers to the same "
            "text are not independent."
        )
    return exact


def order(comparison: Comparison) -> str:
    """What the order of the words is worth to whom."""
    rows = [row for row in comparison.rows if row.lost is not None and row.kind == "model"]
    if not rows:
        return ""
    most = max(rows, key=lambda row: row.lost.value if row.lost else 0)
    nothing = [row.title for row in rows if row.lost and abs(row.lost.value) < 5e-4]
    lost = most.lost.value if most.lost else 0.0
    told = "The words of each test text in random order: "
    told += f"{most.title} loses most, {number(lost, 3)} of its accuracy" if lost >= 5e-4 else "no row loses anything"
    if nothing and lost >= 5e-4:
        told += f"; {', '.join(nothing)} {'loses' if len(nothing) == 1 else 'lose'} nothing"
    return f"{told}."


def leakage(comparison: Comparison) -> str:
    """What stopping on the test part would have claimed of the row for which it matters most."""
    rows = [row for row in comparison.rows if row.claimed is not None]
    if not rows:
        return ""
    most = max(rows, key=lambda row: (round(claimed_too_much(row), 6), row is comparison.winner))
    if claimed_too_much(most) < 5e-4:
        return "Stopping on the test part would have claimed the same here; that is luck, not a rule."
    return (
        f"Stopping on the test part, as is seen at times, would have claimed {number(value_of(most.claimed), 3)} "
        f"instead of {number(most.accuracy.value, 3)} for {most.title}."
    )


def _whose(test: PairedTest, comparison: Comparison) -> str:
    """Whose answers were tested, where there are several."""
    if len(test.seeds) > 1:
        return f", by majority vote of {len(test.seeds)} seeds"
    return f", with seed {test.seeds[0]}" if len(comparison.seeds) > 1 else ""
