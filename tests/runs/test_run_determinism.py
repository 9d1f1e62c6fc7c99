"""What a seed decides, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_run
import tiny_texts
import torch
from tiny_run import digest, weights

from elman.cells import names
from elman.recipes.builtin_names import builtin_names
from elman.recipes.reading import read_recipe, recipe_to_toml


@pytest.mark.parametrize("kind", ["categories", "text"])
def test_the_same_seed_the_same_bytes(kind: str, tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data", kind)
    first = tiny_run.train(made, run=tmp_path / "a", seed=7)
    torch.manual_seed(123)
    torch.rand(5)
    second = tiny_run.train(made, run=tmp_path / "b", seed=7)
    third = tiny_run.train(made, run=tmp_path / "c", seed=8)
    assert digest(first.path) == digest(second.path)
    results = [{k: v for k, v in run.results.items() if k != "seconds"} for run in (first, second)]
    assert results[0] == results[1]
    assert weights(third.path) != weights(first.path)


def test_training_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "run")
    assert torch.equal(before, torch.get_rng_state())


def test_an_other_size_keeps_the_order_of_the_data(tmp_path: Path) -> None:
    """Randomness has names: a larger model draws more at its start and shuffles the same."""
    order: dict[int, list[float]] = {}
    for hidden in (8, 9):
        made = tiny_run.recipe(tmp_path / "data", model__hidden=hidden, training__rate=1e-12)
        counts: list[int] = []

        class Listener(tiny_run.Counting):
            def stepped(self, step: int, loss: float, rate: float, symbols: int, counts: list[int] = counts) -> None:
                counts.append(symbols)

        tiny_run.train(made, run=tmp_path / str(hidden), listener=Listener())
        order[hidden] = counts
    assert order[8] == order[9]
    assert len(set(order[8])) > 1


@pytest.mark.parametrize("cell", names())
def test_every_cell_trains(cell: str, tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data", model__cell=cell, model__layers=2)
    run = tiny_run.train(made, run=tmp_path / "run")
    first, last = run.metrics[0], run.metrics[-1]
    assert last["train_nats"] < first["train_nats"]
    assert len(run.model().sample(seed=1, count=3)) == 3


@pytest.mark.parametrize(
    "settings",
    [{"embedding": 6}, {"bias": False}, {"init": "orthogonal"}, {"init": "xavier"}, {"dropout": 0.5}],
    ids=str,
)
def test_every_model_setting_trains(settings: dict[str, Any], tmp_path: Path) -> None:
    run = tiny_run.train(
        tiny_run.recipe(tmp_path / "data", **{f"model__{k}": v for k, v in settings.items()}), run=tmp_path / "run"
    )
    assert run.metrics[-1]["train_nats"] < run.metrics[0]["train_nats"]


@pytest.mark.parametrize("name", [n for n in builtin_names() if read_recipe(n).model.shape == "language-model"])
def test_every_built_in_language_recipe_runs_on_a_little_data(name: str, tmp_path: Path) -> None:
    """With everything of its own but the size, the time and the amount of data."""
    kind = "text" if name in ("shakespeare", "shakespeare-long", "code") else "categories"
    section = tiny_run.write_data(tmp_path / "data", kind)
    path = Path(section["path"])
    if name == "code":
        path = path.rename(path.with_suffix(".py"))
    run = tiny_run.train(name, run=tmp_path / "run", data=path, epochs=1, hidden=8, batch_size=4, length=10)
    assert run.outcome.reason == "epochs"
    assert run.results["test"]["count"] > 0
    assert [table["top_k"] for table in run.results["samples"]] == [1, 3, 5, None]


@pytest.mark.parametrize("name", [n for n in builtin_names() if read_recipe(n).model.shape != "language-model"])
def test_every_built_in_recipe_that_classifies_runs_on_a_little_data(name: str, tmp_path: Path) -> None:
    """Likewise; a source's own texts are replaced by a table."""
    model = read_recipe(name).model
    smaller: dict[str, Any] = {"hidden": 8} if model.shape == "classifier" else {}
    smaller |= {"embedding": 8} if model.embedding else {}
    smaller |= {"hidden_layers": [8]} if model.hidden_layers else {}
    table = tiny_texts.write_table(tmp_path / "texts.csv")
    run = tiny_run.train(name, run=tmp_path / "run", data=table, epochs=1, batch_size=8, settings=smaller)
    assert run.outcome.reason == "epochs"
    assert run.results["classes"] == list(tiny_texts.TONES)
    assert sum(map(sum, run.results["confusion"])) == run.results["test"]["count"] > 0
    assert run.results["epochs"] == {"trained": 1, "best": 1}


def test_the_shorthands_of_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`size`, bare keys, dotted keys, defaults for the folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(recipe_to_toml(tiny_run.recipe(tmp_path / "data")), "utf-8")
    run = tiny_run.train("mine.toml", size="tiny", epochs=1, **{"training.rate": 0.01})
    assert run.path == Path("runs/mine")
    model = run.model().network
    assert (model.settings.hidden, model.settings.layers) == (64, 1)
    assert run.metrics[0]["rate"] == 0.01
    assert tiny_run.train("mine.toml", hidden=8, epochs=1).path == Path("runs/mine-2")
    assert tiny_run.train(Path("mine.toml"), epochs=1, run="elsewhere/deep/run").path == Path("elsewhere/deep/run")
