# ruff: noqa: E501 - what is exchanged for what stands in one line
"""How an answer is judged: two mistakes at once, something unknown, the first place that differs; and the references themselves."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_worksheet_mistakes import changed, checked

import elman
from elman.checking.judging import Asked
from elman.checking.mistakes import mistake
from elman.checking.sandbox.answers import Answers, Problem
from elman.checking.typed import numbers_in, typed_answers
from elman.checking.verdict import Finding, Verdict
from elman.checking.worksheets import (
    WORKSHEETS,
    bptt,
    gru_step,
    lstm_gradient,
    lstm_step,
    rnn_forward,
    vanishing,
    worksheet,
)
from elman.engines import from_layout

RIGHT: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("sheet", "changes", "names"),
    [
        ("rnn-step", [("self.W_hh, self.h", "self.h, self.W_hh"), ("return y", "return np.tanh(y)")], {"recurrent-transposed", "output-tanh"}),
        ("vanilla-rnn", [(" + self.Bh)", ")"), (" + self.By", "")], {"bias-missing", "output-bias-missing"}),
        ("lstm-step", [("np.tanh(C) * o", "C * o"), ("f * C + i * g", "(1 - f) * C + i * g")], {"cell-tanh-missing", "forget-inverted"}),
        ("gru-step", [("(1 - z) * h + z * n", "z * h + (1 - z) * n"), ("[r * h, x]", "[h, x]")], {"update-inverted", "reset-missing"}),
        ("bptt", [(" + dh_next", ""), ("W_hh.T @ da", "0 * h0")], {"future-gradient-missing", "initial-gradient-missing"}),
        ("sampling", [(" / temperature", " * temperature"), ("[:-k]", "[: -k - 1]")], {"temperature-multiplied", "top-k-one-more"}),
    ],
)  # fmt: skip
def test_two_mistakes_are_both_named(sheet: str, changes: list[Any], names: set[str], tmp_path: Path) -> None:
    assert set(checked(tmp_path, changed(sheet, changes), sheet).mistakes) == names


def test_a_known_mistake_and_something_else(tmp_path: Path) -> None:
    text = changed(
        "lstm-step",
        [
            ('f = sigmoid(x @ U["f"]', 'f = sigmoid(x @ U["f"] * 1.7'),
            ("return 1 / (1 + np.exp(-a))", "return np.tanh(a)"),
        ],
    )
    verdict = checked(tmp_path, text, "lstm-step")
    assert not verdict.right
    assert not verdict.mistakes, "nothing explains even the first number"
    text = changed(
        "lstm-step", [("return 1 / (1 + np.exp(-a))", "return np.tanh(a)"), ("np.tanh(C) * o", "np.sin(C) * o")]
    )
    finding = checked(tmp_path, text, "lstm-step").findings[0]
    assert finding.mistakes == ("gates-tanh",)
    assert "And something else" in finding.sentence
    assert "your hidden state h" in finding.sentence


def test_what_no_mistake_explains_is_wrong_without_a_name(tmp_path: Path) -> None:
    """Also where two mistakes together would divide by zero."""
    verdict = checked(tmp_path, changed("bptt", [("np.outer(da, xs[t])", "0.7 * np.outer(da, xs[t])")]), "bptt")
    assert not verdict.right
    assert not verdict.mistakes


def test_the_first_wrong_gate_and_step_are_told(tmp_path: Path) -> None:
    """The forget gate reads h0 from the second step on."""
    text = changed("lstm-step", [
        ("def lstm_step(x, h, C, U, W):", "def lstm_step(x, h, C, U, W, first=None):\n    first = h if first is None else first"),
        ('sigmoid(x @ U["f"] + h @', 'sigmoid(x @ U["f"] + first @'),
        ("lstm_step(x, h, C, U, W))\n        h", "lstm_step(x, h, C, U, W, h0))\n        h"),
    ])  # fmt: skip
    verdict = checked(tmp_path, text, "lstm-step", seed=4)
    first, many, _ = verdict.findings
    assert first.outcome == "right"
    assert many.sentence.startswith(
        "Your forget gate f is right at t = 1 but differs at t = 2. This gate alone reads the initial state"
    )
    assert many.expected.shape == many.got.shape == (4,)
    assert not np.allclose(many.expected, many.got)
    unknown = changed("gru-step", [('h = steps[-1]["h"]', 'h = steps[-1]["h"] + 0.01 * (len(steps) == 2)')])
    _, many = checked(tmp_path, unknown, "gru-step").findings
    assert many.sentence == "Your update gate z is right until t = 2 but differs at t = 3."
    assert not many.mistakes


@pytest.mark.parametrize("name", WORKSHEETS)
def test_no_two_mistakes_look_alike(name: str) -> None:
    """For every two known mistakes of a worksheet there is a question at which their numbers differ, and each differs from the right ones."""
    questions = worksheet(name).questions(11)
    known = dict.fromkeys(m for q in questions for m in q.mistakes)

    def numbers(wrong: frozenset[str]) -> list[Any]:
        made = []
        for question in questions:
            try:
                with np.errstate(all="ignore"):
                    values = question.reference(wrong & frozenset(question.mistakes))
                made.append(
                    np.concatenate([np.nan_to_num(v, posinf=7, neginf=7, nan=7).ravel() for v in values.values()])
                )
            except ValueError:
                made.append(np.array([np.inf]))
        return made

    all_numbers = {m: numbers(frozenset({m})) for m in known}
    right = numbers(RIGHT)
    # These are the same numbers by their nature; the first one is named.
    alike = {
        frozenset({"initial-state-at-every-step", "state-not-carried"}), frozenset({"initial-state-at-every-step", "state-reset"}),
        frozenset({"clip-after-step", "clip-ignored"}), frozenset({"term-sign@W_hh[1,1] h_0[1]", "term-left-out@b_h[1] at t = 1"}),
    }  # fmt: skip

    def same(a: list[Any], b: list[Any]) -> bool:
        return all(x.shape == y.shape and np.allclose(x, y, atol=1e-4) for x, y in zip(a, b, strict=True))

    for m in known:
        assert not same(all_numbers[m], right), f"{m} changes nothing"
    for a, b in combinations(known, 2):
        if mistake(a).name != mistake(b).name and frozenset({a, b}) not in alike:
            assert not same(all_numbers[a], all_numbers[b]), f"{a} and {b}"


@pytest.mark.parametrize("name", WORKSHEETS)
def test_a_seed_repeats_the_questions_and_others_do_not(name: str) -> None:
    first, again, other = ([str(q.actions) for q in worksheet(name).questions(seed)] for seed in (5, 5, 6))
    assert first == again
    assert first != other or worksheet(name).form == "numbers"


RNG = np.random.default_rng(3)


def test_the_lstm_reference_is_the_worked_lstm() -> None:
    """Against the engine that derives everything from the cell's equations."""
    u, w = lstm_step.matrices(RNG, 2, 3)
    xs, h, c = RNG.normal(size=(4, 2)), RNG.normal(size=3), RNG.normal(size=3)
    made = lstm_step.forward(xs, h, c, u, w, RIGHT)
    worked = elman.worked("lstm", from_layout("lstm", "rows", input=u, recurrent=w), xs, state={"h": h, "c": c})
    for ours, theirs in (("f", "f"), ("i", "i"), ("o", "o"), ("g", "g"), ("C", "c"), ("h", "h")):
        assert np.allclose(made[ours], worked[theirs], atol=1e-12)


def test_the_forward_reference_and_its_gradients_are_the_worked_ones() -> None:
    given = {
        "xs": RNG.normal(size=(4, 2)), "targets": np.eye(5)[[0, 3, 1, 4]], "h0": RNG.normal(size=3), "W_xh": RNG.normal(size=(3, 2)),
        "W_hh": RNG.normal(size=(3, 3)), "W_hy": RNG.normal(size=(5, 3)), "b_h": RNG.normal(size=3), "b_y": RNG.normal(size=5),
    }  # fmt: skip
    weights = from_layout("elman", "columns", input=given["W_xh"], recurrent=given["W_hh"], bias=given["b_h"])
    worked = elman.worked(
        "elman", weights, given["xs"], given["h0"], (given["W_hy"], given["b_y"]), "softmax", list(given["targets"])
    )
    made = rnn_forward.reference(given, RIGHT)
    assert np.allclose(made["hs"], worked["h"], atol=1e-12)
    assert float(made["loss"]) == pytest.approx(worked.loss, abs=1e-12)
    gradients = bptt.reference(given, RIGHT)
    names = {
        "dW_hy": "head.weight",
        "db_y": "head.bias",
        "dW_xh": "weight_ih_l0",
        "dW_hh": "weight_hh_l0",
        "db_h": "bias_ih_l0",
        "dh0": "state",
    }
    for ours, theirs in names.items():
        assert np.allclose(gradients[ours], worked.gradients[theirs], atol=1e-12), ours


def test_the_gru_reference_is_the_cell_with_the_reset_before_the_product() -> None:
    w, b = gru_step.matrices(RNG, 2, 3)
    xs, h = RNG.normal(size=(4, 2)), RNG.normal(size=3)
    made = gru_step.forward(xs, h, w, b, RIGHT)
    h_now = h
    for t, x in enumerate(xs):
        z, r = (1 / (1 + np.exp(-(w[k][:, :3] @ h_now + w[k][:, 3:] @ x + b[k]))) for k in "zr")
        n = np.tanh(w["n"][:, :3] @ (r * h_now) + w["n"][:, 3:] @ x + b["n"])
        h_now = h_now - z * h_now + z * n
        assert np.allclose(made["h"][t], h_now, atol=1e-14)


def test_the_eight_derivatives_give_the_gradient_of_autograd() -> None:
    u, w = lstm_step.matrices(RNG, 2, 3)
    xs, h, c, cost = RNG.normal(size=(5, 2)), RNG.normal(size=3), RNG.normal(size=3), RNG.normal(size=3)
    found = lstm_gradient.reference(lstm_gradient.derivatives(xs, h, c, u, w, cost), RIGHT)["dJ/dW_g"]
    leaf = torch.tensor(w["g"], requires_grad=True)
    matrices = {k: torch.tensor(v) for k, v in w.items()} | {"g": leaf}
    hidden, cell = torch.tensor(h), torch.tensor(c)
    for x in torch.tensor(xs):
        a = {k: x @ torch.tensor(u[k]) + hidden @ matrices[k] for k in "fiog"}
        cell = a["f"].sigmoid() * cell + a["i"].sigmoid() * a["g"].tanh()
        hidden = a["o"].sigmoid() * cell.tanh()
    (gradient,) = torch.autograd.grad(hidden, leaf, torch.tensor(cost))
    assert np.allclose(found, gradient.numpy().ravel(), atol=1e-12)


def test_the_measured_norms_are_those_of_autograd() -> None:
    given = {
        "xs": RNG.normal(size=(6, 2)),
        "h0": RNG.normal(size=3),
        "W_xh": RNG.normal(size=(3, 2)),
        "W_hh": RNG.normal(size=(3, 3)),
        "dh": RNG.normal(size=3),
    }
    h, hs = torch.tensor(given["h0"]), []
    for x in torch.tensor(given["xs"]):
        h = torch.tanh(torch.tensor(given["W_xh"]) @ x + torch.tensor(given["W_hh"]) @ h).requires_grad_()
        hs.append(h)
    norms = [float(g.norm()) for g in torch.autograd.grad(h, hs, torch.tensor(given["dh"]))]
    assert np.allclose(vanishing.elman(given, RIGHT)["norms"], norms, atol=1e-12)


PAPER = worksheet("forward-by-hand")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("h2 = 0.845066 0.845066 0.845066", "h2 = 0.8005 0.8005 0.8005"), {"initial-state-at-every-step"}),
        (("\nloss = 1.386294", "\nloss = 0.693"), {"loss-mean", "loss-last-step-only"}),
        (("\nloss = 1.386294", "\nloss = 2.0"), {"loss-log2"}),
        (("\nloss = 1.386294", "\nloss = -1.386"), {"loss-sign"}),
        (("h1 = 0.462117 0.462117 0.462117", "h1 = 0.5 0.5 0.5"), {"tanh-missing"}),
        (("h1 = 0.462117 0.462117 0.462117", "h1 = 0.537 0.537 0.537"), {"bias-twice"}),
    ],
)
def test_mistakes_on_paper(change: tuple[str, str], names: set[str], tmp_path: Path) -> None:
    old, new = change
    assert old in PAPER.solution
    path = tmp_path / "paper.txt"
    path.write_text(f"# worksheet: forward-by-hand\n{PAPER.solution.replace(old, new, 1)}")
    found = set(elman.check(path).mistakes)
    assert found
    assert found <= names


def on_paper(
    term: tuple[str, int, tuple[int, ...]] = ("", 0, ()),
    factor: float = -1.0,
    first_bias: bool = False,
    slip: float = 0.0,
) -> str:
    """The second network's lines, with a weight that is multiplied by a factor at one step, or a number that is off in the first state."""
    weights: dict[str, Any] = {
        "W_xh": [[0.5, -0.3], [0.2, 0.4]], "W_hh": [[0.1, 0.6], [-0.5, 0.3]], "W_hy": [[1.0, -0.5], [0.3, 0.8]], "b_h": [0.1, -0.2], "b_y": [0.2, -0.1],
    }  # fmt: skip
    name, at, place = term
    h, loss, lines = np.array([0.5, -0.4]), 0.0, []
    for t, (x, target) in enumerate((([1, 2], 1), ([-1, 1], 0)), 1):
        w = {k: np.array(v, dtype=float) for k, v in weights.items()}
        if t == at:
            w[name][place] *= factor
        h = np.tanh(w["W_xh"] @ x + w["W_hh"] @ h + w["b_h"] * (t == 1 or not first_bias)) + slip * (t == 1)
        z = w["W_hy"] @ h + w["b_y"]
        y = np.exp(z) / np.exp(z).sum()
        loss -= np.log(y[target])
        lines += [f"second_{k}{t} = {v[0]:.4f}, {v[1]:.4f}" for k, v in (("h", h), ("z", z), ("y", y))]
    return "\n".join([*lines, f"second_loss = {loss:.4f}"])


@pytest.mark.parametrize(
    ("text", "names", "says"),
    [
        (on_paper(("W_xh", 1, (0, 1))), {"term-sign"}, "W_xh[1,2] x_1[2]"),
        (on_paper(("W_hh", 2, (1, 0))), {"term-sign"}, "W_hh[2,1] h_1[1]"),
        (on_paper(("W_hy", 1, (0, 1))), {"term-sign"}, "W_hy[1,2] h_1[2]"),
        (on_paper(("W_xh", 2, (0, 1)), 0.0), {"term-left-out"}, "W_xh[1,2] x_2[2]"),
        (on_paper(("W_xh", 2, (1, 0))), {"term-sign"}, "W_xh[2,1] x_2[1] or b_h[2] at t = 2"),
        (on_paper(first_bias=True), {"bias-at-first-step-only", "carried-on"}, ""),
        (on_paper(slip=0.123), {"carried-on"}, "the mistake is earlier"),
    ],
)  # fmt: skip
def test_slips_of_the_pen(text: str, names: set[str], says: str, tmp_path: Path) -> None:
    """What follows from a wrong number is said to follow from it; the slip itself is named."""
    first = "\n".join(line for line in PAPER.solution.splitlines() if not line.startswith("second"))
    path = tmp_path / "paper.txt"
    path.write_text(f"# worksheet: forward-by-hand\n{first}\n{text}\n")
    verdict = elman.check(path)
    assert [f.outcome for f in verdict.findings[:3]] == ["right"] * 3
    assert not verdict.right
    assert set(verdict.mistakes) == names
    assert says in verdict.text


def test_the_course_numbers_to_six_digits() -> None:
    for line in (
        "h1 = 0.462117 0.462117",
        "h2 = 0.845066",
        "z1 = 0.238635",
        "z2 = 0.353520",
        "y1 = 0.500000",
        "\nloss = 1.386294",
    ):
        assert line in PAPER.solution


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.5 0.5", [0.5, 0.5]), ("(0.5, -1e-3)", [0.5, -0.001]), ("[1; 2; 3]", [1, 2, 3]), ("0,5; 0,25", [0.5, 0.25]),
        ("", []), ("about a half", []), ("1.386294", [1.386294]), ("[[1], [2]]", [1, 2]), ("(1/2, -3/4)", [0.5, -0.75]), ("1/0", []),
        ("(4.62117e-01, 1 / 4)^T", [0.462117, 0.25]), ("−0.25 +.5", [-0.25, 0.5]), ("2 * ln(2)", []), ("4 5, 6", [4, 5, 6]),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(text: str, numbers: list[float]) -> None:
    assert numbers_in(text) == numbers


def test_numbers_are_found_by_name() -> None:
    asked = PAPER.questions(0)
    answers: Answers = typed_answers("H1 = 1 2 3  # in capitals\nh2: 4, 5, 6\nz1 = what\n", asked)
    assert answers.questions[0] == [[1, 2, 3], [4, 5, 6]]
    assert answers.questions[1] == Problem("missing", "numbers behind `z1 =` (a line such as `z1 = 0.25, -1/3`)")


def test_a_verdict_in_words_and_as_json() -> None:
    verdict = Verdict(
        "x.py, worksheet y",
        (
            Finding("a", "right", points=2),
            Finding("b", "wrong", "Why.", np.arange(12.0), [np.nan, 1], "Then.", mistakes=("m",)),
            Finding("c", "not judged"),
        ),
        ("a note",),
        "y",
    )
    assert not verdict.right
    assert verdict.points == (2, 4)
    assert verdict.text.startswith("x.py, worksheet y: 1 of 3 right")
    assert "expected  0  1  2  3  4  5  6  7  ..." in verdict.text
    assert "next: Then." in verdict.text
    assert verdict.to_json()["findings"][1]["got"] == [None, 1.0]
    assert verdict.to_json()["mistakes"] == ["m"]
    assert not Verdict("nothing asked", ()).right
    assert Verdict("x", (Finding("a", "right"),)).right


def test_float32_is_enough_and_a_wrong_digit_is_not() -> None:
    (question, *_) = worksheet("rnn-step").questions(2)
    right = question.reference(RIGHT)
    assert Asked(question, {k: v.astype(np.float32).astype(np.float64) for k, v in right.items()}).explained(RIGHT)
    assert not Asked(question, {k: v + 1e-3 for k, v in right.items()}).explained(RIGHT)
