"""Options of the recipe that the coach names, as `--set` takes them. Each is one that the shape of the model knows."""

from __future__ import annotations

import math

from elman.coaching.evidence import Evidence


def rate(e: Evidence, factor: float) -> str:
    """The rate times a factor."""
    return f"training.rate={e.training.rate * factor:.2g}"


def epochs(e: Evidence) -> str:
    """Twice the time: epochs, or minutes where these ended the training."""
    if e.rows and e.rows[-1].kind == "stop" and e.training.minutes is not None:
        return f"training.minutes={2 * e.training.minutes:g}"
    return f"training.epochs={2 * e.training.epochs}"


def larger(e: Evidence) -> str:
    """A model with more to learn in."""
    if _feedforward(e):
        return f"model.hidden_layers={[2 * units for units in e.model.get('hidden_layers') or [32]]}"
    return f"model.hidden={min(16384, 2 * _hidden(e))}"


def smaller(e: Evidence) -> str:
    """A model with fewer parameters."""
    if e.model.get("shape") == "bag-of-words":
        return f"model.min_texts={2 * int(e.model.get('min_texts', 1))}"
    if _feedforward(e):
        return f"model.embedding={max(1, int(e.model.get('embedding', 64)) // 2)}"
    return f"model.hidden={max(1, _hidden(e) // 2)}"


def against_overfitting(e: Evidence) -> str:
    """The first remedy of the course's list that is not in use yet: dropout, L2, a patience, fewer parameters."""
    layerless = _feedforward(e) and not e.model.get("hidden_layers")  # nothing between the input and the output
    where = "input_dropout" if layerless else "dropout"
    if not e.model.get(where):
        return f"model.{where}=0.3"
    if not e.training.weight_decay:
        return "training.weight_decay=0.01"
    if e.training.patience is None:
        return "training.patience=3"
    return smaller(e)


def against_explosion(e: Evidence) -> str:
    """Clipping; where that is at work already, a start that neither grows nor shrinks what goes through it, then shorter steps."""
    if not clips(e):
        return "training.clip_norm=1"
    recurrent = not _feedforward(e)
    return "model.init=orthogonal" if recurrent and e.model.get("init") != "orthogonal" else rate(e, 0.1)


def longer_memory(e: Evidence, steps: int) -> str:
    """A cell or a reading of its outputs by which the first steps are heard.

    A simple cell becomes a gated one (relu an IRNN, arXiv 1504.00941); of a classifier all outputs are read, not the last alone; else
    the forget gate begins with a bias of ln T, at which it remembers for about T steps (Tallec and Ollivier 2018, arXiv 1804.11188).
    """
    cell = str(e.model.get("cell", ""))
    if cell == "elman-relu" and e.model.get("init") != "identity":
        return "model.init=identity"
    if cell.startswith(("elman", "rnn", "indrnn")):
        return "model.cell=gru"
    if e.model.get("shape") == "classifier" and e.model.get("pooling") == "last":
        return "model.pooling=max"
    if e.forgets and not e.model.get("bias", True):
        return "model.bias=true"  # a gate without one begins half closed
    remembering = round(max(1.0, math.log(max(steps, 1))), 1)
    if e.forgets and e.model.get("forget_bias") != remembering:
        return f"model.forget_bias={remembering}"
    return "model.cell=lstm" if cell == "gru" else "model.cell=gru"


def clips(e: Evidence) -> bool:
    """Whether the training clips gradients, in either way."""
    return e.training.clip_norm is not None or e.training.clip_value is not None


def _hidden(e: Evidence) -> int:
    return int(e.model.get("hidden", 64))


def _feedforward(e: Evidence) -> bool:
    return e.model.get("shape") in ("average", "bag-of-words")
