"""Bad input: exit code 2, one clear sentence on standard error, nothing on standard output, and not a file changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Said, run

Elman = Callable[..., Said]


def refused(said: Said, *pieces: str) -> None:
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.code == 2, said.err
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("elman: ")
    for piece in pieces:
        assert piece in said.err


TINY = "train tiny.toml --run new "
TONES = "train tones.toml --run new "
TABLE = [
    # data
    (TINY + "--data empty.txt", ["empty.txt", "empty"]),
    (TINY + "--data blank.txt", ["blank.txt", "empty"]),
    (TINY + "--data nmes.txt", ["nmes.txt", "did you mean names.txt"]),
    (TINY + "--data nowhere/names.txt", ["nowhere"]),
    (TINY + "--data nowhere/", ["nowhere"]),
    (TINY + "--data empty-folder", ["empty-folder", "*.txt"]),
    (TINY + "--data other-folder", ["other-folder", "*.txt"]),
    ("train shakespeare --run new --data other-folder", ["other-folder", "input.txt"]),
    ("train names-quick --run new --data empty-folder", ["empty-folder", "Russian.txt"]),
    (TINY + "--data latin.txt", ["latin.txt", "UTF-8", "byte"]),
    (TINY + "--data one-line.txt", ["one-line.txt", "few"]),
    (TINY + "--data one-line.txt --set kind=lines", ["one-line.txt", "1 different line"]),
    (TINY + "--data one-symbol.txt", ["one-symbol.txt", "only 1 symbol"]),
    (TINY + "--data long.txt --set kind=lines", ["long.txt", "max_length = 40"]),
    (TINY + "--set max_length=1", ["names.txt", "max_length = 1"]),
    (TINY + "--data /dev/null", ["/dev/null"]),
    (TINY + "--data " + "x" * 300, ["can't be read"]),
    # recipes and settings
    ("train nmaes", ["nmaes", "did you mean 'names'"]),
    ("train nowhere.toml", ["nowhere.toml"]),
    ("train key.toml", ["line 2", "epohcs", "did you mean 'epochs'"]),
    ("train type.toml", ["line 3", "training.epochs"]),
    ("train broken.toml", ["broken.toml", "TOML", "line 1"]),
    ("train latin.toml", ["latin.toml", "UTF-8"]),
    ("train names.txt", ["names.txt", "TOML"]),
    ("train run", ["run"]),
    ("train " + "x" * 300, ["recipe"]),
    (TINY + "--set hidden=0", ["model.hidden", "got 0"]),
    (TINY + "--set epohcs=3", ["epohcs", "did you mean"]),
    (TINY + "--set training.epohcs=3", ["epohcs", "did you mean 'epochs'"]),
    (TINY + "--set model.hidden=many", ["model.hidden", "many"]),
    (TINY + "--set hidden", ["--set", "section.key=value"]),
    (TINY + "--set run=elsewhere", ["run"]),
    (TINY + "--set resume=true", ["resume"]),
    (TINY + "--set recipe=names", ["recipe"]),
    (TINY + "--set listener=1", ["listener"]),
    (TINY + "--set data=5", ["data"]),
    (TINY + "--set epochs=many", ["epochs"]),
    (TINY + "--set model.engine=fused --cell gru-cho", ["fused"]),
    (TINY + "--set engine=torch --cell mgu", ["mgu"]),
    (TINY + "--set prompt=漢", ["漢"]),
    (TINY + "--epochs 0", ["epochs"]),
    (TINY + "--minutes 0", ["minutes"]),
    (TINY + "--minutes nan", ["minutes"]),
    (TINY + "--seed -1", ["seed"]),
    (TINY + "--size enormous", ["enormous", "tiny, small, medium, large"]),
    # cells
    (TINY + "--cell lsmt", ["lsmt", "did you mean 'lstm'"]),
    (TINY + "--cell nowhere.py:MyCell", ["nowhere.py"]),
    (TINY + "--cell good.py", ["good.py:"]),
    (TINY + "--cell good.py:", ["good.py:"]),
    (TINY + "--cell good.py:YourCell", ["good.py", "YourCell"]),
    (TINY + "--cell good.py:number", ["good.py", "number"]),
    (TINY + "--cell syntax.py:MyCell", ["syntax.py", "line 3"]),
    (TINY + "--cell raises.py:MyCell", ["raises.py", "line 6", "IndexError"]),
    (TINY + "--cell branching.py:MyCell", ["branching.py", "line 7", "branch"]),
    (TINY + "--cell undeclared.py:MyCell", ["undeclared.py", "line 6", "x.gate"]),
    (TINY + "--cell imports.py:MyCell", ["imports.py", "line 1", "no_such_module"]),
    (TINY + "--cell tensors.py:MyCell", ["tensors.py", "line 7"]),
    (TINY + "--cell none.py:MyCell", ["none.py", "dict"]),
    (TINY + "--cell arguments.py:MyCell", ["arguments.py", "size"]),
    (TINY + "--cell exits.py:MyCell", ["exits.py", "line 2"]),
    (TINY + "--cell bytes.py:MyCell", ["bytes.py"]),
    (TINY + "--cell empty-folder.py:MyCell", ["empty-folder.py"]),
    ("explain raises.py:MyCell", ["raises.py", "line 6"]),
    ("explain branching.py:MyCell", ["branching.py", "line 7"]),
    ("explain no-such-cell", ["no-such-cell"]),
    ("explain lstm --format pdf", ["pdf", "text, latex, mathml, html, cell"]),
    ("explain lstm --out nowhere/page.html", ["nowhere/page.html"]),
    # sampling
    ("sample run --top-k 0", ["top_k", "got 0"]),
    ("sample run --top-k 100000", ["top_k", "100000"]),
    ("sample run --temperature -0.5", ["temperature", "-0.5"]),
    ("sample run --temperature nan", ["temperature"]),
    ("sample run --temperature inf", ["temperature"]),
    ("sample run --top-p 0", ["top_p"]),
    ("sample run --top-p 2", ["top_p"]),
    ("sample run --length 0", ["length"]),
    ("sample run --count 0", ["count"]),
    ("sample run --prompt Žižek漢", ["漢"]),
    ("sample prose --prompt 漢", ["漢"]),
    ("sample run --category Greek", ["categor"]),
    ("sample told --category Klingon", ["Klingon", "Greek, Italian"]),
    # model and run folders
    ("sample nowhere", ["nowhere"]),
    ("sample empty-folder", ["empty-folder"]),
    ("sample other-folder", ["other-folder"]),
    ("sample names.txt", ["names.txt"]),
    ("sample " + "x" * 300, ["x"]),
    ("sample nan", ["nan", "NaN", "output.bias"]),
    ("sample newer", ["newer", "format 2", "pgrade"]),
    ("sample hostile", ["hostile", "line 4"]),
    ("sample contradicting", ["contradicting"]),
    ("sample truncated", ["truncated", "model.safetensors"]),
    ("sample flipped", ["flipped", "vocabulary.json"]),
    ("sample unlisted", ["unlisted", "extra.json"]),
    ("sample without", ["without", "config.json"]),
    ("sample damaged-run", ["damaged-run", "model.safetensors"]),
    ("evaluate damaged-run", ["damaged-run", "model.safetensors"]),
    ("evaluate nan --data names.txt", ["NaN"]),
    ("evaluate nowhere", ["nowhere"]),
    ("evaluate empty-folder", ["empty-folder", "recipe.toml"]),
    ("evaluate run/best", ["recipe.toml", "--data"]),
    ("evaluate run --part tests", ["train, validation and test"]),
    ("evaluate run --data nowhere.txt", ["nowhere.txt"]),
    ("evaluate run --data empty.txt", ["empty.txt"]),
    ("evaluate run --data latin.txt", ["UTF-8"]),
    ("evaluate run --data names.txt --category Greek", ["categor"]),
    ("evaluate run --category Greek", ["categor"]),
    ("evaluate told --data names.txt", ["category", "Greek, Italian"]),
    ("evaluate told --data names.txt --category Klingon", ["Klingon"]),
    ("evaluate prose --data one-symbol.txt", [""]),
    (TINY + "--resume", ["new"]),
    ("train tiny.toml --resume", ["tiny", "--run"]),
    ("train tiny.toml --run run", ["run", "--resume"]),
    ("train tiny.toml --run names.txt", ["names.txt"]),
    ("train tiny.toml --run names.txt/new", ["names.txt"]),
    ("train tiny.toml --run " + "x" * 300, ["x"]),
    ("train tiny.toml --run damaged-run --resume", ["damaged-run", ".safetensors"]),
    ("train tiny.toml --run run --resume --seed 5", ["seed"]),
    ("train tiny.toml --run run --resume --set rate=0.5", ["rate"]),
    ("train tiny.toml --run run --resume --cell lstm", ["run"]),
    ("train tiny.toml --run run --resume --set dropout=0.5", ["dropout"]),
    ("train tiny.toml --run run --resume --data text.txt", ["data"]),
    ("demo --run run", ["run"]),
    ("demo --run new --epochs 0", ["epochs"]),
    ("demo --run new --seed -3", ["seed"]),
    # texts with labels
    (TONES + "--data one-class.csv", ["one-class.csv", "1 class ('calm')", "at least two"]),
    (TONES + "--data no-label.csv", ["no-label.csv", "label"]),
    (TONES + "--set label_column=tone", ["tones.csv", "tone", "label"]),
    (TONES + "--set text_column=9", ["tones.csv", "9"]),
    (TONES + "--data all-blank.csv", ["all-blank.csv", "every text is empty", "text_column"]),
    (TONES + "--data quote.csv", ["quote.csv, line 22", "quotation mark"]),
    (TONES + "--data columns.csv", ["columns.csv, line 22", "3 columns"]),
    (TONES + "--data mixed.csv", ["mixed.csv", "UTF-8", "byte"]),
    (TONES + "--data zero.csv", ["zero.csv, line 22", "zero byte"]),
    (TONES + "--data broken.jsonl", ["broken.jsonl, line 2", "JSON"]),
    (TONES + "--data header-only.csv", ["header-only.csv"]),
    (TONES + "--data few.csv", ["few.csv", "few"]),
    (TONES + "--data empty.txt", ["empty.txt", "table"]),
    (TONES + "--data nowhere.csv", ["nowhere.csv"]),
    (TONES + "--data empty-folder", ["empty-folder", "sub-folders"]),
    (TONES + "--data languages", ["languages"]),
    (TONES + "--set validation=0", ["data.validation"]),
    (TONES + "--set test=0", ["data.test"]),
    (TONES + "--set data.kind=lines", ["kind"]),
    (TONES + "--set max_length=9", ["max_length", "cut_at"]),
    (TONES + "--set data.source=shakespeare --data text.txt", ["label"]),
    (TONES + '--set classes=["calm","cold"]', ["cold", "calm"]),
    (TONES + "--set model.vectors=vectors-7.txt", ["vectors-7.txt", "7 numbers", "8"]),
    (TONES + "--set model.vectors=vectors-other.txt", ["vectors-other.txt", "none of the", "vocabulary"]),
    (TONES + "--set model.vectors=vectors-bad.txt", ["vectors-bad.txt", "still"]),
    (TONES + "--set model.vectors=nowhere.txt", ["nowhere.txt"]),
    (TONES + "--set model.vectors=glove", ["glove.6B.zip"]),
    (TONES + "--set units=characters --set model.vectors=vectors-other.txt", ["words"]),
    (TONES + "--set model.embedding=0", ["model.embedding"]),
    (TONES + "--set model.ngrams=2", ["ngrams", "bag-of-words"]),
    (TONES + "--set model.shape=bag-of-words", ["bag-of-words"]),
    (TONES + "--set model.shape=transformer", ["transformer", "classifier"]),
    (TONES + "--set model.pooling=first", ["first", "attention"]),
    (TONES + "--set model.word_dropout=0.1 --set units=bytes", ["word_dropout"]),
    ("train tones.toml --run new --set model.shape=language-model --set data.embedding=0", ["embedding"]),
    (TINY + "--set balance_classes=true", ["balance_classes"]),
    ("train bag.toml --run new --cell gru", ["cell", "bag-of-words"]),
    ("train bag.toml --run new --size tiny", ["hidden", "bag-of-words"]),
    ("train bag.toml --run new --set min_texts=100", ["min_texts"]),
    ("train tones.toml --run tones --resume --data stars.csv", ["data"]),
    ("train tones.toml --run tones --resume --set pooling=mean", ["pooling"]),
    ("predict nowhere bang", ["nowhere"]),
    ("predict run bang", ["run", "does not classify"]),
    ("predict names.txt bang", ["names.txt"]),
    ("predict tones --file nowhere.txt", ["nowhere.txt"]),
    ("predict tones --file languages", ["languages"]),
    ("predict tones --file latin.txt", ["latin.txt", "UTF-8", "byte"]),
    ("predict tones --file blank.txt", ["blank.txt", "no texts"]),
    ("predict tones --file empty.txt", ["empty.txt", "no texts"]),
    ("predict tones bang --file names.txt", ["--file", "not both"]),
    ("sample tones", ["tones", "elman predict"]),
    ("sample bag", ["bag", "elman predict"]),
    ("evaluate tones --data unknown-label.csv", ["unknown-label.csv, line 8", "'odd'", "calm, loud", "1 of 7"]),
    ("evaluate tones --data no-label.csv", ["no-label.csv", "label"]),
    ("evaluate tones --data stars.csv --set label_column=stars", ["stars.csv", "stars", "tone"]),
    ("evaluate tones --data tones.csv --set label_column", ["--set", "key=value"]),
    ("evaluate tones --data tones.csv --set labels=5", ["labels"]),
    ("evaluate tones --data tones.csv --set training.epochs=5", ["training", "label_column"]),
    ("evaluate tones --data tones.csv --set cut_at=2", ["cut_at", "label_column"]),
    ("evaluate tones --data tones.csv --set path=stars.csv", ["path", "label_column"]),
    ("evaluate tones --data tones.csv --set encoding=base64", ["encoding"]),
    ("evaluate tones --data text.txt", ["text.txt", "table"]),
    ("evaluate tones --data languages", ["languages"]),
    ("evaluate tones --data header-only.csv", ["header-only.csv"]),
    ("evaluate tones --data tones.csv --category calm", ["--category"]),
    ("evaluate tones --set label_column=label", ["--set", "--data"]),
    ("evaluate tones/best", ["recipe.toml", "--data"]),
    ("evaluate run --shuffle-words", ["shuffled", "language model"]),
    ("evaluate run --data names.txt --shuffle-words", ["shuffled", "language model"]),
    ("evaluate run --data names.txt --set label_column=x", ["label_column", "language model"]),
    # the other verbs
    ("data nowhere.txt", ["nowhere.txt"]),
    ("data empty.txt", ["empty.txt"]),
    ("data latin.txt", ["UTF-8"]),
    ("data empty-folder", ["empty-folder"]),
    ("data nothing --get", ["nothing", "names"]),
    ("recipes nowhere", ["nowhere", "names-quick"]),
    ("worked nowhere", ["nowhere", "forward-by-hand"]),
    ("worked broken.toml", ["broken.toml", "TOML"]),
    ("worked latin.toml", ["latin.toml", "UTF-8"]),
    ("worked key.toml", ["key.toml"]),
    ("worked names.txt", ["names.txt"]),
    ("worked run", ["run"]),
    ("worked " + "x" * 300, ["x"]),
    ("worked forward-by-hand --html nowhere/page.html", ["nowhere/page.html"]),
]


@pytest.mark.parametrize(("words", "says"), TABLE, ids=[words[:60] for words, _ in TABLE])
def test_one_sentence(words: str, says: list[str], elman: Elman, home: Path) -> None:
    refused(elman(*words.split()), *says)


USAGE = [
    ("trian names", ["trian"]),
    ("train", ["recipe"]),
    ("sample", ["run"]),
    ("sample run --topk 3", ["--topk"]),
    ("sample run --top-k three", ["--top-k"]),
    ("sample run --temperature hot", ["--temperature"]),
    ("sample run --count 2.5", ["--count"]),
    ("sample run --seed", ["--seed"]),
    ("sample run more", ["more"]),
    ("train tiny.toml --epochs two", ["--epochs"]),
    ("worked forward-by-hand --digits 99", ["--digits"]),
]


@pytest.mark.parametrize(("words", "says"), USAGE, ids=[words for words, _ in USAGE])
def test_wrong_usage_is_one_sentence_too(words: str, says: list[str], elman: Elman, home: Path) -> None:
    """DESIGN: 2 for bad usage or bad input, one clear sentence on standard error."""
    refused(elman(*words.split()), *says)


def test_an_empty_prompt_file_name_or_recipe(elman: Elman, home: Path) -> None:
    for words in (
        ["train", ""],
        ["data", ""],
        ["worked", ""],
        ["train", "tiny.toml", "--run", "new", "--data", ""],
        ["recipes", ""],
    ):
        refused(elman(*words))
    refused(elman("sample", ""))


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "escape"],
        ["sample", "strange", "--category", "Klingon"],
        ["sample", "no\nwhere\x1b[2J"],
        ["data", "no\nwhere\x1b[2J"],
        ["train", "tiny.toml", "--run", "new", "--set", "no\nwhere\x1b[2J=3"],
        ["train", "tiny.toml", "--run", "new", "--cell", "no\nwhere\x1b[2J.py:X"],
        ["evaluate", "run", "--data", "no\nwhere\x1b[2J"],
        ["no\nverb\x1b[2J"],
    ],
    ids=lambda words: repr(" ".join(words)),
)
def test_strange_names_stay_in_the_line(words: list[str], elman: Elman, home: Path) -> None:
    """Names out of a stranger's files end up in the sentence: they must not start another line or steer the terminal."""
    said = elman(*words)
    refused(said)
    assert said.err.rstrip("\n").isprintable()


HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_folder_in_use_by_another_process(elman: Elman, home: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home / "run" / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(elman("train", "tiny.toml", "--run", "run", "--resume"), "another process", "run")
        refused(elman("train", "tiny.toml", "--run", "run"), "run")
        assert elman("sample", "run", "--count", 1).code == 0
    finally:
        holder.communicate("")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sample flipped", "vocabulary.json"),
        (TINY + "--cell raises.py:MyCell", "line 6"),
        (TINY + "--data latin.txt --json", "UTF-8"),
    ],
)
def test_as_a_process(words: str, says: str, home: Path) -> None:
    """What the shell sees is the same: no warnings beside the sentence, no traceback."""
    refused(run(*words.split(), cwd=home), says)


def test_a_loss_that_is_no_number_is_exit_code_1(elman: Elman, home: Path, tmp_path: Path) -> None:
    settings = ["optimiser=sgd", "rate=1e38"]
    said = elman("train", "tiny.toml", "--run", tmp_path / "run", *(w for s in settings for w in ("--set", s)))
    assert said.code == 1
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("elman: step ")
    assert "Traceback" not in said.err
    assert elman("sample", tmp_path / "run", "--count", 1).code == 0
