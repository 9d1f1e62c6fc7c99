"""A stream on the ordinary step of a model, or on any step function: any cell, any device."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from elman.engines.dispatch import Choice
from elman.engines.streaming import round_matrices
from elman.models.drawing import draw, filter_logits
from elman.models.language_stream import LanguageStream, checked
from elman.nn.streaming import StreamState

if TYPE_CHECKING:
    from elman.models.language_model import LanguageModel


class StepFunction(Protocol):
    """One step of a model for B texts: tokens [B] and a state (None at the start) to logits [B, V] and the new state."""

    def __call__(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]: ...  # noqa: D102


class SteppedStream(LanguageStream):
    """On a step function; its state is the function's own."""

    def __init__(self, step: StepFunction, count: int, choice: Choice | None = None) -> None:
        super().__init__(count, choice or Choice("loop", "a step function of Python"))
        self._function = step
        self._state: Any = None
        self._logits = torch.empty(0)

    def read(self, tokens: Tensor) -> Tensor:  # noqa: D102
        for column in checked(tokens, (self.count, None), self.symbols).unbind(1):
            self._logits, self._state = self._function(column, self._state)
            self._begun = True
        return self._logits.clone()

    def generating(  # noqa: D102
        self, length: int, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
        generator: torch.Generator, stop: int | None = None, never: int | None = None,
    ) -> Iterator[Tensor]:  # fmt: skip
        self.check_options(length, temperature, top_k, top_p, generator, stop, never)
        ended = torch.zeros(self.count, dtype=torch.bool)
        for _ in range(length):
            logits = self._logits.cpu()
            if never is not None:
                logits = logits.index_fill(-1, torch.tensor([never]), -torch.inf)
            tokens = draw(filter_logits(logits, temperature, top_k, top_p), generator)
            if stop is not None:
                ended |= tokens == stop
            if not bool(ended.all()):
                self._logits, self._state = self._function(tokens, self._state)
            yield tokens.unsqueeze(1)
            if bool(ended.all()):
                return

    @property
    def state(self) -> Any:  # noqa: D102
        return self._state

    @state.setter
    def state(self, given: Any) -> None:
        self._state, self._begun = given, False


class ModuleLanguageStream(SteppedStream):
    """On a copy of the model itself: any cell, any device."""

    def __init__(
        self, model: LanguageModel, count: int, told: Tensor | None, form: StreamState, choice: Choice, precision: str
    ) -> None:
        network = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
        network.recurrent.engine, network.recurrent.precision = choice.engine, "float32"
        if precision == "bf16":
            round_matrices(network)
        device = form.like.device
        categories = None if told is None else told.to(device)

        @torch.no_grad()
        def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
            return network.step(tokens.to(device), state, categories)

        super().__init__(step, count, choice)
        self.symbols = model.symbols
        self._form = form

    @property
    def state(self) -> Any:  # noqa: D102
        return self._form.joined(self._form.parts(self._state))

    @state.setter
    def state(self, given: Any) -> None:
        self._state, self._begun = None if given is None else self._form.joined(self._form.parts(given)), False
