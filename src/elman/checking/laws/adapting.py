"""Finding out how a module wants to be called: from what it is, from the names in its `forward`, and from what it returns."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence, pad_sequence

from elman.checking.laws.subject import Answer, Sequences, Subject
from elman.errors import InputError
from elman.models import ClassificationModel, LanguageModel
from elman.nn import Recurrent

LENGTHS = (
    "length",
    "lengths",
    "lens",
    "seq_len",
    "seq_lens",
    "seq_lengths",
    "x_lengths",
    "text_lengths",
    "input_lengths",
)
STATES = (
    "state",
    "states",
    "hidden",
    "hx",
    "h0",
    "h_0",
    "h",
    "hc",
    "carry",
    "memory",
    "prev_state",
    "hidden_state",
    "init_state",
)
STEPS, BATCH = 4, 3


def subject_of(
    module: nn.Module, name: str, *, inputs: Tensor | None = None, batch_first: bool | None = None
) -> Subject:
    """The module behind the laws' face.

    Args:
        module: anything recurrent: a layer, a language model, a classifier.
        name: for sentences.
        inputs: an example of what it reads, [B, T, I] or [B, T] (axes as the module wants them), where that can't be found out.
        batch_first: which axis comes first, where that can't be found out.

    Raises:
        InputError: it can't be called in any way that is tried; the message says what to give.
    """
    module = _copy(module)
    if isinstance(module, (Recurrent, nn.RNNBase)):
        return _layer(module, name)
    if isinstance(module, ClassificationModel):
        return _classifier(module, name)
    if isinstance(module, LanguageModel):
        return _language_model(module, name)
    return _foreign(module, name, inputs, batch_first)


def _copy(module: nn.Module) -> nn.Module:
    """A copy of its own, in evaluation mode and in float64, where rounding can't hide a fault."""
    try:
        return copy.deepcopy(module).double().eval()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        raise InputError(
            f"{type(module).__name__} can't be copied ({_said(error)}), and laws never touch the original"
        ) from None


def _layer(module: Recurrent | nn.RNNBase, name: str) -> Subject:
    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:  # noqa: ARG001 - packed: no padding
        outputs, final = module(pack_sequence(list(sequences), enforce_sorted=False), state)
        return Answer(_unpacked(outputs), final)

    return Subject(
        name, module, ask, None, module.input_size, stepwise=True, carries=not module.bidirectional, ragged=True,
        both=module.bidirectional, causal=not module.bidirectional,
    )  # fmt: skip


def _classifier(module: ClassificationModel, name: str) -> Subject:
    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:  # noqa: ARG001 - it has no state
        lengths = torch.tensor([len(s) for s in sequences])
        return Answer(list(module(_padded(sequences, padding), lengths)))

    both = module.settings.bidirectional
    return Subject(
        name, module, ask, module.symbols, None, stepwise=False, carries=False, ragged=True, both=both, causal=False
    )


def _language_model(module: LanguageModel, name: str) -> Subject:
    told = torch.zeros(1, dtype=torch.int64) if module.categories else None

    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:
        tokens = _padded(sequences, padding)
        outputs, final = module(tokens, state, None if told is None else told.expand(len(tokens)))
        return Answer([row[: len(s)] for row, s in zip(outputs, sequences, strict=True)], final)

    return Subject(
        name, module, ask, module.symbols, None, stepwise=True, carries=True, ragged=False, both=False, causal=True
    )


def _foreign(module: nn.Module, name: str, inputs: Tensor | None, batch_first: bool | None) -> Subject:
    """A module that nobody here has seen before."""
    names = [p for p in inspect.signature(module.forward).parameters.values() if p.kind is not p.VAR_KEYWORD]
    if not names:
        raise InputError(f"{name}: forward() takes nothing, so there is nothing to check")
    lengths = next((p.name for p in names[1:] if p.name.lower() in LENGTHS), None)
    carried = next((p.name for p in names[1:] if p.name.lower() in STATES), None)
    needs_state = carried is not None and any(p.name == carried and p.default is p.empty for p in names)
    layers = [m for m in module.modules() if isinstance(m, (nn.RNNBase, Recurrent))]
    symbols, features = _reads(module, inputs)
    first = batch_first if batch_first is not None else _batch_first(module, layers)
    both = any(m.bidirectional for m in layers) or bool(getattr(module, "bidirectional", False))

    def whole(sequences: Sequences, state: Any, padding: int | None) -> tuple[Any, Any]:
        padded = _padded(sequences, padding)
        given: dict[str, Any] = {}
        if lengths is not None:
            given[lengths] = torch.tensor([len(s) for s in sequences])
        if carried is not None and (state is not None or needs_state):
            given[carried] = _initial(module, len(sequences)) if state is None else state
        return _with_state(module(padded if first else padded.transpose(0, 1), **given))

    def stepped(sequences: Sequences, state: Any, padding: int | None) -> tuple[Any, Any]:
        state = _initial(module, len(sequences)) if state is None else state
        rows = []
        for step in _padded(sequences, padding).unbind(1):
            output, state = _with_state(module(step, state))
            rows.append(output)
        return torch.stack(rows, 1 if first else 0), state

    probe = _draw(symbols, features, [STEPS] * BATCH)
    call, output, state = _first_that_works(
        [whole, stepped] if needs_state else [whole], probe, name, symbols, features
    )
    if isinstance(output, PackedSequence):
        output = pad_packed_sequence(output, batch_first=first)[0]
    if not isinstance(output, Tensor):
        raise InputError(f"{name} returns {type(output).__name__}; laws need a tensor, or a tensor and a state")
    steps_axis = 1 if first else 0
    stepwise = output.dim() >= 3 and output.shape[steps_axis] == STEPS and output.shape[1 - steps_axis] == BATCH

    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:
        output, final = call(sequences, state, padding)
        if isinstance(output, PackedSequence):
            output = pad_packed_sequence(output, batch_first=first)[0]
        if stepwise:
            rows = output if first else output.transpose(0, 1)
            return Answer([row[: len(s)] for row, s in zip(rows, sequences, strict=True)], final)
        return Answer(list(output.reshape(len(sequences), -1)), final)

    carries = carried is not None and state is not None
    return Subject(
        name, module, ask, symbols, features, stepwise=stepwise, carries=carries, ragged=lengths is not None, both=both,
        causal=stepwise and not both,
    )  # fmt: skip


Call = Callable[[Sequences, Any, int | None], tuple[Any, Any]]


def _first_that_works(
    calls: list[Call], probe: list[Tensor], name: str, symbols: int | None, features: int | None
) -> tuple[Call, Any, Any]:
    """The first way to call a module that it does not refuse, with what it gave."""
    said = ""
    for call in calls:
        try:
            return call, *call(probe, None, None)
        except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
            said = said or _said(error)
    raise InputError(
        f"{name} can't be called with {_told(symbols, features)} ({said}): give an example of what it reads, "
        "elman.laws(module, inputs=...)"
    )


def _with_state(found: Any) -> tuple[Any, Any]:
    """Output and state, as recurrent modules return them; None where there is just an output."""
    if isinstance(found, tuple) and len(found) == 2 and not isinstance(found, PackedSequence):
        return found
    return found, None


def _initial(module: nn.Module, batch: int) -> Any:
    """The state that a module wants to begin with: of its own method for that, or zeros."""
    for name in ("init_hidden", "initHidden", "init_state", "initial_state"):
        if callable(method := getattr(module, name, None)):
            made = method(batch) if inspect.signature(method).parameters else method()
            return tuple(_widened(t, batch) for t in made) if isinstance(made, tuple) else _widened(made, batch)
    return torch.zeros(batch, int(getattr(module, "hidden_size", 1)), dtype=torch.float64)


def _widened(state: Tensor, batch: int) -> Tensor:
    """A state [1, H] for every sequence of a batch, in float64."""
    return state.double().expand(batch, -1) if state.dim() == 2 else state.double()


def _reads(module: nn.Module, inputs: Tensor | None) -> tuple[int | None, int | None]:
    """Symbols, or numbers per step, that a module reads: of its first layer, or of the example."""
    if inputs is not None and inputs.is_floating_point():
        return None, inputs.shape[-1]
    for part in module.modules():
        if isinstance(part, nn.Embedding):
            return part.num_embeddings, None
        if isinstance(part, (nn.RNNBase, nn.RNNCellBase, Recurrent)):
            return None, part.input_size
    if inputs is not None:
        return int(inputs.max()) + 1, None
    size = getattr(module, "input_size", None)
    if isinstance(size, int):
        return None, size
    linear = next((m for m in module.modules() if isinstance(m, nn.Linear)), None)
    if linear is None:
        raise InputError(f"what {type(module).__name__} reads can't be told: elman.laws(module, inputs=an example)")
    hidden = getattr(module, "hidden_size", None)  # one map of [x, h], as courses write it
    joined = isinstance(hidden, int) and linear.in_features > hidden
    return None, linear.in_features - (hidden if joined and isinstance(hidden, int) else 0)


def _batch_first(module: nn.Module, layers: list[Any]) -> bool:
    own = getattr(module, "batch_first", None)
    return bool(own) if own is not None else all(m.batch_first for m in layers)


def _padded(sequences: Sequences, padding: int | None) -> Tensor:
    """[B, T, ...] with zeros, or the symbol or number `padding`, beyond each length."""
    return pad_sequence(list(sequences), batch_first=True, padding_value=float(padding or 0)).to(sequences[0].dtype)


def _unpacked(outputs: PackedSequence) -> list[Tensor]:
    padded, lengths = pad_packed_sequence(outputs, batch_first=True)
    return [row[:n] for row, n in zip(padded, lengths.tolist(), strict=True)]


def _draw(symbols: int | None, features: int | None, lengths: list[int]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    if symbols is not None:
        return [torch.randint(symbols, (n,), generator=generator) for n in lengths]
    return [torch.randn(n, features or 1, generator=generator, dtype=torch.float64) for n in lengths]


def _told(symbols: int | None, features: int | None) -> str:
    return f"{BATCH} sequences of {STEPS} steps, " + (
        f"symbols below {symbols}" if symbols else f"{features} numbers each"
    )


def _said(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def plain_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Tensors of numbers that a module keeps as plain attributes: state_dict() does not have them."""
    for path, part in module.named_modules():
        for key, value in vars(part).items():
            if isinstance(value, Tensor) and value.is_floating_point():
                yield f"{path}.{key}".lstrip("."), value
