"""What is measured when a training has ended: the test part, looked at once, and samples with their novelty."""

from __future__ import annotations

from typing import Any

from elman.generation import novelty, sample
from elman.randomness import named_generator
from elman.runs.assembly import Assembly
from elman.runs.loaded import Model


def measure(model: Model, assembly: Assembly, seconds: float) -> dict[str, Any]:
    """The contents of results.json, all but deterministic: only `seconds` differs from run to run."""
    recipe, parts = assembly.recipe, assembly.parts
    score = model.score_part(parts.test, recipe.training.batch_size)
    return {
        "test": score.to_json(),
        "samples": [sample_table(model, assembly, top_k) for top_k in (*recipe.sample.top_k, None)],
        "seconds": seconds,
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "corpus": {
            "title": assembly.corpus.title,
            "digest": assembly.corpus.digest,
            "notes": list(assembly.corpus.notes),
            "train": len(parts.train.lines or parts.train.text),
            "validation": len(parts.validation.lines or parts.validation.text),
            "test": len(parts.test.lines or parts.test.text),
            "symbols": assembly.vocabulary.size,
        },
    }


def sample_table(model: Model, assembly: Assembly, top_k: int | None) -> dict[str, Any]:
    """Samples for one top-k, each with whether it is new; the shares over many more samples than are shown, for lines."""
    settings, training = assembly.recipe.sample, assembly.parts.train
    k = None if top_k is None else min(top_k, model.vocabulary.size)
    count = 200 if training.lines else settings.count
    generator = named_generator(assembly.recipe.training.seed, f"samples top_k={top_k}")
    categories = model.draw_categories(None, count, generator)
    texts = sample(
        model.stream(count, categories), model.vocabulary, prompt=settings.prompt, count=count, length=settings.length,
        temperature=settings.temperature, top_k=k, top_p=None, generator=generator,
    )  # fmt: skip
    told = novelty(texts, training.lines or training.text)
    items = [{**item, "category": None if categories is None else categories[i]} for i, item in enumerate(told.items)]
    return {
        "top_k": top_k,
        "temperature": settings.temperature,
        "items": items[: settings.count],
        "drawn": count,
        "share_new": told.share_new,
        "repetition": told.repetition,
        "longest_copied_span": told.longest_copied_span,
        "mean_copied_span": told.mean_copied_span,
    }
