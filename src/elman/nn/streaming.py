"""`Recurrent.stream()`: recurrent layers one step per call, with a state of their own."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from elman.engines import dispatch
from elman.engines.streaming import check_stored, open_stream, round_matrices
from elman.errors import InputError, ShapeError

if TYPE_CHECKING:
    from elman.nn.recurrent import Recurrent


class StreamState:
    """States [L, B, H] in the cell's order, in torch.nn's form: one tensor, or a tuple for cells with several."""

    def __init__(self, names: tuple[str, ...], shape: tuple[int, int, int], like: Tensor) -> None:
        self.names = names
        self.shape = shape
        self.like = like.detach().new_empty(0)

    def new(self) -> list[Tensor]:
        """Zeros."""
        return [self.like.new_zeros(self.shape) for _ in self.names]

    def parts(self, given: Any) -> list[Tensor]:
        """What was given, checked, as tensors of its own; zeros if None.

        Raises:
            ShapeError: another number of states, shape, dtype or device.
        """
        if given is None:
            return self.new()
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        wanted = f"{' and '.join(self.names)}, each {list(self.shape)} of {self.like.dtype} on {self.like.device}"
        if len(parts) != len(self.names) or not all(isinstance(p, Tensor) for p in parts):
            raise ShapeError(f"a stream's state is {wanted}; got {len(parts)} part(s)")
        for name, part in zip(self.names, parts, strict=True):
            if tuple(part.shape) != self.shape or part.dtype != self.like.dtype or part.device != self.like.device:
                raise ShapeError(
                    f"a stream's state is {wanted}; {name} is {list(part.shape)} of {part.dtype} on {part.device}"
                )
        return [p.detach().clone(memory_format=torch.contiguous_format) for p in parts]

    def joined(self, parts: Sequence[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """In torch.nn's form."""
        return tuple(parts) if len(self.names) > 1 else parts[0]


class KernelState:
    """A state that lies in a C++ stream."""

    def __init__(self, kernel: Any, form: StreamState) -> None:
        self.kernel = kernel
        self.form = form

    def get(self) -> Any:
        """A copy."""
        parts = self.form.new()
        self.kernel.get_state([p.data_ptr() for p in parts])
        return self.form.joined(parts)

    def set(self, given: Any) -> None:
        """Copies what is given; zeros if None."""
        parts = [] if given is None else self.form.parts(given)
        self.kernel.set_state([p.data_ptr() for p in parts])


class RecurrentStream(ABC):
    """Recurrent layers, B sequences side by side, one step per call.

        output_t, state_t = layers(x_t, state_{t-1})

    A snapshot: it has the weights as they were when it was made, and later training does not reach it. It runs as in evaluation, without
    dropout, and outside of autograd. One stream is for one thread at a time; any number of streams may run at once.

    Attributes:
        batch: B.
        engine_used: "fused" (the C++ kernels, with packed weights), or the engine that runs the ordinary module step.
        engine_reason: why.
    """

    def __init__(self, batch: int, inputs: int, form: StreamState, choice: dispatch.Choice) -> None:
        self.batch = batch
        self.engine_used, self.engine_reason = choice
        self._shape = torch.Size((batch, inputs))
        self._form = form
        self._dtype = form.like.dtype
        self._result = (batch, form.shape[2])

    @abstractmethod
    def step(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """One step: output [B, H] of the last layer from x [B, I].

        Without `out` it is a tensor of its own, which no later step writes to. Making one takes from half a microsecond to a third of the
        step (wide layers push all else out of the cache); a loop that is done with each output before the next step saves that with `out`,
        one tensor for all of them.

        Raises:
            ShapeError: x or out has another shape. InputError: another dtype or device than the weights.
        """

    @property
    @abstractmethod
    def state(self) -> Any:
        """A copy of the states, [L, B, H] each: one tensor, or a tuple for cells with several (LSTM: h, c). May be set; None: zeros."""

    @state.setter
    @abstractmethod
    def state(self, given: Any) -> None: ...

    def reset(self) -> None:
        """Back to a state of zeros."""
        self.state = None

    def _checked(self, x: Any) -> Tensor:
        """What the fast test of `step` did not let through: made to fit, or refused."""
        if not isinstance(x, Tensor) or x.layout is not torch.strided or x.shape != self._shape:
            found = list(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ShapeError(
                f"a step of this stream reads a tensor [sequences, inputs] = {list(self._shape)}; got {found}"
            )
        if x.dtype is not self._dtype or x.device != self._form.like.device:
            raise InputError(
                f"the stream's weights are {self._dtype} on {self._form.like.device}; x is {x.dtype} on {x.device}"
            )
        return x.detach().resolve_neg().contiguous()


class FusedStream(RecurrentStream):
    """On the C++ kernels."""

    def __init__(
        self, layers: Recurrent, batch: int, form: StreamState, choice: dispatch.Choice, precision: str
    ) -> None:
        super().__init__(batch, layers.input_size, form, choice)
        weights = [layers.weights_of(layer, 0) for layer in range(layers.num_layers)]
        self._kernel = open_stream(layers.trace, weights, batch, precision, inputs=layers.input_size)
        self._kernel.give_results_as(form.like.new_empty(batch, layers.hidden_size), torch.empty_like)
        self._step = self._kernel.step
        self._inside = KernelState(self._kernel, form)

    def step(self, x: Tensor, out: Tensor | None = None) -> Tensor:  # noqa: D102
        y: Tensor | None = self._step(x, out)
        if y is not None:
            return y
        x, y = self._checked(x), self._form.like.new_empty(self._result)
        self._kernel.step_at(x.data_ptr(), y.data_ptr())
        return into(out, y)

    @property
    def state(self) -> Any:  # noqa: D102
        return self._inside.get()

    @state.setter
    def state(self, given: Any) -> None:
        self._inside.set(given)


class ModuleStream(RecurrentStream):
    """On a copy of the module itself: any cell, any device."""

    def __init__(
        self, layers: Recurrent, batch: int, form: StreamState, choice: dispatch.Choice, precision: str
    ) -> None:
        super().__init__(batch, layers.input_size, form, choice)
        self._layers = copy.deepcopy(layers).eval().requires_grad_(requires_grad=False)
        self._layers.engine, self._layers.precision = choice.engine, "float32"
        if precision == "bf16":
            round_matrices(self._layers)
        self._now = form.new()

    @torch.no_grad()
    def step(self, x: Tensor, out: Tensor | None = None) -> Tensor:  # noqa: D102
        time = 1 if self._layers.batch_first else 0
        output, state = self._layers(self._checked(x).unsqueeze(time), self._form.joined(self._now))
        self._now = list(state) if isinstance(state, tuple) else [state]
        return into(out, output.squeeze(time))

    @property
    def state(self) -> Any:  # noqa: D102
        return self._form.joined([s.clone() for s in self._now])

    @state.setter
    def state(self, given: Any) -> None:
        self._now = self._form.parts(given)


def into(out: Tensor | None, result: Tensor) -> Tensor:
    """The result, in `out` if there is one.

    Raises:
        ShapeError: `out` is not a tensor of the result's shape and dtype.
    """
    if out is None:
        return result
    if (
        not isinstance(out, Tensor)
        or out.shape != result.shape
        or out.dtype != result.dtype
        or out.device != result.device
    ):
        got = f"{list(out.shape)} of {out.dtype} on {out.device}" if isinstance(out, Tensor) else type(out).__name__
        raise ShapeError(f"out is to hold {list(result.shape)} of {result.dtype} on {result.device}; got {got}")
    with torch.no_grad():
        return out.copy_(result)


def stream_of(layers: Recurrent, batch: int, state: Any, precision: str) -> RecurrentStream:
    """See `Recurrent.stream`."""
    if layers.bidirectional:
        raise InputError(
            "a bidirectional layer reads each sequence from its end too, so it can't be streamed step by step"
        )
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise InputError(f"batch is how many sequences run side by side, 1 or more; got {batch!r}")
    like = next(iter(layers.weights_of(0, 0).values()))
    check_stored(precision, like.dtype)
    choice = dispatch.choose(layers.engine, layers.trace, dtype=like.dtype, device=like.device)
    form = StreamState(layers.trace.state, (layers.num_layers, batch, layers.hidden_size), like)
    made = (FusedStream if choice.engine == "fused" else ModuleStream)(layers, batch, form, choice, precision)
    if state is not None:
        made.state = state
    return made
