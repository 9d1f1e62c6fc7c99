"""`elman predict` and `elman evaluate` of models that classify."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_home import tones
from cli_process import Said, run

import elman as library

Elman = Callable[..., Said]


def good(said: Said) -> str:
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    return said.out


def document(said: Said) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(good(said), parse_constant=refuse)


class Input(io.TextIOWrapper):
    """Standard input with these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), "utf-8")


def test_one_text_with_its_other_classes(elman: Elman, home: Path) -> None:
    first, *others = good(elman("predict", "tones", "the bang night was roar")).splitlines()
    told = library.load(home / "tones").predict("the bang night was roar")
    assert first == f"{told.label}  {told.probability:.1%}   the bang night was roar"
    assert others == [f"  {name}  {p:.1%}" for name, p in told.probabilities.items() if name != told.label]


def test_several_texts_a_line_each(elman: Elman, home: Path) -> None:
    lines = good(elman("predict", "tones", "bang bang", "so still", "the quiet night")).splitlines()
    assert [line.rsplit("   ", 1)[1] for line in lines] == ["bang bang", "so still", "the quiet night"]


def test_json_tells_all(elman: Elman, home: Path) -> None:
    texts = ["bang\tbang", "", "zig zag", "\x1b[2J the night"]
    said = document(elman("predict", "bag", *texts, "--json"))
    assert [row["text"] for row in said] == texts, "programs get a text as it was"
    for row, told in zip(said, library.load(home / "bag").predict(texts), strict=True):
        assert {key: value for key, value in row.items() if key != "text"} == told.to_json()
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert set(row) == {"text", "label", "probability", "probabilities", "tokens", "known"}
    assert [(row["tokens"], row["known"]) for row in said] == [(2, 2), (0, 0), (2, 0), (5, 2)]


def test_the_same_from_a_file_and_from_standard_input(
    elman: Elman, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["bang bang", "so\u2028still", "the quiet\x85night\x0c"]
    wanted = document(elman("predict", "tones", *texts, "--json"))
    for data in ("\n".join(texts) + "\n", "\ufeff\n" + "\r\n".join(texts) + "\n  \n"):
        file = tmp_path / "texts.txt"
        file.write_bytes(data.encode())
        assert document(elman("predict", "tones", "--file", file, "--json")) == wanted
        for words in ((), ("--file", "-")):
            monkeypatch.setattr(sys, "stdin", Input(data.encode()))
            assert document(elman("predict", "tones", *words, "--json")) == wanted


@pytest.mark.parametrize(("data", "piece"), [(b"", "no texts"), (b" \n\n", "no texts"), (b"caf\xe9\n", "UTF-8")])
def test_wrong_standard_input(
    data: bytes, piece: str, elman: Elman, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(data))
    said = elman("predict", "tones")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("elman: standard input")
    assert piece in said.err
    assert said.err.count("\n") == 1


def test_too_much_is_refused_and_not_cut(elman: Elman, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.cli.predict.MOST_BYTES", 99)
    for size, code in ((99, 0), (100, 2)):
        monkeypatch.setattr(sys, "stdin", Input(b"bang " * 19 + b"b" * (size - 95)))
        assert elman("predict", "tones").code == code


def test_nothing_given_on_a_terminal(elman: Elman, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(Input):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(b""))
    said = elman("predict", "tones")
    assert said.code == 2
    assert "give a text" in said.err


@pytest.mark.parametrize(
    ("text", "note"), [("", "it is empty"), ("  ", "it is empty"), ("zig zag", "none of its 2 words is known")]
)
def test_what_says_nothing_is_noted(text: str, note: str, elman: Elman, home: Path) -> None:
    for model in ("tones", "bag"):
        assert f"note: {note}" in good(elman("predict", model, text))
    assert "note" not in good(elman("predict", "tones", "bang"))


def test_a_text_does_not_steer_the_terminal(elman: Elman, home: Path) -> None:
    out = good(elman("predict", "tones", "bang \x1b[2J\x07 still\u202e\nelman: fine"))
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\u202e" not in out
    assert len(out.splitlines()) == 2


def test_a_long_text_is_shown_in_part(elman: Elman, home: Path) -> None:
    first = good(elman("predict", "bag", "bang " * 100_000)).splitlines()[0]
    assert first.endswith("...")
    assert len(first) < 130
    assert document(elman("predict", "bag", "bang " * 20_000, "--json"))[0]["tokens"] == 20_000


def test_names_of_classes_out_of_a_strangers_folder(elman: Elman, home: Path) -> None:
    """They neither steer the terminal nor are taken for Rich's own marks."""
    for words in (("predict", "strange-classes", "bang"), ("predict", "strange-classes", "bang", "still")):
        out = good(elman(*words))
        assert "\x1b" not in out
        assert "[/bold]" in out or "[red]loud" in out
        assert not any(line.startswith("elman") for line in out.splitlines())


def test_confusion_with_names_of_classes_that_look_like_marks(elman: Elman, home: Path, tmp_path: Path) -> None:
    names = {"calm": "[/bold]\x1b[2Jcalm\nelman: fine", "loud": "[red]loud"}
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": t, "label": names[tone]}) + "\n" for t, tone in tones(10)))
    out = good(elman("evaluate", "strange-classes", "--data", file))
    assert "\x1b" not in out
    assert not any(line.strip().startswith("elman") for line in out.splitlines()[1:])
    assert out.count("[/bold]") == 2, "in the head and in its row"
    assert out.count("[red]loud") == 2


def test_bytes_that_are_no_text_in_the_command(home: Path) -> None:
    """What a shell passes on as it is: half a character."""
    for words in (("predict", "tones", "bang \udce9"), ("predict", "tones", "bang \udce9", "--json")):
        said = run(*words, cwd=home)
        assert said.code == 0, said.err
        assert "Traceback" not in said.err


def test_evaluated_on_its_own_part(elman: Elman, home: Path) -> None:
    results = json.loads((home / "tones" / "results.json").read_text("utf-8"))
    said = document(elman("evaluate", "tones", "--json"))
    assert said["correct"] == results["test"]["correct"]
    assert said["confusion"] == results["confusion"]
    out = good(elman("evaluate", "tones"))
    assert f"{said['accuracy']:.2%} right ({said['correct']} of {said['count']} texts)" in out
    assert "true class, and what it was taken for" in out


def test_evaluated_on_files(elman: Elman, home: Path) -> None:
    whole = document(elman("evaluate", "tones", "--data", "tones.csv", "--json"))
    parts = [document(elman("evaluate", "tones", "--part", p, "--json")) for p in ("train", "validation", "test")]
    for key in ("count", "correct"):
        assert whole[key] == sum(part[key] for part in parts)
    assert whole["nats"] == pytest.approx(sum(part["nats"] for part in parts), rel=1e-5)
    stars = document(
        elman(
            "evaluate",
            "tones",
            "--data",
            "stars.csv",
            "--set",
            "label_column=tone",
            "--set",
            "text_column=review",
            "--json",
        )
    )
    numbered = document(
        elman("evaluate", "tones", "--data", "stars.csv", "--set", "label_column=2", "--set", "text_column=1", "--json")
    )
    assert stars == numbered
    assert stars["count"] == 20
    assert document(elman("evaluate", "tones", "--data", "tone-folder", "--json"))["count"] == 8


def test_shuffled_words(elman: Elman, home: Path) -> None:
    plain = document(elman("evaluate", "bag", "--data", "tones.csv", "--json"))
    shuffled = document(elman("evaluate", "bag", "--data", "tones.csv", "--shuffle-words", "--json"))
    assert shuffled == document(elman("evaluate", "bag", "--data", "tones.csv", "--shuffle-words", "--json"))
    assert "shuffled" in shuffled["what"]
    assert shuffled["nats"] != plain["nats"], "pairs of words are features too"
    results = json.loads((home / "bag" / "results.json").read_text("utf-8"))
    assert (
        document(elman("evaluate", "bag", "--part", "test", "--shuffle-words", "--json"))["count"]
        == results["shuffled"]["count"]
    )


def test_where_work_can_go_on_a_note_says_what_is_odd(elman: Elman, home: Path, tmp_path: Path) -> None:
    """A class with one text and empty texts are no reason to stop; they are in the results, and so in the report."""
    for file, note in (("lonely.csv", "The class odd has only 1 text"), ("blank-texts.csv", "5 of 40 texts are empty")):
        run_folder = tmp_path / file
        said = document(elman("train", "bag.toml", "--data", file, "--epochs", 1, "--run", run_folder, "--json"))
        assert any(note in told for told in said["results"]["corpus"]["notes"])
        assert note in (run_folder / "report.html").read_text("utf-8")


def test_a_text_of_100_000_words(elman: Elman, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    rows = [*tones(20), (" ".join(f"word{k % 977}" for k in range(100_000)), "calm")]
    file.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    said = document(elman("train", "bag.toml", "--data", file, "--epochs", 1, "--run", tmp_path / "run", "--json"))
    assert any("100,000 words" in note for note in said["results"]["corpus"]["notes"])
    cut = ("--set", "cut_at=50", "--set", "hidden=4")
    elman_said = elman("train", "tones.toml", "--data", file, "--epochs", 1, "--run", tmp_path / "cut", *cut, "--json")
    assert not any("100,000 words" in note for note in document(elman_said)["results"]["corpus"]["notes"])


def test_what_train_says_of_a_classifier(elman: Elman, home: Path, tmp_path: Path) -> None:
    out = good(elman("train", "tones.toml", "--epochs", 1, "--run", tmp_path / "run"))
    results = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    assert f"test: {results['test']['accuracy']:.2%} right (95 % interval" in out
    assert "elman predict" in out
    assert "calm" in out
