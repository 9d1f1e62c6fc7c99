"""`Recurrent`: layers of any cell as a torch module, with torch.nn's arguments, parameters, shapes and return values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.cells import registry
from elman.cells.cell import Cell
from elman.engines import dispatch, operator, recording
from elman.engines.graphs import constant, outside
from elman.engines.layer import ParameterShapes
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.tracing import trace
from elman.errors import CellError, EngineError, ShapeError
from elman.nn.arguments import boolean, positive, probability
from elman.nn.dropout import dropout as drop
from elman.nn.recording import Recording
from elman.nn.recurrent_dropout import drop_recurrent, recurrent_probability
from elman.nn.sequences import Rows, check_told, looked_up, to_rows, to_states, to_symbol_rows, to_table
from elman.nn.streaming import RecurrentStream, stream_of


class Recurrent(nn.Module):
    """Layers of a recurrent cell over sequences.

        state_t = step(x_t, state_{t-1}),   output_t = the first state;   layer l + 1 reads the outputs of layer l

    Letters: T steps, B sequences, I inputs, H units, L layers, D directions (1 or 2).

    Args:
        cell: a name of `elman.cells.names()`, or a `Cell`.
        input_size: I.
        hidden_size: H.
        num_layers: L.
        bias: with biases, two for each gate as torch.nn has them.
        batch_first: sequences are [B, T, I] instead of [T, B, I]; states keep the layer axis first.
        dropout: probability of zeroing an output between two layers, in training.
        bidirectional: a second set of weights reads each sequence from its end; outputs are side by side.
        engine: "auto", "fused" (C++ kernels, any cell whose step is pointwise, CPU), "torch" (its kernels for LSTM, GRU, Elman) or
            "loop" (any cell, any device, second derivatives); after a call `engine_used` and
            `engine_reason` tell which one ran and why.
        recurrent_dropout: probability of zeroing a recurrent weight, in training: one mask a call for each W_hh; see `drop_recurrent`.
        precision: "float32", or "bf16": the factors of matrix products rounded to bfloat16, sums and everything else in float32; on the
            fused engine alone.
        device, dtype: of the parameters.
        generator: draws the starting weights; None: torch's global one, as in torch.nn.

    Shapes: input [T, B, I], [B, T, I], [T, I] or a `PackedSequence`; output the same with D * H features; states [L * D, B, H]
    ([L * D, H] for input without batch), one tensor, or a tuple for cells with several (LSTM: h, c).

    Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, ..., `_reverse`, in the block order of the cell's gates;
    `weight_p_l0` for cells with per-unit weights.

    Raises:
        InputError, WrongTypeError: an argument out of range or of the wrong type. CellError: the cell's step can't be traced.
        ShapeError: (calls) an input or state does not fit. EngineError: (calls) the engine asked for can't run this cell.
    """

    def __init__(
        self,
        cell: str | Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        engine: str = "auto",
        precision: str = "float32",
        recurrent_dropout: float = 0.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.cell = registry.get(cell)
        self.trace = trace(self.cell)
        self.input_size = positive("input_size", input_size)
        self.hidden_size = positive("hidden_size", hidden_size)
        self.num_layers = positive("num_layers", num_layers)
        self.bias = boolean("bias", bias)
        self.batch_first = boolean("batch_first", batch_first)
        self.dropout = probability(dropout)
        self.recurrent_dropout = recurrent_probability(recurrent_dropout, self.trace)
        self.bidirectional = bool(bidirectional)
        self.engine = dispatch.check_name(engine)
        self.precision = dispatch.check_precision(precision, engine)
        #: Draws the dropout masks; None: torch's global generator, as in torch.nn.
        self.dropout_generator: torch.Generator | None = None
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        self._title = type(self).__name__ if type(self) is not Recurrent else f"Recurrent({self.trace.name})"
        self._forget()
        self._parameter_names = tuple(ParameterShapes(self.trace, self.hidden_size).of(1, bias=self.bias))
        if not self._parameter_names:
            raise CellError(
                f"cell {self.trace.name} uses neither x nor h nor per-unit weights: it has nothing to learn"
            )
        ends = [[suffix(layer, direction) for direction in range(self.directions)] for layer in range(self.num_layers)]
        self._names = [[[(name, name + end) for name in self._parameter_names] for end in layer] for layer in ends]
        for layer in range(self.num_layers):
            inputs = self.input_size if layer == 0 else self.hidden_size * self.directions
            for direction in range(self.directions):
                for name, shape in ParameterShapes(self.trace, self.hidden_size).of(inputs, bias=self.bias).items():
                    parameter = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                    self.register_parameter(name + suffix(layer, direction), parameter)
        self.reset_parameters(generator)

    @property
    def engine_used(self) -> str | None:
        """The engine that ran the last call; None before the first."""
        return self._choice.engine if self._choice else None

    @property
    def engine_reason(self) -> str | None:
        """Why that engine."""
        return self._choice.reason if self._choice else None

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """Parameters by layer and direction, as torch.nn has them."""
        return [
            list(self.weights_of(layer, d).values()) for layer in range(self.num_layers) for d in range(self.directions)
        ]

    def weights_of(self, layer: int, direction: int) -> Mapping[str, nn.Parameter]:
        """One direction's parameters by name without suffix."""
        names = self._names[layer][direction]
        parameters = cast("dict[str, nn.Parameter]", self._parameters)  # none is missing
        try:  # straight from the dictionary, which takes a fifth of the time of an attribute
            return {short: parameters[name] for short, name in names}
        except KeyError:  # a parametrised weight is not in there
            return {short: getattr(self, name) for short, name in names}

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """torch.nn's start: uniform between -1/√H and 1/√H, in its order (the same seed gives the same weights)."""
        if next(self.parameters()).is_meta:
            return
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def flatten_parameters(self) -> None:
        """Nothing to do here; code written for torch.nn may call it."""

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:  # noqa: A002 - torch.nn's name
        """Unroll over `input` from the states `hx` (zeros if None); returns outputs and final states, see the class for shapes."""
        graph = torch.compiler.is_compiling()
        if graph and (isinstance(input, PackedSequence) or self.dropout_generator is not None):
            return self._outside_of_graph(input, hx)
        weights = self._weights()
        dtype = weights[0][0][self._parameter_names[0]].dtype
        rows = to_rows(self._title, input, self.input_size, dtype, batch_first=self.batch_first)
        choice = self._choose_for_graph(dtype, rows) if graph else self._choose(dtype, rows)
        if choice is None:
            return self._outside_of_graph(input, hx)
        known = self._constants(self.precision, dtype) if graph and choice.engine == "fused" else None
        return self._unroll(rows, hx, weights, choice, None, known=known)

    # Where a graph can't hold it (torch's kernels, generators), or would be compiled again for all lengths that come.
    _outside_of_graph = outside(forward)

    def read(
        self,
        symbols: Tensor | PackedSequence,
        inputs: Tensor,
        hx: Any = None,
        told: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Any, Any]:
        """Unroll over symbols, each of which stands for a row of `inputs`: the same as self(inputs[symbols], hx).

        With fewer rows than symbols, the fused engine multiplies each row by W once, where all its symbols find the product.

        Args:
            symbols: int64 [T, B], or [B, T] with `batch_first`, or a `PackedSequence` of them; from 0 to V - 1.
            inputs: [V, I], such as the weights of an embedding, or the rows of a unit matrix for one-hot symbols.
            hx: initial states, as for a call.
            told: what each sequence is told at every step besides its symbol, as numbers [B] from 0 to C - 1 and rows [C, I'] that they
                stand for; `inputs` are then [V, input_size - I'].

        Raises:
            ShapeError: symbols are not [T, B], or inputs are not [V, input_size]; sequences that are packed are told something.
            IndexError: a symbol outside 0 to V - 1, or a number outside 0 to C - 1.
        """
        numbers = symbols.data if isinstance(symbols, PackedSequence) else symbols
        axes = 1 if isinstance(symbols, PackedSequence) else 2
        if numbers.dim() != axes or numbers.dtype != torch.int64 or inputs.dim() != 2:
            raise ShapeError(
                f"{self._title}: symbols are int64 of two axes, or packed; inputs [symbols, {self.input_size}]; "
                f"got {list(numbers.shape)} of {numbers.dtype} and {list(inputs.shape)}"
            )
        if told is not None:
            check_told(self._title, symbols, told, batch_first=self.batch_first)
        if torch.compiler.is_compiling():
            return self.forward(looked_up(symbols, inputs, told, batch_first=self.batch_first), hx)
        weights = self._weights()
        dtype = weights[0][0][self._parameter_names[0]].dtype
        choice = self._choose(dtype, to_symbol_rows(symbols, inputs, batch_first=self.batch_first))
        different = len(inputs) * (1 if told is None else len(told[1]))
        width = inputs.shape[1] + (0 if told is None else told[1].shape[-1])
        useful = self.trace.x_gates and width == self.input_size and different < numbers.numel()
        if choice.engine != "fused" or not useful or inputs.dtype != dtype:
            return self.forward(looked_up(symbols, inputs, told, batch_first=self.batch_first), hx)
        numbers, table = to_table(numbers, inputs, told, weights[0], batch_first=self.batch_first)
        tokens = (numbers.T if axes == 2 and self.batch_first else numbers).reshape(-1)
        weights = [[{k: v for k, v in w.items() if not k.endswith("_ih")} for w in weights[0]], *weights[1:]]
        return self._unroll(to_symbol_rows(symbols, table, batch_first=self.batch_first), hx, weights, choice, tokens)

    @torch.no_grad()
    def record(self, input: Tensor | PackedSequence, hx: Any = None) -> Recording:  # noqa: A002 - torch.nn's name
        """A call that keeps every named quantity of every step (gates, states, whatever the cell's equations name), for looking at.

        The fused engine records any pointwise cell, the loop engine the others. The numbers are cut off from gradients, and dropout
        is as in a call. Arguments and errors are those of a call; see `Recording` for what comes back.
        """
        if torch.compiler.is_dynamo_compiling():
            return self._record_outside_of_graph(input, hx)
        weights = self._weights()
        dtype = weights[0][0][self._parameter_names[0]].dtype
        rows = to_rows(self._title, input, self.input_size, dtype, batch_first=self.batch_first)
        choice = recording.choose(
            self.engine, self.trace, empty=not (rows.batch and rows.steps), dtype=dtype, device=rows.rows.device,
            precision=self.precision,
        )  # fmt: skip
        layers = []

        def run(*call: Any) -> LayerResult:
            result, quantities = recording.run(*call)
            layers.append(tuple({k: rows.output(v) for k, v in direction.items()} for direction in quantities))
            return result

        output, state = self._unroll(rows, hx, weights, choice, None, run=run)
        return Recording(output, state, tuple(layers), *choice)

    _record_outside_of_graph = outside(record)

    def _weights(self) -> list[list[Mapping[str, Tensor]]]:
        return [[self.weights_of(layer, d) for d in range(self.directions)] for layer in range(self.num_layers)]

    def _unroll(
        self,
        rows: Rows,
        hx: Any,
        weights: list[list[Mapping[str, Tensor]]],
        choice: dispatch.Choice,
        tokens: Tensor | None,
        *,
        known: operator.Constants | None = None,
        run: Callable[..., LayerResult] = dispatch.run,
    ) -> tuple[Any, Any]:
        states = to_states(self._title, self.trace.state, hx, rows, self.num_layers, self.directions, self.hidden_size)
        values, finals = rows.rows, []
        sizes = rows.batch_sizes() if known is None else [rows.batch]
        if self.training:
            weights = drop_recurrent(weights, self.recurrent_dropout, self.dropout_generator)
        for layer in range(self.num_layers):
            if layer > 0 and self.training:
                values = drop(values, self.dropout, self.dropout_generator)
            here = slice(layer * self.directions, (layer + 1) * self.directions)
            state = states if self.num_layers == 1 else tuple([s[here] for s in states])
            read = tokens if layer == 0 else None
            call = LayerCall(
                values, sizes, weights[layer], state, self._kept[layer], self.precision, read, self.hidden_size
            )
            if known is not None:
                values, final = operator.run(known, call, rows.steps, len(self.trace.state))
            else:
                values, final = run(choice, self.cell, self.trace, call)
            finals.append(final)
        self.__dict__["_choice"] = choice  # nn.Module's own way takes as long as a small layer
        joined = finals[0] if len(finals) == 1 else [torch.cat(parts) for parts in zip(*finals, strict=True)]
        joined = [rows.order(part, back=True) for part in joined]
        returned = joined if rows.batched else [s[:, 0] for s in joined]
        return rows.output(values), returned[0] if len(returned) == 1 else tuple(returned)

    def _choose(self, dtype: torch.dtype, rows: Rows) -> dispatch.Choice:
        empty = not (rows.batch and rows.steps)
        key = (self.engine, self.precision, dtype, rows.rows.device, empty, dispatch.moment())
        choice = self._choices.get(key)
        if choice is None:
            device, precision = rows.rows.device, self.precision
            choice = dispatch.choose(
                self.engine, self.trace, empty=empty, dtype=dtype, device=device, precision=precision
            )
            self._choices[key] = choice
        return choice

    def _choose_for_graph(self, dtype: torch.dtype, rows: Rows) -> dispatch.Choice | None:
        """The choice for a graph that is being compiled; None: this layer stays outside of it."""
        empty = not (rows.batch and rows.steps)  # an answer, also where sizes are symbols
        return self._constant_choice(self.engine, self.precision, dtype, rows.rows.device, empty)

    # What follows is asked while a graph is being compiled, and stays true in it; for other arguments another graph is compiled.
    @constant
    def _constant_choice(
        self, engine: str, precision: str, dtype: torch.dtype, device: torch.device, empty: bool
    ) -> dispatch.Choice | None:
        try:
            choice = dispatch.choose(
                engine, self.trace, empty=empty, dtype=dtype, device=device, precision=precision, graph=True
            )
        except EngineError:
            return None  # outside of the graph it is raised again, as it is
        return None if choice.engine == "torch" else choice

    @constant
    def _constants(self, precision: str, dtype: torch.dtype) -> operator.Constants:
        return operator.constants(self.trace, dtype, precision, self.hidden_size, self.directions)

    def _forget(self) -> None:
        """What is kept between calls for speed alone: choices of engine, and for each layer what its engine wants to use again."""
        self._choice: dispatch.Choice | None = None
        self._choices: dict[Any, dispatch.Choice] = {}
        self._kept: list[dict[str, Any]] = [{} for _ in range(self.num_layers)]

    def stream(self, batch: int = 1, state: Any = None, precision: str = "float32") -> RecurrentStream:
        """These layers one step per call, `batch` sequences side by side, from `state` (zeros if None); see `RecurrentStream`.

        It is a snapshot of the weights as they are now. `precision` is "float32" (the weights as they are; of float64 layers in float64)
        or "bf16" (matrices rounded to bfloat16, which halves what a step reads from memory; inputs, sums and states stay in float32).

        Raises:
            InputError: the layers are bidirectional, or a value is out of range. ShapeError: the state does not fit.
            EngineError: the engine asked for by name can't run this cell.
        """
        return stream_of(self, batch, state, precision)

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "engine": "auto",
            "precision": "float32",
            "recurrent_dropout": 0.0,
        }
        parts += [f"{k}={getattr(self, k)!r}" for k, v in defaults.items() if getattr(self, k) != v]
        return ", ".join([f"cell={self.trace.name}", *parts] if type(self) is Recurrent else parts)

    def __getstate__(self) -> dict[str, Any]:
        """Without the generator, which can't be copied; a copy draws from torch's global one until it gets its own."""
        return {
            **self.__dict__,
            "dropout_generator": None,
            "_choices": {},
            "_kept": [{} for _ in range(self.num_layers)],
        }


def suffix(layer: int, direction: int) -> str:
    """`_l0`, `_l0_reverse`, ..."""
    return f"_l{layer}" + ("_reverse" if direction else "")
