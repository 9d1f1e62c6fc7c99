"""A classifier from its recipe to its results: every figure of a run follows from its predictions, its log and its data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_run
import tiny_texts
import torch
from tiny_run import digest, weights
from tiny_texts import SHAPES, TONES

import elman
from elman.data import LabelledSplit, load_labelled, split_labelled
from elman.errors import ElmanError, InputError
from elman.recipes.recipe import Recipe
from elman.runs.assembly import assemble
from elman.runs.classification import ClassificationAssembly
from elman.runs.evaluation import evaluate_file, evaluate_part
from elman.runs.training import Run
from elman.training import TrainingSettings
from elman.training.step import train_step

Done = tuple[Recipe, Run]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Done]:
    """`trained(shape)`: its recipe and a finished run, for reading only."""
    done: dict[str, Done] = {}

    def get(shape: str) -> Done:
        if shape not in done:
            folder = tmp_path_factory.mktemp(shape.replace(" ", "-"))
            made = tiny_texts.recipe(folder / "data", shape, training__watch_test=shape == "average")
            done[shape] = made, tiny_run.train(made, run=folder / "run")
        return done[shape]

    return get


def parts_of(recipe: Recipe) -> LabelledSplit:
    return split_labelled(load_labelled(recipe.data), recipe.data, recipe.training.seed)


@pytest.mark.parametrize("shape", SHAPES)
def test_results_follow_from_predictions(shape: str, trained: Callable[[str], Done]) -> None:
    recipe, run = trained(shape)
    results, parts = run.results, parts_of(recipe)
    told = json.loads((run.path / "predictions.json").read_text("utf-8"))
    assert told["part"] == "test"
    assert told["labels"] == list(parts.test.labels)
    assert results["classes"] == sorted(TONES)
    pairs = list(zip(told["labels"], told["predicted"], strict=True))
    assert results["confusion"] == [[pairs.count((a, b)) for b in range(3)] for a in range(3)]
    test = results["test"]
    assert test["count"] == len(pairs) == len(parts.test)
    assert test["correct"] == sum(a == b for a, b in pairs)
    assert test["accuracy"] == test["correct"] / test["count"]
    assert test["nats_per_text"] == test["nats"] / test["count"]

    said = run.model().predict(parts.test.texts)
    assert [results["classes"].index(p.label) for p in said] == told["predicted"]
    assert [p.probability for p in said] == pytest.approx(told["probability"], abs=1e-5)
    own = [p.probabilities[results["classes"][label]] for p, label in zip(said, told["labels"], strict=True)]
    assert test["nats"] == pytest.approx(-sum(map(math.log, own)), rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_results_follow_from_the_log(shape: str, trained: Callable[[str], Done]) -> None:
    recipe, run = trained(shape)
    results, rows, parts = run.results, run.metrics, parts_of(recipe)
    best = [row for row in rows if row["best"]][-1]
    for name, key in (("validation", "validation"), *([("test", "test")] if recipe.training.watch_test else [])):
        assert results[name]["count"] == best[f"{key}_count"] == len(getattr(parts, name))
        assert results[name]["correct"] == best[f"{key}_correct"]
        assert results[name]["nats"] == pytest.approx(best[f"{key}_nats"], rel=1e-5)
    assert [row["train_count"] for row in rows] == [len(parts.train)] * 3
    assert all(0 <= row["train_correct"] <= row["train_count"] for row in rows)
    assert results["train"]["count"] == len(parts.train)
    assert results["epochs"] == {"trained": 3, "best": best["epoch"]}
    assert rows[-1]["train_nats"] < rows[0]["train_nats"]
    assert results["train"]["accuracy"] > 0.4, "a third is chance"
    assert ("test_nats" in rows[0]) == recipe.training.watch_test


@pytest.mark.parametrize("shape", SHAPES)
def test_results_follow_from_the_data(shape: str, trained: Callable[[str], Done]) -> None:
    recipe, run = trained(shape)
    results, parts = run.results, parts_of(recipe)
    assert {name: results["corpus"][name] for name in parts.parts()} == {n: len(p) for n, p in parts.parts().items()}
    assert any("1 of 90 texts are empty" in note for note in results["corpus"]["notes"])
    network = run.model().network
    assert results["parameters"] == sum(p.numel() for p in network.parameters())
    assert results["corpus"]["symbols"] == network.symbols
    assert results["tokens_per_second"] > 0
    assert results["shape"] == recipe.model.shape


@pytest.mark.parametrize("shape", SHAPES)
def test_mistakes_are_the_surest_wrong_answers(shape: str, trained: Callable[[str], Done]) -> None:
    recipe, run = trained(shape)
    results, texts = run.results, parts_of(recipe).test
    told = json.loads((run.path / "predictions.json").read_text("utf-8"))
    wrong = [k for k in range(len(texts)) if told["labels"][k] != told["predicted"][k]]
    wrong.sort(key=lambda k: -told["probability"][k])
    names = results["classes"]
    assert results["mistakes"] == [
        {
            "text": texts.texts[k], "place": texts.places[k], "label": names[told["labels"][k]],
            "predicted": names[told["predicted"][k]], "probability": told["probability"][k],
        }
        for k in wrong[:20]
    ]  # fmt: skip


def test_a_bag_of_single_words_loses_nothing_when_they_are_shuffled(trained: Callable[[str], Done]) -> None:
    results = trained("bag")[1].results
    assert results["shuffled"] == pytest.approx(results["test"], rel=1e-5)
    for shape in ("both directions", "deep bag"):
        results = trained(shape)[1].results
        assert results["shuffled"]["count"] == results["test"]["count"]
        assert results["shuffled"]["nats"] != pytest.approx(results["test"]["nats"], rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_evaluated_again(shape: str, trained: Callable[[str], Done], tmp_path: Path) -> None:
    """The part by its name, and the same texts out of a file."""
    recipe, run = trained(shape)
    results = run.results
    for name in ("train", "validation", "test"):
        said = evaluate_part(run.path, name)
        assert {key: said[key] for key in results[name]} == pytest.approx(results[name], rel=1e-5)
    assert said["confusion"] == results["confusion"]
    texts = parts_of(recipe).test
    file = tmp_path / "test.jsonl"
    lines = [
        json.dumps({"text": text, "stars": results["classes"][label]})
        for text, label in zip(texts.texts, texts.labels, strict=True)
    ]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    said = evaluate_file(run.path, file, settings={"label_column": "stars"})
    assert {key: said[key] for key in results["test"]} == pytest.approx(results["test"], rel=1e-5)
    assert said["confusion"] == results["confusion"]
    if shape == "bag":
        assert evaluate_part(run.path, "test", shuffled=True)["correct"] == results["test"]["correct"]


@pytest.mark.parametrize("shape", ["both directions", "deep bag"])
def test_the_same_seed_the_same_bytes(shape: str, trained: Callable[[str], Done], tmp_path: Path) -> None:
    recipe, run = trained(shape)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = tiny_run.train(recipe, run=tmp_path / "again")
    assert torch.equal(before, torch.get_rng_state())
    assert digest(again.path) == digest(run.path)
    assert weights(tiny_run.train(recipe, run=tmp_path / "other", seed=9).path) != weights(run.path)


@pytest.mark.parametrize("shape", ["classifier", "deep bag"])
def test_watching_the_test_part_changes_nothing_but_the_log(
    shape: str, trained: Callable[[str], Done], tmp_path: Path
) -> None:
    recipe, run = trained(shape)
    values = recipe.model_dump()
    values["training"]["watch_test"] = True
    watched = tiny_run.train(Recipe.model_validate(values), run=tmp_path / "run")
    there, here = digest(run.path), digest(watched.path)
    different = {name for name in there if there[name] != here[name]}
    assert different == {"metrics.jsonl", "recipe.toml", "last/resume.json", "last/manifest.json"}
    rows = watched.metrics
    assert [{k: v for k, v in row.items() if not k.startswith("test_")} for row in rows] == run.metrics
    best = [row for row in rows if row["best"]][-1]
    assert best["test_correct"] == watched.results["test"]["correct"]
    assert best["test_count"] == watched.results["test"]["count"]


def unequal(folder: Path) -> Path:
    """48 texts of one class, 16 and 8 of the others."""
    lines = [
        f'"{TONES[tone][k % 4]} {tone} {k}",{tone}'
        for tone, n in zip(TONES, (48, 16, 8), strict=True)
        for k in range(n)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "unequal.csv").write_text("text,label\n" + "\n".join(lines) + "\n", "utf-8")
    return folder / "unequal.csv"


def assembled(recipe: Recipe) -> ClassificationAssembly:
    made = assemble(recipe)
    assert isinstance(made, ClassificationAssembly)
    return made


def test_balanced_classes_by_hand(tmp_path: Path) -> None:
    """Each class has the same weight in the loss, a text of it its share; together the texts weigh as many as they are."""
    recipe = tiny_texts.recipe(
        tmp_path / "data", "bag", data__path=str(unequal(tmp_path)), training__balance_classes=True
    )
    made = assembled(recipe)
    counts = made.parts.train.counts(3)
    assert made.task.weights is not None
    assert made.task.weights.tolist() == pytest.approx([len(made.parts.train) / (3 * n) for n in counts])
    whole = sum(w * n for w, n in zip(made.task.weights.tolist(), counts, strict=True))
    assert whole == pytest.approx(len(made.parts.train))

    with torch.no_grad():
        made.model.bias.copy_(torch.tensor([0.5, -1.0, 2.0]))  # type: ignore[operator,union-attr]
    key = max(made.train.plan(None), key=lambda k: len(set(made.train.labels[k].tolist())))
    batch = made.train.batch(key)
    log_p = torch.tensor([0.5, -1.0, 2.0]).log_softmax(0)
    plain = [-log_p[label].item() for label in batch.targets.tolist()]
    weighted = [
        loss * len(made.parts.train) / (3 * counts[label])
        for loss, label in zip(plain, batch.targets.tolist(), strict=True)
    ]
    made.model.train()
    assert made.task.loss(batch, None).nats.item() == pytest.approx(sum(weighted), rel=1e-5)
    made.model.eval()
    assert made.task.loss(batch, None).nats.item() == pytest.approx(sum(plain), rel=1e-5)


def test_balance_counts_classes_that_training_has(tmp_path: Path) -> None:
    """A class that only the test part has gets no weight of infinity."""
    for part, tones in (("train", ("calm", "loud")), ("test", ("calm", "loud", "odd"))):
        lines = [f"{TONES[tone][k % 4]} {k},{tone}" for tone in tones for k in range(12)]
        (tmp_path / f"{part}.csv").write_text("text,label\n" + "\n".join(lines) + "\n", "utf-8")
    recipe = tiny_texts.recipe(tmp_path / "data", "bag", data__path=str(tmp_path), training__balance_classes=True)
    made = assembled(recipe)
    assert made.task.weights is not None
    assert bool(made.task.weights.isfinite().all())
    assert made.task.weights[:2].tolist() == [1, 1]
    assert any("No training text is of the class odd" in note for note in made.notes)
    assert tiny_run.train(recipe, run=tmp_path / "run").results["confusion"][2][2] == 0


def test_a_step_without_balance_weighs_every_text_alike(tmp_path: Path) -> None:
    made = assembled(tiny_texts.recipe(tmp_path, "bag"))
    assert made.task.weights is None
    batch = made.train.batch(made.train.plan(None)[0])
    optimiser = torch.optim.SGD(made.model.parameters(), lr=1.0)
    applied = train_step(made.task, batch, None, optimiser, TrainingSettings(), 1.0)
    assert applied.nats == pytest.approx(len(batch.targets) * math.log(3)), "it starts at even odds"  # type: ignore[union-attr]
    shares = torch.bincount(batch.targets, minlength=3) / len(batch.targets)
    torch.testing.assert_close(made.model.bias.detach(), shares - 1 / 3)  # type: ignore[union-attr,operator]


def test_balance_is_refused_for_a_language_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="balance_classes"):
        tiny_run.train(tiny_run.recipe(tmp_path / "data", training__balance_classes=True), run=tmp_path / "run")


def glove(path: Path, dimension: int, words: tuple[str, ...] = ("bang", "still", "the", "green")) -> Path:
    draw = torch.Generator().manual_seed(1)
    rows = [" ".join([word, *(f"{x:.4f}" for x in torch.randn(dimension, generator=draw).tolist())]) for word in words]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("shape", ["classifier", "average"])
def test_word_vectors_are_the_start_and_stay_where_they_should(shape: str, learns: bool, tmp_path: Path) -> None:
    size = SHAPES[shape]["embedding"]
    file = glove(tmp_path / "vectors.txt", size)
    recipe = tiny_texts.recipe(
        tmp_path / "data", shape, model__vectors=str(file), model__train_embedding=learns, model__word_dropout=0.0
    )
    made = assembled(recipe)
    start = made.model.embedding.weight.detach().clone()  # type: ignore[union-attr,operator]
    for line in file.read_text("utf-8").splitlines():
        word, *numbers = line.split(" ")
        (number,) = made.vocabulary.encode(word)  # type: ignore[misc,union-attr]
        torch.testing.assert_close(start[number], torch.tensor([float(x) for x in numbers]))
    run = tiny_run.train(recipe, run=tmp_path / "run")
    after = run.model().network.embedding.weight
    assert torch.equal(after, start) != learns
    assert any("have a vector in vectors.txt" in note for note in run.results["corpus"]["notes"])
    file.unlink()  # a trained model needs it no more
    assert elman.load(run.path).predict("bang").known == 1


@pytest.mark.parametrize(
    ("file", "pieces"),
    [
        (lambda path: glove(path, 7), ["7", "6"]),
        (lambda path: glove(path, 6, ("zzz", "yyy")), ["none of the", "vocabulary"]),
        (lambda path: path, ["vectors.txt"]),
    ],
    ids=["another dimension", "no overlap", "not there"],
)
def test_word_vectors_that_do_not_fit(file: Callable[[Path], Path], pieces: list[str], tmp_path: Path) -> None:
    made = tiny_texts.recipe(tmp_path / "data", "classifier", model__vectors=str(file(tmp_path / "vectors.txt")))
    with pytest.raises(ElmanError) as caught:
        tiny_run.train(made, run=tmp_path / "run")
    message = tiny_run.check_sentence(caught.value)
    assert all(piece in message for piece in pieces), message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("units", ["characters", "bytes"])
@pytest.mark.parametrize("shape", ["classifier", "bag"])
def test_other_units_than_words(shape: str, units: str, tmp_path: Path) -> None:
    recipe = tiny_texts.recipe(tmp_path / "data", shape, data__units=units, training__epochs=1)
    run = tiny_run.train(recipe, run=tmp_path / "run")
    if shape == "bag":
        assert run.results["shuffled"] == pytest.approx(run.results["test"], rel=1e-5)
    assert run.model().predict("bang").tokens == 4


def test_words_can_only_be_dropped_where_there_is_an_unknown_one(tmp_path: Path) -> None:
    """All 256 bytes are known: number 1 is a byte like the others."""
    recipe = tiny_texts.recipe(tmp_path / "data", "classifier", data__units="bytes", model__word_dropout=0.1)
    with pytest.raises(InputError, match="word_dropout"):
        tiny_run.train(recipe, run=tmp_path / "run")


def test_a_text_is_predicted_the_same_alone_and_in_company(trained: Callable[[str], Done]) -> None:
    for shape in SHAPES:
        model = trained(shape)[1].model()
        texts = ["bang roar", "", "the still night and the quiet house", "unheard-of", "bang"]
        together = model.predict(texts)
        for text, wanted in zip(texts, together, strict=True):
            assert model.predict(text).probabilities == pytest.approx(wanted.probabilities, abs=1e-5)


def test_what_a_classifier_is_not_for(trained: Callable[[str], Done], tmp_path: Path) -> None:
    model = trained("average")[1].model()
    language = tiny_run.train(tiny_run.recipe(tmp_path / "data", training__epochs=1), run=tmp_path / "run").path
    calls: dict[str, Callable[[], Any]] = {
        "use predict": lambda: model.sample("bang"),
        "use predict()": lambda: model.score("bang"),
        "no texts": lambda: model.predict([]),
        "got int": lambda: model.predict(["bang", 5]),
        "classif": lambda: elman.load(language).predict("bang"),
        "--category": lambda: evaluate_file(trained("average")[1].path, tmp_path, "calm"),
        "shuffled": lambda: evaluate_part(language, "test", shuffled=True),
        "label_column": lambda: evaluate_file(language, tmp_path, settings={"label_column": "x"}),
        "unknown part": lambda: evaluate_part(trained("average")[1].path, "tests"),
    }
    for piece, call in calls.items():
        with pytest.raises(ElmanError) as caught:
            call()
        assert piece in tiny_run.check_sentence(caught.value)
