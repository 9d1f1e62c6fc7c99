"""A stream on the C++ kernels: packed weights, and many steps in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from elman.engines.dispatch import Choice
from elman.engines.streaming import Symbols, open_stream, rounded
from elman.errors import NonFiniteError
from elman.models.drawing import NOTHING_TO_DRAW
from elman.models.language_stream import LanguageStream, checked
from elman.nn.streaming import KernelState, StreamState

if TYPE_CHECKING:
    from elman.models.language_model import LanguageModel

#: The input maps of all symbols are tabulated where they are at most this many numbers; else the embedding is multiplied at every step.
LARGEST_TABLE = 1 << 23
#: The kernels come back after this many seconds, so that a long text can be shown while it grows, and interrupted.
SLICE = 0.05
#: Uniform numbers that are drawn at a time.
UNIFORMS = 1 << 16


class FusedLanguageStream(LanguageStream):
    """On the C++ kernels: one call makes many steps."""

    symbols: int

    def __init__(
        self, model: LanguageModel, count: int, told: Tensor | None, form: StreamState, choice: Choice, precision: str
    ) -> None:
        super().__init__(count, choice)
        self.symbols = model.symbols
        layers = model.recurrent
        weights: list[dict[str, Tensor]] = [dict(layers.weights_of(layer, 0)) for layer in range(layers.num_layers)]
        symbols, inputs = _symbols(model, weights[0], told, precision)
        self._kernel = open_stream(layers.trace, weights, count, precision, inputs=inputs, symbols=symbols)
        self._inside = KernelState(self._kernel, form)
        self._blank = form.like.new_empty(count, self.symbols)
        self._kernel.give_results_as(self._blank, torch.empty_like)
        self._step = self._kernel.step

    def step(self, tokens: Tensor, out: Tensor | None = None) -> Tensor:  # noqa: D102
        logits: Tensor | None = self._step(tokens, out)
        if logits is None:
            return super().step(tokens, out)
        self._begun = True
        return logits

    def read(self, tokens: Tensor) -> Tensor:  # noqa: D102
        columns = checked(tokens, (self.count, None), self.symbols).t().contiguous()
        made = 0
        while made < len(columns):
            made += self._kernel.read(columns[made:].data_ptr(), len(columns) - made, SLICE)
            self._begun = True
        logits = torch.empty_like(self._blank)
        self._kernel.logits(logits.data_ptr())
        return logits

    def generating(  # noqa: D102
        self, length: int, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
        generator: torch.Generator, stop: int | None = None, never: int | None = None,
    ) -> Iterator[Tensor]:  # fmt: skip
        self.check_options(length, temperature, top_k, top_p, generator, stop, never)
        filters = (float(temperature), top_k or 0, 1.0 if top_p is None else float(top_p))
        special = tuple(-1 if symbol is None else symbol for symbol in (never, stop))
        ended = torch.zeros(self.count, dtype=torch.uint8)
        finished = False
        while length > 0 and not finished:
            before = generator.get_state()
            steps = min(length, max(1, UNIFORMS // self.count))
            uniforms = torch.rand(steps, self.count, generator=generator, dtype=torch.float64)
            tokens = torch.empty(steps, self.count, dtype=torch.int64)
            made = 0
            try:
                while made < steps and not finished:
                    row = made * self.count * 8
                    new, finished, broken = self._kernel.draw(
                        tokens.data_ptr() + row, steps - made, uniforms.data_ptr() + row, ended.data_ptr(),
                        *filters, *special, SLICE,
                    )  # fmt: skip
                    made += new
                    if new > 0:
                        yield tokens[made - new : made].t()
                    if broken:
                        raise NonFiniteError(NOTHING_TO_DRAW)
            finally:
                if made < steps:  # leave the generator as if each number had been drawn when it was needed
                    generator.set_state(before)
                    torch.rand(made, self.count, generator=generator, dtype=torch.float64)
            length -= made

    @property
    def state(self) -> Any:  # noqa: D102
        return self._inside.get()

    @state.setter
    def state(self, given: Any) -> None:
        self._inside.set(given)
        self._begun = False


def _symbols(
    model: LanguageModel, first: dict[str, Tensor], told: Tensor | None, precision: str
) -> tuple[Symbols, int]:
    """What symbols are to the first layer, and how many inputs it then has. The columns of its matrix that are not needed are cut off."""
    head = model.output
    with torch.no_grad():
        embedding = None if model.embedding is None else model.embedding.weight.detach()
        width = model.symbols if embedding is None else embedding.shape[1]
        if "weight_ih" not in first:  # the cell does not read its input
            nothing = head.weight.new_empty(0)
            table = nothing.new_empty(model.symbols, 0)
            return Symbols(table, None, None, head.weight, head.bias), width
        whole = first["weight_ih"].detach()
        whole = rounded(whole) if precision == "bf16" else whole
        first["weight_ih"] = of_symbol = whole[:, :width]
        added = None if told is None else whole[:, width:].t()[told]
        if embedding is None:
            return Symbols(of_symbol.t(), None, added, head.weight, head.bias), width
        if model.symbols * whole.shape[0] <= LARGEST_TABLE:
            return Symbols(embedding @ of_symbol.t(), None, added, head.weight, head.bias), width
        return Symbols(None, embedding, added, head.weight, head.bias), width
