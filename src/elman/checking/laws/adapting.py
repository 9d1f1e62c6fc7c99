"""A module behind the laws' face: our own kinds and torch's, of which it is known how they are called; others in `foreign`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

from elman.checking.laws.copying import copied
from elman.checking.laws.foreign import foreign, padded_batch
from elman.checking.laws.subject import Answer, Sequences, Subject
from elman.models import ClassificationModel, LanguageModel
from elman.nn import Recurrent


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
    if not isinstance(module, (Recurrent, nn.RNNBase, ClassificationModel, LanguageModel)):
        return foreign(module, name, inputs, batch_first)
    module = copied(module)
    if isinstance(module, (Recurrent, nn.RNNBase)):
        return _layer(module, name)
    if isinstance(module, ClassificationModel):
        return _classifier(module, name)
    return _language_model(module, name)


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
        return Answer(list(module(padded_batch(sequences, padding), lengths)))

    both = module.settings.bidirectional
    return Subject(
        name, module, ask, module.symbols, None, stepwise=False, carries=False, ragged=True, both=both, causal=False
    )


def _language_model(module: LanguageModel, name: str) -> Subject:
    told = torch.zeros(1, dtype=torch.int64) if module.categories else None

    def ask(sequences: Sequences, state: Any, padding: int | None) -> Answer:
        tokens = padded_batch(sequences, padding)
        outputs, final = module(tokens, state, None if told is None else told.expand(len(tokens)))
        return Answer([row[: len(s)] for row, s in zip(outputs, sequences, strict=True)], final)

    return Subject(
        name, module, ask, module.symbols, None, stepwise=True, carries=True, ragged=False, both=False, causal=True
    )


def _unpacked(outputs: PackedSequence) -> list[Tensor]:
    padded, lengths = pad_packed_sequence(outputs, batch_first=True)
    return [row[:n] for row, n in zip(padded, lengths.tolist(), strict=True)]
