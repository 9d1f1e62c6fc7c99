"""What every stream of a language model can do, whatever computes its steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from elman.engines.dispatch import Choice
from elman.errors import InputError, ShapeError
from elman.models.drawing import check_filters
from elman.nn.streaming import into


class LanguageStream(ABC):
    """A language model that reads B texts side by side, a symbol of each per call.

        logits_t, state_t = model(symbol_t, state_{t-1})

    A snapshot: it has the weights as they were when it was made, and later training does not reach it. It runs as in evaluation, without
    dropout, and outside of autograd. One stream is for one thread at a time; any number of streams may run at once.

    Attributes:
        count: B.
        symbols: V, if known.
        engine_used: "fused" (the C++ kernels, with packed weights), or the engine that runs the ordinary module step.
        engine_reason: why.
    """

    symbols: int | None = None

    def __init__(self, count: int, choice: Choice) -> None:
        self.count = count
        self.engine_used, self.engine_reason = choice
        self._begun = False

    def step(self, tokens: Tensor, out: Tensor | None = None) -> Tensor:
        """Read one symbol each, int64 [B]: the logits [B, V] of the next.

        Without `out` they are a tensor of their own, which no later step writes to. Making one takes from half a microsecond to a third of
        the step (wide layers push all else out of the cache); a loop that is done with the logits before the next step saves that with
        `out`, one tensor for all of them.

        Raises:
            ShapeError: another shape or type of tokens or out. InputError: a number that is not a symbol's.
        """
        return into(out, self.read(checked(tokens, (self.count,)).unsqueeze(1)))

    @abstractmethod
    def read(self, tokens: Tensor) -> Tensor:
        """Read several symbols each, int64 [B, T]: the logits [B, V] after the last; errors as for `step`."""

    def generate(self, length: int, **options: Any) -> Tensor:
        """All of `generating` in one tensor, int64 [B, at most length]."""
        pieces = list(self.generating(length, **options))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)

    @abstractmethod
    def generating(
        self,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: torch.Generator,
        stop: int | None = None,
        never: int | None = None,
    ) -> Iterator[Tensor]:
        """Draw the next symbol of each text, read it, and so on: int64 [B, n] at a time, as they come.

        At each step one u, uniform in [0, 1), is drawn for every text from `generator`; its symbol is the first whose cumulative
        probability exceeds u. The same generator gives the same symbols on every engine, and is left in the same state.

        Args:
            length: symbols to draw for each text.
            temperature: see `elman.generation.filter_logits`.
            top_k: as well.
            top_p: as well.
            generator: a CPU generator.
            stop: a symbol that ends a text: what follows it means nothing, and where all texts have ended no more are drawn.
            never: a symbol that is not drawn.

        Raises:
            InputError: a value out of range, or nothing was read yet. NonFiniteError: the logits are NaN or infinite.
        """

    @property
    @abstractmethod
    def state(self) -> Any:
        """A copy of the states, [L, B, H] each: one tensor, or a tuple for cells with several (LSTM: h, c). May be set; None: zeros.

        What was read before is then forgotten: read a symbol before drawing the next.
        """

    @state.setter
    @abstractmethod
    def state(self, given: Any) -> None: ...

    def reset(self) -> None:
        """Back to the beginning: a state of zeros, and nothing read."""
        self.state = None

    def check_options(
        self, length: int, temperature: float, top_k: int | None, top_p: float | None, generator: Any, *special: Any
    ) -> None:
        """Complain of what `generating` can't work with, before it begins."""
        if not isinstance(length, int) or length < 1:
            raise InputError(f"length is 1 or more; got {length}")
        if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
            raise InputError("symbols are drawn from a torch.Generator on the CPU; `generator` is none")
        if not all(symbol is None or isinstance(symbol, int) for symbol in special):
            raise InputError("stop and never are numbers of symbols, or None")
        if self.symbols is not None:
            check_filters(temperature, top_k, top_p, self.symbols)
        if not self._begun:
            raise InputError("a stream draws what follows on what it has read; read at least one symbol first")


def checked(tokens: Any, shape: tuple[int | None, ...], symbols: int | None = None) -> Tensor:
    """Tokens on the CPU, if they fit; None in `shape` is any number, `symbols` is V.

    Raises:
        ShapeError: another shape or type. InputError: a number that is not a symbol's.
    """
    axes = "[texts]" if len(shape) == 1 else "[texts, steps]"
    wanted = f"int64 {axes} = [{', '.join('any' if n is None else str(n) for n in shape)}]"
    if not isinstance(tokens, Tensor) or tokens.dtype != torch.int64 or tokens.layout is not torch.strided:
        got = f"{tokens.dtype}" if isinstance(tokens, Tensor) else type(tokens).__name__
        raise ShapeError(f"tokens are a tensor, {wanted}; got {got}")
    if tokens.dim() != len(shape) or any(n not in (None, have) for n, have in zip(shape, tokens.shape, strict=True)):
        raise ShapeError(f"tokens are {wanted}; got {list(tokens.shape)}")
    if tokens.numel() == 0:
        raise ShapeError(f"tokens are {wanted} with at least one step; got {list(tokens.shape)}")
    found = tokens.cpu()
    if symbols is not None:
        outside = found[(found < 0) | (found >= symbols)]
        if len(outside):
            raise InputError(f"{outside[0].item()} is not a symbol's number: they go from 0 to {symbols - 1}")
    return found
