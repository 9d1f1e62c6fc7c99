"""The printed equations are right: calculated by hand from the text alone, they give autograd's gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from printed_page import Calculator, name_and_time
from random_layers import ALL_CELLS, RandomLayer, as_module, cell_of, hx_of, random_layer

from elman.equations import Explanation, explain, trace

STEPS = 4


class Page:
    """What a patient student does with `explain(cell).text()` and a pencil: one unit, one input, four steps."""

    def __init__(self, page: Explanation, layer: RandomLayer) -> None:
        t = trace(layer.cell)
        self.output = t.state[0]
        self.known: dict[tuple[str, int], float] = {("x", k): float(layer.xs[k, 0, 0]) for k in range(STEPS)}
        self.known |= {(k, -1): float(s[0, 0]) for k, s in zip(t.state, layer.state, strict=True)}
        self.known |= {(f"∂L/∂{self.output}", k): float(layer.grad[k, 0, 0]) for k in range(STEPS)}
        self.parameters: dict[str, float] = {"M": 1.0}  # the mean of one unit
        blocks = (
            ("weight_ih", "W_i", t.x_gates),
            ("weight_hh", "W_h", t.h_gates),
            ("bias_ih", "b_i", t.x_gates),
            ("bias_hh", "b_h", t.h_gates),
        )
        for name, letter, gates in (*blocks, ("weight_p", "p_", t.vectors)):
            for at, gate in enumerate(gates):
                text = letter + gate if len(gate) == 1 or letter == "p_" else f"{letter[:2]}{{{letter[2]},{gate}}}"
                self.parameters[text] = float(layer.weights[f"{name}_l0"].ravel()[at])
        forward, *inner, backward, parameters, slopes = (equations for _, equations in page.sections)
        for step in range(STEPS):
            for equation in (*forward, *(e for section in inner for e in section)):
                self.calculate(equation.text, step)
        for step in reversed(range(STEPS)):
            for equation in backward:
                self.calculate(equation.text, step)
        self.gradients: dict[str, float] = {}
        for equation in parameters:
            left, right = equation.text.split(" = ", 1)
            if right.startswith("Σ_t "):
                self.gradients[left] = sum(self.value(right.removeprefix("Σ_t "), step) for step in range(STEPS))
            else:
                for step in range(STEPS):
                    self.calculate(equation.text, step)
        self.slopes = {e.text.split(" = ", 1)[0]: e.text.split(" = ", 1)[1] for e in slopes}

    def calculate(self, text: str, step: int) -> None:
        left, right = text.split(" = ", 1)
        self.known[name_and_time(left)[0], step] = self.value(right, step)

    def value(self, text: str, step: int) -> float:
        def value(name: str) -> float:
            if name in self.parameters:
                return self.parameters[name]
            if name.startswith("∂") and not name.startswith("∂L/"):
                return self.value(self.slopes[name], step)
            key, when = name_and_time(name)
            at = step + {"t-1": -1, "t": 0, "t+1": 1, None: 0}[when]
            if at >= STEPS:  # nothing comes back from behind the last step; what it is multiplied with does not matter
                return 0.0 if name.startswith("δ") else 1.0
            return self.known[key, at]

        return Calculator(text, value).whole()


@pytest.mark.parametrize("name", ALL_CELLS)
def test_gradients_from_the_printed_page(name: str) -> None:
    layer = random_layer(name, steps=STEPS, batch=1, inputs=1, units=1, seed=21)
    page = Page(explain(cell_of(name)), layer)
    module = as_module(layer)
    xs = torch.tensor(layer.xs, requires_grad=True)
    outputs, _ = module(xs, hx_of(tuple(torch.from_numpy(s) for s in layer.state)))
    ((outputs * torch.from_numpy(layer.grad)).sum() + sum((0.0 * p).sum() for p in module.parameters())).backward()
    for step in range(STEPS):
        assert page.known[page.output, step] == pytest.approx(outputs[step].item(), rel=1e-9)
        assert page.known["δx", step] == pytest.approx(xs.grad[step].item(), rel=1e-9, abs=1e-12)
    t = trace(layer.cell)
    found = 0
    for parameter, letter, gates in (
        ("weight_ih", "W", t.x_gates),
        ("weight_hh", "W", t.h_gates),
        ("bias_ih", "b", t.x_gates),
        ("bias_hh", "b", t.h_gates),
    ):
        wanted = getattr(module, f"{parameter}_l0").grad.ravel() if gates else ()
        for gate, gradient in zip(gates, wanted, strict=True):
            kind = parameter[-2]
            short = f"{letter}_{kind}{gate}" if len(gate) == 1 else f"{letter}_{{{kind},{gate}}}"
            if f"∂L/∂{short}" in page.gradients:
                assert page.gradients[f"∂L/∂{short}"] == pytest.approx(gradient.item(), rel=1e-9, abs=1e-12), short
                found += 1
            else:
                assert gradient.item() == 0.0, short
    for vector, gradient in zip(t.vectors, module.weight_p_l0.grad if t.vectors else (), strict=True):
        assert page.gradients[f"∂L/∂p_{vector}"] == pytest.approx(gradient.item(), rel=1e-9, abs=1e-12)
        found += 1
    assert len(page.gradients) == found


@pytest.mark.parametrize("name", ALL_CELLS)
def test_slopes_from_the_printed_page(name: str) -> None:
    """∂new/∂old as printed against the last row of a Jacobian that autograd makes."""
    layer = random_layer(name, steps=STEPS, batch=1, inputs=1, units=1, seed=22)
    page = Page(explain(cell_of(name)), layer)
    module, t = as_module(layer), trace(layer.cell)
    x = torch.from_numpy(layer.xs[2:3])
    old = torch.tensor([[page.known[k, 1]] for k in t.state], dtype=torch.float64)

    def step(old: torch.Tensor) -> torch.Tensor:
        _, hx = module(x, hx_of(tuple(old[k].view(1, 1) for k in range(len(t.state)))))
        return torch.stack([s.view(()) for s in (hx if isinstance(hx, tuple) else (hx,))])

    jacobian = torch.autograd.functional.jacobian(step, old)[..., 0].numpy()
    printed = np.zeros_like(jacobian)
    for text in page.slopes:
        new, by = (name_and_time(part.removeprefix("∂"))[0] for part in text.split("/"))
        value = page.value(text, 2)
        if new in t.state:
            printed[t.state.index(new), t.state.index(by)] = value
    np.testing.assert_allclose(printed, jacobian, rtol=1e-9, atol=1e-12)
