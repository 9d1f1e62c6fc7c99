"""The report and the tables of a model that classifies."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from made_up_classifier import CLASSES, CONFUSION, make_classifier, mistake, results
from parsed_page import Page
from rich.console import Console
from sklearn.metrics import precision_recall_fscore_support

from elman.reports import print_results, write_report
from elman.reports.classes import per_class
from elman.storage import to_json
from elman.training.intervals import wilson


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_classifier(tmp_path / "run")


def page_of(run: Path) -> Page:
    return Page(write_report(run).read_text("utf-8"))


def printed(found: dict[str, object], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_results(json.loads(json.dumps(found)), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


# The interval of a share


@given(st.integers(1, 30_000), st.floats(0, 1))
def test_wilson_is_scipy_s(count: int, share: float) -> None:
    correct = round(share * count)
    wanted = scipy.stats.binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert wilson(correct, count) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_wilson_of_nothing() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)


# Figures of classes


def test_precision_recall_and_f1_by_hand() -> None:
    assert per_class(CLASSES, CONFUSION) == [
        ("sci.crypt", "50", "0.930", "0.800", "0.860"),  # 40/43, 40/50, 2 * 40 / 93
        ("sci.med", "70", "0.909", "0.857", "0.882"),  # 60/66, 60/70, 2 * 60 / 136
        ("sci.space", "0", "0.000", "–", "0.000"),  # taken for it 11 times, none of it there
    ]
    assert per_class(["x", "y"], [[0, 0], [0, 0]])[0] == ("x", "0", "–", "–", "–")


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_they_are_scikit_learn_s(confusion: list[list[int]]) -> None:
    pairs = [(a, b) for a in range(3) for b in range(3) for _ in range(confusion[a][b])]
    if not pairs:
        return
    truth, taken = zip(*pairs, strict=True)
    theirs = precision_recall_fscore_support(truth, taken, labels=[0, 1, 2], zero_division=math.nan)
    for k, (_, texts, *ours) in enumerate(per_class(CLASSES, confusion)):
        assert int(texts) == theirs[3][k]
        for told, wanted in zip(ours[:2], (theirs[0][k], theirs[1][k]), strict=True):
            assert told == ("–" if math.isnan(wanted) else f"{wanted:.3f}")
        if int(texts) or sum(row[k] for row in confusion):
            assert ours[2] == f"{theirs[2][k]:.3f}"


# The page


def test_what_people_look_for_first(run: Path) -> None:
    text = page_of(run).text
    low, high = wilson(100, 120)
    assert f"83.33%test texts told right; 95 % interval {low:.1%} to {high:.1%}" in text.replace("% test", "%test")
    assert "0.4292" in text, "51.5 nats of 120 texts"
    assert "nats per text" in text
    assert "nats per symbol" not in text
    assert "1,234,567" in text
    assert "12.5 s" in text
    assert "1,000 / 200 / 120" in text
    assert "2 of 3,000 texts are empty." in text


def test_the_confusion_matrix_is_whole(run: Path) -> None:
    cells = page_of(run).cells
    start = cells.index("sci.crypt")
    assert cells[start : start + 12] == [
        "sci.crypt",
        "40",
        "6",
        "4",
        "sci.med",
        "3",
        "60",
        "7",
        "sci.space",
        "0",
        "0",
        "0",
    ]
    again = cells.index("sci.crypt", start + 1)
    assert cells[again : again + 5] == ["sci.crypt", "50", "0.930", "0.800", "0.860"]


def test_what_the_order_of_words_was_worth(run: Path) -> None:
    cells = page_of(run).cells
    at = cells.index("as they are")
    assert cells[at : at + 6] == ["as they are", "83.33%", "0.4292", "words shuffled", "67.50%", "0.6475"]


def test_mistakes(run: Path, tmp_path: Path) -> None:
    text = page_of(run).text
    assert "the shuttle's encrypted link" in text
    assert "sci.crypt (98.7%), is sci.med" in text
    assert "20news-bydate-test/sci.med/5" in text
    assert "every test text was told right" in page_of(make_classifier(tmp_path / "other", mistakes=[])).text


def test_shares_told_right_are_drawn_and_in_the_table(run: Path) -> None:
    page = page_of(run)
    assert "share told right" in page.text or "share told right" in str(page.scripts)
    assert "training, right" in page.text
    assert "58.0%" in page.cells or "58.00%" in page.cells, "580 of 1,000 in the first epoch"


HOSTILE = (
    "</pre><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "[/bold][red]", "\x1b[2J\x00", "\u202edrawkcab",
    "</title></style>", "{{x}} ${y} `z`", "a\nb",
)  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_nothing_from_a_text_or_a_class_becomes_html(hostile: str, tmp_path: Path) -> None:
    plain = page_of(make_classifier(tmp_path / "plain"))
    classes = [hostile, f"{hostile} 2", "sci.space"]
    wrong = mistake(hostile, label=hostile, predicted=classes[1], place=hostile)
    run = make_classifier(tmp_path / "run", classes=classes, mistakes=[wrong])
    page = page_of(run)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.references == plain.references
    assert len(page.scripts) == len(plain.scripts)
    raw = (run / "report.html").read_text("utf-8")
    assert not any(sign in raw for sign in ("\x1b", "\x00", "\u202e"))
    shown = " ".join(hostile.translate({0x1B: "␛", 0: "␀", 0x202E: "\ufffd"}).split())
    assert shown in page.text


def test_a_page_with_many_classes(tmp_path: Path) -> None:
    names = [f"class {k}" for k in range(40)]
    confusion = [[k * j % 7 for j in range(40)] for k in range(40)]
    page = page_of(make_classifier(tmp_path / "run", classes=names, confusion=confusion))
    assert all(name in page.cells for name in names)
    out = printed(results(classes=names, confusion=confusion), width=300)
    assert "40 class 39" in out


WRONG: list[dict[str, object]] = [
    {"confusion": [[1, 2, 3]]},
    {"confusion": [[1, 2], [3, 4]]},
    {"test": {"nats": 5}},
    {"classes": 5},
    {"mistakes": "x"},
    {"train": None},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_results_that_do_not_hold_together_are_told_and_the_rest_is_shown(
    changes: dict[str, object], run: Path
) -> None:
    (run / "results.json").write_bytes(to_json(results() | changes))
    page = page_of(run)
    assert "results.json" in page.warnings
    assert "Newsgroups: GRU" in page.text


def test_a_class_run_that_was_stopped_has_a_report(run: Path) -> None:
    (run / "results.json").unlink()
    page = page_of(run)
    assert "The training has not ended" in page.text
    assert "nats per text" in page.text
    (run / "metrics.jsonl").unlink()
    assert "No epoch has ended yet" in page_of(run).text


# The terminal


def test_the_terminal_tells_the_same() -> None:
    out = printed(results())
    low, high = wilson(100, 120)
    assert f"test: 83.33% right (95 % interval {low:.1%} to {high:.1%}), 0.4292 nats per text" in " ".join(out.split())
    assert "shuffled 67.50%" in " ".join(out.split())
    assert "best epoch 5 of 5" in " ".join(out.split())
    rows = [line.split() for line in out.splitlines()]
    assert ["sci.crypt", "40", "6", "4", "0.930", "0.800"] in rows
    assert ["sci.med", "3", "60", "7", "0.909", "0.857"] in rows


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_names_of_classes_do_not_steer_the_terminal(hostile: str) -> None:
    out = printed(results(classes=[hostile, f"{hostile} 2", "sci.space"]), width=400)
    assert not any(sign in out for sign in ("\x1b", "\x00", "\u202e"))
    shown = " ".join(hostile.translate({0x1B: "␛", 0: "␀", 0x202E: "\ufffd"}).split())
    assert out.count(shown) == 4, "two heads, two rows"
