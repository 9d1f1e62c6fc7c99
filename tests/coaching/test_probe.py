"""The probe against chains of derivatives computed by hand, and against what `Recurrent.record` sees."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
from patients import Classifier, Classifying, Texts, first_symbol, treat
from torch import nn

from elman.coaching import probe
from elman.coaching.probe import SEQUENCES, STEPS
from elman.models import ModelSettings
from elman.nn import Recurrent
from elman.nn.watching import watch
from elman.randomness import named_generator
from elman.training import Loss


def classifier(cell: str = "elman", *, both: bool = False, layers: int = 1, scale: float = 1.0) -> Classifying:
    settings = ModelSettings(cell=cell, hidden=5, embedding=4, layers=layers)
    module = Classifier(settings, named_generator(1, "probe"), both=both)
    with torch.no_grad():
        for parameter in module.recurrent.parameters():
            parameter.mul_(scale)
    return Classifying(module)


def texts(lengths: list[int]) -> Texts:
    draw = named_generator(4, "probe")
    return Texts(
        [torch.randint(60, (n,), generator=draw).tolist() for n in lengths], [k % 4 for k in range(len(lengths))]
    )


def by_hand(task: Classifying, symbols: list[int], label: int) -> tuple[list[float], np.ndarray]:
    """Norms of dL/dh_t of an Elman layer for one text, from δ_t = W_hhᵀ ((1 - h²_{t+1}) δ_{t+1}), and its states, in NumPy."""
    w = {name: p.detach().double().numpy() for name, p in task.module.named_parameters()}
    h, states = np.zeros(5), []
    for symbol in symbols:
        x = w["embedding.weight"][symbol]
        h = np.tanh(
            w["recurrent.weight_ih_l0"] @ x
            + w["recurrent.bias_ih_l0"]
            + w["recurrent.weight_hh_l0"] @ h
            + w["recurrent.bias_hh_l0"]
        )
        states.append(h)
    z = w["output.weight"] @ h + w["output.bias"]
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    delta = w["output.weight"].T @ (p - np.eye(4)[label])
    norms = [np.linalg.norm(delta)]
    for state in reversed(states[1:]):
        delta = w["recurrent.weight_hh_l0"].T @ ((1 - state**2) * delta)
        norms.append(np.linalg.norm(delta))
    return norms, np.stack(states)


def test_gradients_and_saturation_by_hand() -> None:
    """Texts of different lengths: norms by distance from each text's own end, and the ratio of first to last."""
    task, data = classifier(scale=3.0), texts([4, 7, 2, 7])
    found = probe(task.module, data.batch([0, 1, 2, 3]), task)
    assert found is not None
    chains = [by_hand(task, list(data.sequences[k]), k % 4) for k in range(4)]
    for distance in range(7):
        reached = [norms[distance] for norms, _ in chains if len(norms) > distance]
        assert found.norms[distance] == pytest.approx(np.mean(reached), rel=1e-4)
    assert found.carried == pytest.approx(median(norms[-1] / norms[0] for norms, _ in chains), rel=1e-4)
    assert found.steps == 4  # the median of 3, 6, 1 and 6, rounded to the even one
    states = np.concatenate([states for _, states in chains])
    (gate,) = found.gates
    assert (gate.name, gate.function, gate.forgets) == ("h", "tanh", False)
    assert gate.saturated == pytest.approx((np.abs(states) > 0.99).mean())
    assert 0 < gate.saturated < 1


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-cho", "mgu"])
def test_gates_are_those_that_are_recorded(cell: str) -> None:
    task, data = classifier(cell, both=True, layers=2, scale=6.0), texts([5, 3, 8])
    batch = data.batch([0, 1, 2])
    found = probe(task.module, batch, task)
    assert found is not None
    packed = nn.utils.rnn.pack_padded_sequence(
        task.module.embedding(batch.inputs), batch.lengths, batch_first=True, enforce_sorted=False
    )
    recorded = task.module.recurrent.record(packed)
    assert {(g.layer, g.direction) for g in found.gates} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    for gate in found.gates:
        values = recorded.layers[gate.layer][gate.direction][gate.name].data
        low = 0.01 if gate.function == "sigmoid" else -0.99
        wanted = ((values < low) | (values > 0.99)).double().mean().item()
        assert gate.saturated == pytest.approx(wanted, abs=1e-3)
    assert any(g.saturated > 0.05 for g in found.gates)
    forget = {"lstm": {"f"}, "gru": {"z"}, "gru-cho": {"z"}, "mgu": {"f"}}[cell]
    assert {g.name for g in found.gates if g.forgets} <= forget


def test_both_directions_are_followed_from_the_step_they_read_last() -> None:
    """The second direction reads from the end: turned around, a text gives the two directions' chains with their roles exchanged."""
    task, data = classifier("gru", both=True), texts([6])
    found = probe(task.module, data.batch([0]), task)
    assert found is not None
    batch = data.batch([0])
    embedded = task.module.embedding(batch.inputs).detach()
    half = []
    for direction in (0, 1):
        one = Recurrent("gru", 4, 5, batch_first=True)
        end = "_reverse" if direction else ""
        one.load_state_dict({n: getattr(task.module.recurrent, n + end).detach() for n, _ in one.named_parameters()})
        x = embedded.flip(1) if direction else embedded
        states, h = [], torch.zeros(1, 1, 5)
        for t in range(6):
            _, h = one(x[:, t : t + 1], h)
            h.retain_grad()
            states.append(h)
        half.append((states, h))
    z = task.module.output(torch.cat([h[0] for _, h in half], -1))
    nn.functional.cross_entropy(z, batch.targets, reduction="sum").backward()
    norms = [[s.grad.norm().item() for s in reversed(states)] for states, _ in half]
    assert found.norms == pytest.approx([(a + b) / 2 for a, b in zip(*norms, strict=True)], rel=1e-4)


def test_dead_and_still_units() -> None:
    task, data = classifier("elman-relu"), texts([5, 5])
    with torch.no_grad():
        task.module.recurrent.bias_ih_l0[:2] = -100.0  # two of five units are below zero for good
        task.module.recurrent.weight_ih_l0[2] = 0.0
        task.module.recurrent.weight_hh_l0[2] = 0.0
        task.module.recurrent.bias_ih_l0[2] = 1.0  # one is 1 + b for good
        task.module.recurrent.bias_hh_l0[2] = 0.0
    found = probe(task.module, data.batch([0, 1]), task)
    assert found is not None
    (units,) = found.units
    assert units.zero >= 0.4
    assert units.still == pytest.approx(units.zero + 0.2)
    assert found.gates == ()


def test_a_gradient_that_does_not_fade() -> None:
    """An identity matrix, no bias and relu: dL/dh is the same at every step."""
    task, data = classifier("elman-relu"), texts([9, 9])
    with torch.no_grad():
        r = task.module.recurrent
        r.weight_hh_l0.copy_(torch.eye(5))
        r.weight_ih_l0.abs_()
        task.module.embedding.weight.abs_()
        r.bias_ih_l0.zero_()
        r.bias_hh_l0.zero_()
    found = probe(task.module, data.batch([0, 1]), task)
    assert found is not None
    assert found.carried == pytest.approx(1.0, rel=1e-5)
    assert found.norms == pytest.approx([found.norms[0]] * 9, rel=1e-5)


def test_it_leaves_no_trace() -> None:
    task, data = classifier("lstm", both=True), texts([5, 3])
    module = task.module.train()
    module.output.eval()
    batch = data.batch([0, 1])
    module.recurrent(torch.zeros(1, 2, 4))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    cell, engine, used = module.recurrent.cell, module.recurrent.engine, module.recurrent.engine_used
    random = torch.get_rng_state()
    with torch.no_grad():  # it asks for gradients itself
        assert probe(module, batch, task) is not None
    r = module.recurrent
    assert (r.cell, r.engine, r.engine_used) == (cell, engine, used)
    assert module.training
    assert r.training
    assert not module.output.training
    assert all(p.grad is None for p in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


def test_watching_ends_with_an_error_too() -> None:
    module = Recurrent("gru", 2, 3)
    cell = module.cell
    with pytest.raises(RuntimeError, match="stop"), watch(module):
        raise RuntimeError("stop")
    assert (module.cell, module.engine) == (cell, "auto")


def test_long_and_many_texts_are_cut() -> None:
    task = classifier("gru")
    data = texts([STEPS + 200, 3] + [2] * SEQUENCES)
    found = probe(task.module, data.batch(list(range(SEQUENCES + 2))), task)
    assert found is not None
    assert len(found.norms) == STEPS


def test_models_without_recurrent_layers_get_no_probe() -> None:
    class Flat:
        module = nn.Linear(2, 2)

        def loss(self, batch: Any, state: Any) -> Loss:
            raise AssertionError("nobody asked")

    assert probe(Flat.module, texts([3]).batch([0]), Flat()) is None


def test_padding_of_a_language_model_does_not_count() -> None:
    """Its rows are padded, not packed: steps that no loss looks at are no ends of a text."""
    patient = treat((first_symbol(8, 64)), language=True, epochs=1)
    assert patient.evidence.probe.carried is not None
    assert patient.evidence.probe.carried > 1e-3
