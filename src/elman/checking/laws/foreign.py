"""Finding out how a module wants to be called: from the names in its `forward`, from what works, and from what comes of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence, pad_sequence

from elman.checking.laws.copying import copied, said
from elman.checking.laws.subject import Answer, Sequences, Subject
from elman.checking.laws.watching import LAYERS, Calls, watched_calls
from elman.errors import InputError
from elman.nn import Recurrent

LENGTHS = re.compile(r"(?<!max_)(?:^|_)(?:length|len)s?$", re.IGNORECASE)
STATES = ("state", "states", "hidden", "hx", "h0", "h_0", "h", "hc", "carry", "memory", "prev_state", "hidden_state",
          "init_state", "initial_state")  # fmt: skip
BEGINNINGS = ("init_hidden", "initHidden", "init_state", "initial_state")
"""Methods that courses give a module to make the state that it begins with."""
BATCH, STEPS = 5, 7
"""Of the call that is tried: two numbers that are told apart wherever they turn up."""
WIDEST = 64
"""Numbers per step that are tried one after the other, where no part of a module tells how many it reads."""


@dataclass(frozen=True)
class _Way:
    """One way to call a module.

    Attributes:
        symbols, features: what it reads (see `Subject`).
        first: whether the batch comes before time.
        stepped: one call is one step; the loop over time is ours.
        lengths, carried: names of arguments.
        needs_state: it can't be called without one.
    """

    module: nn.Module
    dtype: torch.dtype
    symbols: int | None
    features: int | None
    first: bool
    stepped: bool
    lengths: str | None
    carried: str | None
    needs_state: bool

    def call(self, sequences: Sequences, state: Any, padding: int | None) -> tuple[Any, Any, tuple[str, ...]]:
        """What it returns, its state, and which of its arguments it changed."""
        padded = padded_batch(sequences, padding)
        if state is None and (self.stepped or self.needs_state):
            state = _initial(self.module, len(sequences), self.dtype)
        state = _clone(state)
        if self.stepped:
            rows = []
            for step in padded.unbind(1):
                output, state = _with_state(self.module(step, state))
                rows.append(output)
            return torch.stack(rows, 1 if self.first else 0), state, ()
        given: dict[str, Any] = {}
        if self.lengths is not None:
            given[self.lengths] = torch.tensor([len(s) for s in sequences])
        if self.carried is not None and state is not None:
            given[self.carried] = state
        read = padded if self.first else padded.transpose(0, 1)
        before = {"the input": read.clone(), **{name: _clone(value) for name, value in given.items()}}
        output, final = _with_state(self.module(read, **given))
        after = {"the input": read, **given}
        changed = tuple(name for name, value in before.items() if not _equal(value, after[name]))
        return output, final, changed

    def told(self) -> str:
        """How it is called, in a sentence."""
        axes = "[batch, features]" if self.stepped else "[batch, time]" if self.first else "[time, batch]"
        read = f"symbols below {self.symbols}" if self.symbols is not None else f"{self.features} numbers a step"
        more = [name for name in (self.lengths, self.carried) if name is not None]
        also = f", and {' and '.join(more)}" if more else ""
        return f"it was called with {axes}, {read}{also}; if it wants other axes, say so (batch_first)"

    def probe(self) -> list[Tensor]:
        """Sequences to try it with."""
        generator = torch.Generator().manual_seed(1)
        if self.symbols is not None:
            return [torch.randint(self.symbols, (STEPS,), generator=generator) for _ in range(BATCH)]
        draw = [torch.randn(STEPS, self.features or 1, generator=generator, dtype=torch.float64) for _ in range(BATCH)]
        return [d.to(self.dtype) for d in draw]


@dataclass(frozen=True)
class _Tried:
    """A way that works, and what it gave."""

    way: _Way
    output: Tensor
    state: Any
    calls: Calls

    @property
    def stepwise(self) -> bool:
        axes = (BATCH, STEPS) if self.way.first else (STEPS, BATCH)
        return self.output.dim() >= 3 and tuple(self.output.shape[:2]) == axes

    def fits(self) -> bool | None:
        """Whether all saw a batch as large as the one that was given; None where nothing tells."""
        rows = None if {BATCH, STEPS} <= set(self.output.shape[:2]) else self.output
        shapes = [set(t.shape[:-1]) for t in _tensors(self.state)]
        evidence = [set(rows.shape)] if rows is not None else []
        for sizes in (*evidence, *shapes, self.calls.batches()):
            if (BATCH in sizes) != (STEPS in sizes):
                return BATCH in sizes
        return None


def foreign(module: nn.Module, name: str, inputs: Tensor | None, batch_first: bool | None) -> Subject:
    """A module that nobody here has seen before.

    Raises:
        InputError: no way to call it is found, or what it returns is no tensor; the message says what to give.
    """
    found, coarse = _found(module, name, inputs, batch_first)
    way, output, stepwise = found.way, found.output, found.stepwise
    layers = [m for m in way.module.modules() if isinstance(m, LAYERS)]
    own = bool(getattr(module, "bidirectional", False))
    both = own or any(m.bidirectional for m in layers) or found.calls.both_ways()
    if not stepwise and BATCH not in output.shape:
        raise InputError(
            f"{name} returns a tensor of shape {list(output.shape)} for {BATCH} sequences of {STEPS} steps: none of its axes "
            "is the batch; laws need a result for each sequence, or for each step of it"
        )
    axis = list(output.shape).index(BATCH) if not stepwise else 0

    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:
        got, final, changed = way.call(sequences, state, padding)
        if isinstance(got, PackedSequence):
            got = pad_packed_sequence(got, batch_first=way.first)[0]
        if stepwise:
            rows = got if way.first else got.transpose(0, 1)
            _expect(rows, 0, len(sequences), output.dim())
            return Answer([row[: len(s)] for row, s in zip(rows, sequences, strict=True)], final, changed)
        _expect(got, axis, len(sequences), output.dim())
        return Answer(list(got.movedim(axis, 0)), final, changed)

    predicts = stepwise and way.symbols is not None and output.shape[-1] == way.symbols
    return Subject(
        name, way.module, ask, way.symbols, way.features, stepwise=stepwise,
        carries=way.carried is not None and found.state is not None, ragged=way.lengths is not None, both=both,
        causal=stepwise and (not both or predicts), coarse=coarse, called=way.told(),
    )  # fmt: skip


def _expect(rows: Tensor, axis: int, batch: int, axes: int) -> None:
    if rows.dim() != axes or rows.shape[axis] != batch:
        raise ValueError(
            f"a batch of {batch} gives a tensor of shape {list(rows.shape)}, where others give {axes} axes with the batch as "
            f"number {axis + 1}"
        )


def _found(module: nn.Module, name: str, inputs: Tensor | None, batch_first: bool | None) -> tuple[_Tried, str]:
    """The first way that works, and why it is not one in float64 where it is not."""
    names = [p for p in inspect.signature(module.forward).parameters.values() if p.kind is not p.VAR_KEYWORD]
    if not names:
        raise InputError(f"{name}: forward() takes nothing, so there is nothing to check")
    lengths = next((p.name for p in names[1:] if LENGTHS.search(p.name)), None)
    carried = next((p.name for p in names[1:] if p.name.lower() in STATES), None)
    needs_state = carried is not None and any(p.name == carried and p.default is p.empty for p in names)
    own = batch_first if batch_first is not None else getattr(module, "batch_first", None)
    complaint = refused = ""
    reads = list(_reads(module, inputs))
    for dtype in (torch.float64, torch.float32):
        asked = copied(module, dtype)
        for symbols, features in reads:
            for stepped in (False, True) if needs_state else (False,):
                tried = []
                for first in (True, False) if own is None else (bool(own),):
                    way = _Way(asked, dtype, symbols, features, first, stepped, lengths, carried, needs_state)
                    try:
                        tried.append(_try(way, name))
                    except InputError as error:
                        refused = refused or str(error)
                    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
                        complaint = complaint or said(error)
                if tried:
                    return _likeliest(tried), complaint if dtype == torch.float32 else ""
    if refused:
        raise InputError(refused)
    symbols, features = reads[0]
    told = f"symbols below {symbols}" if symbols else f"{features} numbers each"
    raise InputError(
        f"{name} can't be called with {BATCH} sequences of {STEPS} steps, {told} ({complaint}): give an example of what it reads, "
        "elman.laws(module, inputs=...)"
    )


def _try(way: _Way, name: str) -> _Tried:
    with watched_calls(way.module) as calls:
        output, state, _ = way.call(way.probe(), None, None)
    if isinstance(output, PackedSequence):
        output = pad_packed_sequence(output, batch_first=way.first)[0]
    if not isinstance(output, Tensor):
        raise InputError(f"{name} returns {type(output).__name__}; laws need a tensor, or a tensor and a state")
    return _Tried(way, output, state, calls)


def _likeliest(tried: list[_Tried]) -> _Tried:
    """The order of axes in which every part saw the batch that was given; batch first where nothing tells."""
    for wanted in (True, None):
        for one in tried:
            if one.fits() is wanted:
                return one
    return tried[0]


def _reads(module: nn.Module, inputs: Tensor | None) -> Iterator[tuple[int | None, int | None]]:
    """Symbols, or numbers per step, that a module may read, the likeliest first.

    Raises:
        InputError: no part of it tells, and there is no example.
    """
    if inputs is not None and inputs.is_floating_point():
        yield None, inputs.shape[-1]
        return
    first = next((m for m in module.modules() if isinstance(m, (nn.Embedding, *LAYERS, nn.RNNCellBase))), None)
    if isinstance(first, nn.Embedding):
        yield first.num_embeddings, None
        return
    if inputs is not None:
        yield int(inputs.max()) + 1, None
        return
    widths = [first.input_size] if isinstance(first, (nn.RNNBase, nn.RNNCellBase, Recurrent)) else []
    if isinstance(size := getattr(module, "input_size", None), int):
        widths.insert(0, size)
    hidden = getattr(module, "hidden_size", None)
    for part in module.modules():
        if isinstance(part, nn.Linear):
            joined = isinstance(hidden, int) and part.in_features > hidden  # one map of [x, h], as courses write it
            widths += [part.in_features - hidden] if joined and isinstance(hidden, int) else []
            widths.append(part.in_features)
    widths += [size for p in module.parameters() for size in reversed(p.shape)] if not widths else []
    if not widths:
        raise InputError(f"what {type(module).__name__} reads can't be told: elman.laws(module, inputs=an example)")
    for width in dict.fromkeys((*widths, *range(2, WIDEST), 1)):
        yield None, width


def _initial(module: nn.Module, batch: int, dtype: torch.dtype) -> Any:
    """The state that a module wants to begin with: of its own method for that, or zeros."""
    for name in BEGINNINGS:
        if callable(method := getattr(module, name, None)):
            made = method(batch) if inspect.signature(method).parameters else method()
            widened = [t.to(dtype).expand(batch, -1) if t.dim() == 2 else t.to(dtype) for t in _tensors(made)]
            return tuple(widened) if isinstance(made, tuple) else widened[0]
    return torch.zeros(batch, int(getattr(module, "hidden_size", 1)), dtype=dtype)


def _with_state(found: Any) -> tuple[Any, Any]:
    """Output and state, as recurrent modules return them; None where there is just an output."""
    if isinstance(found, tuple) and len(found) == 2 and not isinstance(found, PackedSequence):
        return found
    return found, None


def _tensors(state: Any) -> list[Tensor]:
    if isinstance(state, (tuple, list)):
        return [t for s in state for t in _tensors(s)]
    return [state] if isinstance(state, Tensor) else []


def _clone(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_clone(v) for v in value)
    return value.clone() if isinstance(value, Tensor) else value


def _equal(one: Any, other: Any) -> bool:
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(_tensors(one), _tensors(other), strict=True))


def padded_batch(sequences: Sequences, padding: int | None) -> Tensor:
    """[B, T, ...] with zeros, or the symbol or number `padding`, beyond each length."""
    return pad_sequence(list(sequences), batch_first=True, padding_value=float(padding or 0)).to(sequences[0].dtype)
