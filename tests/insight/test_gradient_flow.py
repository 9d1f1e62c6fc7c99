"""How far back gradients reach: by hand in NumPy, by numbers, and as it is shown."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from rich.console import Console

from elman.errors import InputError
from elman.insight.gradient_flow import CASES, Case, gradient_flow
from elman.nn import Recurrent, initialise
from elman.randomness import named_generator
from elman.reports.gradient_flow import flow_page, print_flows

T, H, I = 7, 5, 3


def elman_weights(case: Case, seed: int) -> dict[str, np.ndarray]:
    generator = named_generator(seed, "init")
    layer = Recurrent(case.cell, I, H, generator=generator)
    initialise(layer, case.init, generator=generator, scale=case.scale, forget_bias=case.forget_bias)
    return {name: value.detach().double().numpy() for name, value in layer.named_parameters()}


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.title)
def test_the_norms_are_those_by_hand(case: Case) -> None:
    """dL/dh_{t-1} = W_hh' (dL/dh_t * (1 - h_t^2)), from dL/dh_T = v."""
    generator = named_generator(3, "gradient flow")
    xs = torch.randn(T, 1, I, generator=generator, dtype=torch.float64).numpy()[:, 0]
    v = torch.randn(H, generator=generator, dtype=torch.float64).numpy()
    v /= np.linalg.norm(v)
    w = elman_weights(case, 3)
    h, states = np.zeros(H), []
    for x in xs:
        h = np.tanh(w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"])
        states.append(h)
    gradient, norms = v, [np.linalg.norm(v)]
    for state in reversed(states[1:]):
        gradient = w["weight_hh_l0"].T @ (gradient * (1 - state**2))
        norms.append(np.linalg.norm(gradient))
    found = gradient_flow([case], steps=T, units=H, inputs=I, seed=3)[0]
    assert found.norms == pytest.approx(norms[::-1], rel=1e-10)
    assert found.factor == pytest.approx((norms[-1] / norms[0]) ** (1 / (T - 1)))
    assert found.radius == pytest.approx(case.scale, rel=1e-6)  # of an orthogonal matrix


def test_the_cases_show_what_they_are_said_to_show() -> None:
    fates = {flow.case.title: flow.fate for flow in gradient_flow()}
    assert fates == {
        "Elman, small weights": "vanishes",
        "Elman, orthogonal weights": "vanishes",
        "Elman with relu, large weights": "explodes",
        "IRNN": "stays",
        "LSTM, forget bias 0": "vanishes",
        "LSTM, forget bias 1": "vanishes",
        "LSTM, forget bias 5": "stays",
        "GRU": "vanishes",
    }


def test_an_lstm_keeps_what_its_forget_gates_let_through() -> None:
    flows = gradient_flow([case for case in CASES if case.cell == "lstm"])
    gates = [sum(flow.forget) / len(flow.forget) for flow in flows]
    assert gates == pytest.approx([0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-5))], abs=0.02)
    assert flows[0].memory[0] < flows[1].memory[0] < flows[2].memory[0]


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not() -> None:
    exploding = next(flow.clipped for flow in gradient_flow() if flow.fate == "explodes")
    assert exploding.norm > 1000
    assert exploding.by_norm == exploding.threshold_norm == 1.0
    assert exploding.turned > 45
    small = gradient_flow([Case("tiny", "elman", scale=0.01)], steps=2, units=2, inputs=1)[0].clipped
    assert small.by_norm == pytest.approx(min(small.norm, 1.0))


def test_the_same_seed_gives_the_same_and_nothing_global_is_drawn() -> None:
    before = torch.random.get_rng_state()
    once, again = (gradient_flow(CASES[:3], steps=5, units=4, inputs=2) for _ in range(2))
    assert once == again
    assert torch.equal(before, torch.random.get_rng_state())


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="at least 2 steps of 1 unit and 1 input; got 1, 64, 16"):
        gradient_flow(steps=1)


def test_it_is_shown() -> None:
    flows = gradient_flow(steps=6, units=4, inputs=2)
    page = flow_page(flows)
    console = Console(width=100, record=True, file=io.StringIO())
    print_flows(flows, console)
    said = console.export_text()

    for flow in flows:
        assert flow.case.title in page
        assert flow.case.title in said
        assert f"x {flow.factor:.3f}" in said
    chart = json.loads(page.split('id="chart-data">')[1].split("</script>")[0])
    assert [line["y"] for line in chart[0]["lines"]] == [list(flow.norms) for flow in flows]
