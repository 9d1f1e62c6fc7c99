"""Derived slopes (how the new state depends on the old one) against finite differences of the step."""

from __future__ import annotations

import numpy as np
import pytest
from random_layers import ALL_CELLS, RandomLayer, cell_of, random_layer

from elman.engines import Paper
from elman.equations import Derivation, Special, derive, trace
from elman.equations.expression import evaluate

UNITS = 3


def new_quantities(paper: Paper, layer: RandomLayer, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return paper.forward(layer.xs, state)[0].quantities


def numerical(paper: Paper, layer: RandomLayer, state: dict[str, np.ndarray], row: str, old: str) -> np.ndarray:
    """∂ row / ∂ old [units, units] by central differences."""
    columns = []
    for unit in range(UNITS):
        sides = []
        for sign in (1, -1):
            moved = {k: v.copy() for k, v in state.items()}
            moved[old][0, unit] += sign * 1e-6
            sides.append(new_quantities(paper, layer, moved)[row][0])
        columns.append((sides[0] - sides[1]) / 2e-6)
    return np.stack(columns, 1)


def derived(
    d: Derivation, paper: Paper, layer: RandomLayer, state: dict[str, np.ndarray], row: str, old: str
) -> np.ndarray:
    """The same from `Derivation.slopes`."""
    q, output = new_quantities(paper, layer, state), d.trace.state[0]
    w = {k.removesuffix("_l0"): v for k, v in layer.weights.items()}

    def block(name: str, gates: tuple[str, ...], gate: str) -> np.ndarray:
        at = gates.index(gate) * UNITS
        return w[name][at : at + UNITS]

    def leaf(kind: str, name: str) -> np.ndarray:
        match kind:
            case "q":
                return q[name][0]
            case "s":
                return state[name][0]
            case "p":
                return block("weight_p", d.trace.vectors, name)
            case "x":
                return block("weight_ih", d.trace.x_gates, name) @ layer.xs[0, 0] + block(
                    "bias_ih", d.trace.x_gates, name
                )
        return block("weight_hh", d.trace.h_gates, name) @ state[output][0] + block("bias_hh", d.trace.h_gates, name)

    total = np.zeros((UNITS, UNITS))
    for (kind, key), slope in d.slopes[row].items():
        factor = np.diag(np.broadcast_to(evaluate(slope, leaf), UNITS))
        if kind == "s" and key == old:
            total += factor
        elif kind == "h" and old == output:
            total += factor @ block("weight_hh", d.trace.h_gates, key)
        elif kind == "q":
            special = dict(d.tape)[key]
            assert isinstance(special, Special)
            mixing = (
                block("weight_hh", d.trace.h_gates, special.gate)
                if special.kind == "map"
                else np.full((UNITS, UNITS), 1 / UNITS)
            )
            total += factor @ mixing @ derived(d, paper, layer, state, special.argument, old)
    return total


@pytest.mark.parametrize("name", ALL_CELLS)
def test_slopes(name: str) -> None:
    layer = random_layer(name, steps=1, batch=1, inputs=2, units=UNITS, seed=11)
    d = derive(trace(cell_of(name)))
    paper = Paper(layer.cell, layer.weights)
    state = dict(zip(d.trace.state, layer.state, strict=True))
    assert set(d.trace.state) <= set(d.slopes)
    for row in d.slopes:
        for old in d.trace.state:
            np.testing.assert_allclose(
                derived(d, paper, layer, state, row, old),
                numerical(paper, layer, state, row, old),
                rtol=1e-6,
                atol=1e-8,
                err_msg=f"{row} by {old}",
            )


def test_the_path_that_keeps_the_gradient_alive_is_kept_apart() -> None:
    d = derive(trace(cell_of("lstm")))
    assert evaluate(d.slopes["c"]["s", "c"], lambda kind, name: {("q", "f"): 0.75}[kind, name]) == 0.75
    assert all(kind != "s" for kind, _ in derive(trace(cell_of("elman"))).slopes["h"])
    paths = {
        term.via: evaluate(term.expr, lambda kind, name: {("d", "c"): 2.0, ("q", "f"): 0.75}[kind, name])
        for term in d.terms["s", "c"]
        if term.via == "c"
    }
    assert paths == {"c": 1.5}


def test_order_is_one_in_which_gradients_are_complete() -> None:
    """Everything that uses a quantity comes before it, going back."""
    for name in ALL_CELLS:
        d = derive(trace(cell_of(name)))
        place = {q: k for k, q in enumerate(d.order)}
        for (kind, key), terms in d.terms.items():
            if kind == "q":
                assert all(place[t.via] < place[key] for t in terms), (name, key)
