"""Tables in the terminal."""

from __future__ import annotations

import io

import pytest
from made_up_run import LANGUAGES, NAMES, SEEN, names, results, speech
from rich.console import Console

from elman.reports import print_results


def printed(samples: list[dict[str, object]], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_results(results(samples), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 200])
def test_names_stand_in_columns_each_with_its_mark(width: int) -> None:
    text = printed([names(k) for k in (1, 3, 5, None)], width)
    for heading in ("top-k 1", "top-k 3", "top-k 5", "unrestricted"):
        assert heading in text
    words = " ".join(text.split())
    for name, language in zip(NAMES, LANGUAGES, strict=True):
        mark = "in training set" if name in SEEN else "new"
        assert words.count(f"{name} {language} {mark}") == 4
    assert max(map(len, text.splitlines())) <= width


def test_the_outcome_is_told() -> None:
    text = printed([names(None)])
    assert "1.8365 nats per symbol, 2.6495 bits, perplexity 6.27" in text
    assert "87,154 parameters" in text
    assert "47.3 s of training" in text


def test_novelty_is_summed_up() -> None:
    text = printed([names(1), names(None)])
    rows = {line.split("200")[0].strip(): line.split() for line in text.splitlines() if " 200 " in line}
    assert rows["top-k 1"][3:5] == ["60%", "92%"]
    assert rows["unrestricted"][2:4] == ["100%", "3%"]


def test_running_text_keeps_its_lines() -> None:
    text = printed([speech(3), speech(None)])
    assert text.count("KING RICHARD:\nThe man that he shall") == 4
    assert "top-k 3" in text
    assert "new" in text


def test_a_temperature_is_told() -> None:
    assert "unrestricted, temperature 0.5" in printed([names(None) | {"temperature": 0.5}])


def test_a_sample_can_not_steer_the_terminal() -> None:
    table = names(None)
    table["items"][0]["text"] = "a\x1b[2J\x07[bold]b[/bold]\u202e"
    table["items"][0]["category"] = "\x1b]0;title\x07"
    text = printed([table])
    assert "a␛[2J␇[bold]b[/bold]\ufffd" in text
    assert not set(text) & set("\x1b\x07\u202e")
