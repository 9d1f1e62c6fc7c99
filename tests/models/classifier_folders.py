"""Model folders of every shape that classifies, as Elman writes them."""

from __future__ import annotations

from typing import Any

import torch

from elman.models import ModelSettings, make_model, model_files

CLASSES = ("calm", "loud", "odd")
TOKENISER = {"units": "words", "lower": True, "punctuation": False, "cut_at": None}
WORDS: dict[str, Any] = {
    "units": "words", "boundary": True, "symbols": ["", "<unknown>", "the", "bang", "still", "night"], "tokeniser": TOKENISER,
}  # fmt: skip
TERMS: dict[str, Any] = {
    "features": "tf-idf", "ngrams": 2, "normalise": True, "terms": ["the", "bang", "the night"], "idf": [1.0, 1.5, 2.25],
    "tokeniser": TOKENISER,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "classifier": {
        "embedding": 4,
        "hidden": 3,
        "layers": 2,
        "bidirectional": True,
        "pooling": "attention",
        "normalise": True,
    },
    "average": {"embedding": 4, "hidden_layers": [3], "normalise": True, "activation": "softsign"},
    "bag-of-words": {"hidden_layers": [3], "normalise": True, "features": "tf-idf", "ngrams": 2},
}


def vocabulary_of(shape: str) -> dict[str, Any]:
    return TERMS if shape == "bag-of-words" else WORDS


def model_of(shape: str, **more: Any) -> Any:
    symbols = len(vocabulary_of(shape).get("terms") or WORDS["symbols"])
    settings = ModelSettings(**{"shape": shape, **SHAPES[shape], **more})
    return make_model(settings, symbols, len(CLASSES), torch.Generator().manual_seed(1)).eval()


def files_of(shape: str, **more: Any) -> dict[str, bytes]:
    facts = {"title": "Tones", "classes": list(CLASSES), "corpus": {"title": "tones", "digest": "00"}}
    return model_files(model_of(shape, **more), vocabulary_of(shape), facts)
