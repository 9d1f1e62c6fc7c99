"""Models that classify, by hand: NumPy in float64, one text at a time, no padding anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.models import AveragingNetwork, BagOfWords, ClassificationModel, ModelSettings, TextClassifier, make_model

Array = np.ndarray[Any, np.dtype[np.float64]]
SYMBOLS = 7
TEXTS = ([3, 2, 5], [6], [4, 4, 2, 1, 3], [2, 6, 2, 5, 3, 4], [1, 3])
"""Numbers of words; ragged, and not in the order of their lengths."""


def settings(**values: Any) -> ModelSettings:
    return ModelSettings(**{"shape": "classifier", "embedding": 4, "hidden": 3, **values})


def made(classes: int = 3, symbols: int = SYMBOLS, **values: Any) -> Any:
    """A model in float64, in evaluation mode; every weight drawn, so that none is zero."""
    model = make_model(settings(**values), symbols, classes, torch.Generator().manual_seed(3)).double().eval()
    draw = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw, dtype=torch.float64) / 3)
    return model


def padded(texts: Any = TEXTS, *, extra: int = 0, fill: int = 0) -> tuple[Tensor, Tensor]:
    """Texts side by side, with `fill` beyond each length."""
    lengths = torch.tensor([len(text) for text in texts])
    rows = torch.full((len(texts), int(lengths.max()) + extra), fill)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = torch.tensor(text)
    return rows, lengths


def weights(model: torch.nn.Module) -> dict[str, Array]:
    return {name: value.detach().double().numpy() for name, value in model.state_dict().items()}


def log_softmax(z: Array, classes: int) -> Array:
    """Of C logits; of one, z is what softmax sees as (0, z)."""
    z = np.array([0.0, z[0]]) if classes == 2 else z
    return z - z.max() - np.log(np.exp(z - z.max()).sum())


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


ACTIVATIONS = {
    "relu": lambda v: np.maximum(v, 0),
    "tanh": np.tanh,
    "softsign": lambda v: v / (1 + np.abs(v)),
    "sigmoid": sigmoid,
}


def unrolled(w: dict[str, Array], cell: str, xs: Array, end: str) -> Array:
    """Outputs of one layer in one direction, [T, H]."""
    w_ih, w_hh, b_ih, b_hh = (w[f"recurrent.{name}{end}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h = c = np.zeros(w_hh.shape[1])
    outputs = []
    for x in xs:
        a = w_ih @ x + b_ih + w_hh @ h + b_hh
        if cell == "lstm":
            i, f, g, o = np.split(a, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            h = np.tanh(a)
        outputs.append(h)
    return np.array(outputs)


def embedded(s: ModelSettings, w: dict[str, Array], text: list[int]) -> Array:
    xs = w["embedding.weight"][text]
    if s.normalise:
        centred = xs - xs.mean(1, keepdims=True)
        xs = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        xs = xs * w["embedding.norm.weight"] + w["embedding.norm.bias"]
    return xs


def pooled(kind: str, w: dict[str, Array], outputs: Array, units: int) -> Array:
    """One vector of a text's outputs [T, D H]; the last state of the way back is the one at the text's first word."""
    last = np.concatenate([outputs[-1, :units], outputs[0, units:]])
    if kind == "attention":
        scores = np.tanh(outputs @ w["pooling.score.weight"].T + w["pooling.score.bias"]) @ w["pooling.query"]
        shares = np.exp(scores) / np.exp(scores).sum()
        return shares @ outputs
    found = {"last": last, "mean": outputs.mean(0), "max": outputs.max(0)}
    return np.concatenate(list(found.values())) if kind == "concat" else found[kind]


def recurrent_by_hand(model: TextClassifier, texts: Any) -> Array:
    """ln p of every class, [N, C]."""
    s, w = model.settings, weights(model)
    answers = []
    for text in texts:
        values = embedded(s, w, text)
        for layer in range(s.layers):
            ways = [unrolled(w, s.cell, values, f"_l{layer}")]
            if s.bidirectional:
                ways.append(unrolled(w, s.cell, values[::-1], f"_l{layer}_reverse")[::-1])
            values = np.concatenate(ways, axis=1)
        vector = pooled(s.pooling, w, values, s.hidden)
        answers.append(log_softmax(w["output.weight"] @ vector + w["output.bias"], model.classes))
    return np.array(answers)


def forward_by_hand(s: ModelSettings, w: dict[str, Array], vector: Array, *, hidden: bool) -> Array:
    """The maps head.layers; `hidden` says that the vector still needs its activation."""
    for layer in range(len([name for name in w if name.startswith("head.") and name.endswith("weight")])):
        if hidden:
            vector = ACTIVATIONS[s.activation](vector)
        vector = w[f"head.layers.{layer}.weight"] @ vector + w[f"head.layers.{layer}.bias"]
        hidden = True
    return vector


def averaging_by_hand(model: AveragingNetwork, texts: Any) -> Array:
    s, w = model.settings, weights(model)
    means = [embedded(s, w, text).mean(0) for text in texts]
    return np.array([log_softmax(forward_by_hand(s, w, mean, hidden=False), model.classes) for mean in means])


def bag_by_hand(model: BagOfWords, features: Array) -> Array:
    """From the whole matrix of features [N, V], zeros included."""
    s, w = model.settings, weights(model)
    first = features @ w["weight"] + w["bias"]
    return np.array(
        [log_softmax(forward_by_hand(s, w, row, hidden=True) if model.head else row, model.classes) for row in first]
    )


def answers(model: ClassificationModel, inputs: Tensor, lengths: Tensor, counts: Tensor | None = None) -> Array:
    with torch.no_grad():
        found: Array = model(inputs, lengths, counts).numpy()
    return found
