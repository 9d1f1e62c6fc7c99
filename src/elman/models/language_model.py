"""The language model: s_t = R(x_t, s_{t-1}), y_t = O(s_t); each symbol is predicted from those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.engines.head import nats_of_rows
from elman.models.language_stream import LanguageStream
from elman.models.making import make_cell
from elman.models.settings import ModelSettings
from elman.models.streaming import language_stream_of
from elman.nn import Recurrent, dropout, initialise
from elman.randomness import named_generator

_PADDING = -1  # a target that does not count


class LanguageModel(nn.Module):
    """Symbol (one-hot or embedded), recurrent layers, affine output; optionally told a category at every step.

    Letters: B sequences, T steps, V symbols, C categories.

    Args:
        settings: shape and start.
        symbols: V.
        categories: C; 0 for a model that is told none.
        generator: draws the starting weights; None: always the same ones.

    Raises:
        InputError, CellError: unknown cell, or a cell text that does not hold together.

    Source: the form of Goldberg 2017; the category as an extra one-hot input at each step.
    """

    def __init__(
        self, settings: ModelSettings, symbols: int, categories: int = 0, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.symbols = symbols
        self.categories = categories
        generator = generator or named_generator(0, "init")
        # Made without torch's own starting weights, which it would draw from the global generator.
        embed = settings.embedding
        self.embedding = nn.Embedding(symbols, embed, _weight=torch.empty(symbols, embed)) if embed else None
        inputs = (settings.embedding or symbols) + categories
        between = settings.dropout if settings.layers > 1 else 0.0
        self.recurrent = Recurrent(
            make_cell(settings), inputs, settings.hidden, settings.layers, settings.bias,
            batch_first=True, dropout=between, recurrent_dropout=settings.recurrent_dropout, engine=settings.engine,
            precision=settings.precision, generator=generator,
        )  # fmt: skip
        self.output = nn.Linear(settings.hidden, symbols, device="meta")
        if not torch.empty(0).is_meta:
            self.output.to_empty(device="cpu")
        self._start(generator)

    @torch.no_grad()
    def _start(self, generator: torch.Generator) -> None:
        s = self.settings
        if self.output.weight.is_meta:  # shapes without numbers, for a model that is about to be loaded
            return
        initialise(self.recurrent, s.init, generator=generator, scale=s.init_scale, forget_bias=s.forget_bias)
        if self.embedding is not None:
            self.embedding.weight.normal_(generator=generator)
        bound = 1 / math.sqrt(s.hidden)
        for parameter in self.output.parameters():
            parameter.uniform_(-bound, bound, generator=generator)

    def draw_dropout_from(self, generator: torch.Generator) -> None:
        """Use this generator for all dropout masks."""
        self.recurrent.dropout_generator = generator

    def inputs(self, tokens: Tensor, categories: Tensor | None) -> Tensor:
        """What the recurrent layers read: [B, T, embedding or V, + C] from tokens [B, T] and categories [B]."""
        dtype = self.output.weight.dtype
        x = self.embedding(tokens) if self.embedding else functional.one_hot(tokens, self.symbols).to(dtype)
        if self.categories and categories is not None:
            told = functional.one_hot(categories, self.categories).to(dtype)
            x = torch.cat([x, told[:, None].expand(-1, tokens.shape[1], -1)], -1)
        return x

    def hidden(self, tokens: Tensor, state: Any = None, categories: Tensor | None = None) -> tuple[Tensor, Any]:
        """Outputs [B, T, H] of the last recurrent layer, with dropout in training, and the final state."""
        told = categories if self.categories else None
        complete = told is not None or not self.categories
        readable = self.symbols * max(self.categories, 1)
        if complete and tokens.numel() > 2 * readable:  # each of them comes again and again
            like = self.output.weight
            one_hot = partial(torch.eye, dtype=like.dtype, device=like.device)
            inputs = self.embedding.weight if self.embedding else one_hot(self.symbols)
            besides = None if told is None else (told, one_hot(self.categories))
            outputs, state = self.recurrent.read(tokens, inputs, state, besides)
        else:
            outputs, state = self.recurrent(self.inputs(tokens, categories), state)
        if self.training:
            in_memory = outputs.transpose(0, 1)  # step after step
            outputs = dropout(in_memory, self.settings.dropout, self.recurrent.dropout_generator).transpose(0, 1)
        return outputs, state

    def forward(self, tokens: Tensor, state: Any = None, categories: Tensor | None = None) -> tuple[Tensor, Any]:
        """Logits [B, T, V] of the next symbol after each, and the final state."""
        outputs, state = self.hidden(tokens, state, categories)
        return self.output(outputs), state

    def nats(
        self, tokens: Tensor, targets: Tensor, lengths: Tensor, state: Any = None, categories: Tensor | None = None
    ) -> tuple[Tensor, int, Any]:
        """The loss of a batch as a sum and a count.

            sum over real targets of -ln p(target | symbols before it)

        Args:
            tokens: [B, T]; what lies beyond a sequence's length is padding and does not count.
            targets: [B, T], what follows each token.
            lengths: [B].
            state: initial state, or None.
            categories: [B], or None.

        Returns:
            The sum of nats, how many targets it is over, and the final state.
        """
        outputs, state = self.hidden(tokens, state, categories)
        count = int(lengths.sum())
        if count < tokens.numel():
            real = torch.arange(tokens.shape[1]) < lengths[:, None]
            targets = targets.where(real.to(targets.device), _PADDING)
        rows = outputs.transpose(0, 1).reshape(tokens.numel(), -1)  # step after step, as the layers wrote them
        targets = targets.T.reshape(-1)
        if self.recurrent.engine_used == "fused" and not torch.compiler.is_compiling():
            nats = nats_of_rows(rows, self.output.weight, self.output.bias, targets)
        else:
            nats = functional.cross_entropy(self.output(rows), targets, reduction="sum", ignore_index=_PADDING)
        return nats, count, state

    def step(self, tokens: Tensor, state: Any, categories: Tensor | None = None) -> tuple[Tensor, Any]:
        """One symbol each: logits [B, V] and the new state from tokens [B]."""
        logits, state = self(tokens[:, None], state, categories)
        return logits[:, 0], state

    def stream(
        self, count: int = 1, categories: Sequence[int] | Tensor | None = None, precision: str = "float32"
    ) -> LanguageStream:
        """A stream of `count` texts: a symbol of each per call, or whole texts in one; see `LanguageStream`.

        It is a snapshot of the weights as they are now. With the kernels it reads packed weights; where they can't run this model, the
        stream runs the ordinary step and says so (`.engine_used`).

        Args:
            count: texts side by side, B.
            categories: of each text, [B], for a model that is told one.
            precision: "float32": the weights as they are (of a float64 model in float64); "bf16": matrices rounded to bfloat16, which
                halves what a step reads from memory, for models that outgrow the cache. Inputs, sums and states stay in float32.

        Raises:
            InputError: a value out of range. EngineError: the engine asked for by name can't run this model.
        """
        return language_stream_of(self, count, categories, precision)
