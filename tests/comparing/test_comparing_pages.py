"""The forms a comparison is given to readers in: parsed back, with texts of strangers in every place."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_classifiers import Bench
from rich.console import Console
from tests.reports.parsed_page import Page

from elman.errors import StorageError
from elman.reports.comparison import Comparison, PairedTest, print_comparison, sentences, write_comparison
from elman.reports.comparison.latex import escape as latex_escape
from elman.reports.comparison.latex import latex
from elman.reports.comparison.markdown import escape as markdown_escape
from elman.reports.comparison.markdown import markdown
from elman.reports.comparison.page import page

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;%_$#{}\\^~|*\x1b[31m\u202e"
ASKED_FOR = ("Train Loss", "Test Loss", "Test Accuracy", "Training Time", "Number of Epochs")


@pytest.fixture
def compared(bench: Bench) -> Comparison:
    return bench.compare(seeds=2)


@pytest.fixture
def hostile(compared: Comparison) -> Comparison:
    rows = tuple(dataclasses.replace(row, title=f"{row.title} {ATTACK}", about=ATTACK) for row in compared.rows)
    tests = tuple(dataclasses.replace(test, first=ATTACK, second=ATTACK) for test in compared.tests)
    data = dataclasses.replace(compared.data, title=ATTACK, classes=(f"a{ATTACK}", f"b{ATTACK}"), notes=(ATTACK,))
    mistakes = tuple(
        dataclasses.replace(mistake, text=ATTACK * 40, place=ATTACK, label=ATTACK, predicted=ATTACK)
        for mistake in compared.mistakes
    )
    return dataclasses.replace(
        compared, title=ATTACK, about=ATTACK, rows=rows, tests=tests, data=data, mistakes=mistakes, again=ATTACK
    )


def shown(comparison: Comparison, width: int = 100) -> str:
    out = io.StringIO()
    print_comparison(comparison, Console(file=out, width=width))
    return out.getvalue()


# The table that courses ask for


def test_every_form_has_the_table_that_courses_ask_for(compared: Comparison) -> None:
    forms = [markdown(compared), latex(compared), " ".join(Page(page(compared)).text.split()), shown(compared, 160)]
    for form in forms:
        for heading in ASKED_FOR:
            assert heading in form
        for row in compared.rows:
            assert row.title in form
            assert f"{row.test_loss.value:.3f}" in form
            assert f"{row.accuracy.value:.3f}" in form


def test_the_terminal_shows_all_in_eighty_columns(compared: Comparison) -> None:
    lines = shown(compared, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines), "nothing is cut off"


def test_it_always_says_what_an_interval_is_over(bench: Bench) -> None:
    several, one = bench.compare(seeds=2), bench.compare(out=bench.folder / "one")
    assert "(2 seeds)" in markdown(several)
    assert "Student" in markdown(several)
    assert "Wilson" not in markdown(several)
    assert "(12 texts)" in markdown(one)
    assert "Wilson" in markdown(one)
    assert "Student" not in markdown(one)


@pytest.mark.parametrize(
    ("counts", "p", "said"),
    [
        ((70, 53), 0.149, "A and B differ on 123 of 1,579 texts (70 : 53 right); p = 0.15: no difference shown."),
        ((90, 40), 1.4e-5, "A and B differ on 130 of 1,579 texts (90 : 40 right); p < 0.0001: A is better."),
        ((4, 30), 0.012, "A and B differ on 34 of 1,579 texts (4 : 30 right); p = 0.012: B is better."),
        ((0, 0), 1.0, "A and B get the same of 1,579 texts right: no difference shown."),
    ],
)
def test_what_the_paired_test_says(bench: Bench, counts: tuple[int, int], p: float, said: str) -> None:
    assert sentences.tested(PairedTest("A", "B", *counts, 1579, p, (1,)), bench.compare()) == said


def test_the_paired_test_says_whose_answers(compared: Comparison) -> None:
    assert ", by majority vote of 3 seeds; p" in sentences.tested(
        PairedTest("A", "B", 7, 5, 90, 0.7, (1, 2, 3)), compared
    )
    assert ", with seed 1; p" in sentences.tested(PairedTest("A", "B", 7, 5, 90, 0.7, (1,)), compared)


@given(st.floats(0, 1))
def test_p_is_never_told_as_zero(p: float) -> None:
    assert sentences.p_value(p) != "p = 0"


def test_the_leakage_is_demonstrated_with_its_reason(compared: Comparison) -> None:
    row = compared.winner
    assert row.claimed is not None
    for form in (markdown(compared), Page(page(compared)).text):
        assert f"would have claimed {row.claimed.value:.3f} instead of {row.accuracy.value:.3f} for gru" in form
        assert "no unseen texts left" in form


def test_the_winner_stands_out_in_every_table(compared: Comparison) -> None:
    assert compared.winner.title == "gru"
    assert markdown(compared).count("| **gru** |") == 4
    assert latex(compared).count(r"\textbf{gru} &") == 4
    assert page(compared).count('<tr class="best"><td>gru</td>') == 4


# Escaping


MARKS = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"\textasciigrave{}": "`", r"\textendash{}": "–", "-{}": "-", r"{[}": "[", r"{]}": "]",
    **{rf"\{sign}": sign for sign in "{}$&#_%"},
}  # fmt: skip


def printed_by_latex(text: str) -> str:
    """What LaTeX would print of an escaped text; a sign that means something to it and was not escaped fails."""
    pieces = re.split("|".join(["(" + "|".join(map(re.escape, sorted(MARKS, key=len, reverse=True))) + ")"]), text)
    for plain in pieces[::2]:
        assert not set(plain) & set("\\{}$&#_%~^`"), plain
        assert "--" not in plain
    return "".join(MARKS.get(piece, piece) for piece in pieces)


@given(st.text(alphabet=st.sampled_from(list('ab \\{}$&#_%~^<>|"[]é–`-'))))
def test_latex_prints_what_was_meant(text: str) -> None:
    assert printed_by_latex(latex_escape(text)) == text


def test_latex_has_only_the_commands_of_ours(hostile: Comparison) -> None:
    text = latex(hostile)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 4
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 4
    for line in text.splitlines():
        if line.endswith(r" \\"):
            columns = len(re.findall(r"(?<!\\)&", line)) + 1
            assert columns in (4, 5, 6)
    assert "\x1b" not in text


def test_every_row_of_a_latex_table_has_as_many_cells_as_columns(hostile: Comparison) -> None:
    for letters, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\\end\{tabular\}", latex(hostile), re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(letters)}


def test_every_row_of_a_markdown_table_has_as_many_cells_as_columns(hostile: Comparison) -> None:
    lines = [line for line in markdown(hostile).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} <= {5, 6, 7}
    assert "<script" not in markdown(hostile).replace("\\<", "")


@given(st.text(alphabet=st.sampled_from(list("ab\\`*_{}[]<>#|~$&!\n"))))
def test_markdown_shows_what_was_meant(text: str) -> None:
    escaped = markdown_escape(text)
    assert re.sub(r"\\(.)", r"\1", escaped) == " ".join(text.split())
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_|<`\[]", escaped)
    assert "\n" not in escaped


# The page


def test_no_text_becomes_markup_on_the_page(hostile: Comparison) -> None:
    found = Page(page(hostile))
    assert found.tags("img") == 0
    assert len(found.scripts) == 3, "Plotly, ours, and the data"
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert found.text.count("</script><script>alert(1)</script>") > 20, "shown as it is"


def test_what_plotly_is_given_has_no_tags(hostile: Comparison) -> None:
    (data,) = [content for attributes, content in Page(page(hostile)).scripts if attributes]
    names = [
        point["name"] for chart in json.loads(data) for kind in ("points", "lines") for point in chart.get(kind, [])
    ]
    assert names
    assert not [name for name in names if "<" in name]


def test_nothing_on_the_page_leads_outside(hostile: Comparison) -> None:
    text = page(hostile)
    found = Page(text)
    plotly = max((content for _, content in found.scripts), key=len)
    assert found.references == ["data:,"]
    assert found.tags("a") == 0
    assert not re.search("https?:", text.replace(plotly, ""))
    assert not any("url(" in style or "@import" in style for style in found.styles)
    assert len(set(found.ids)) == len(found.ids)


def test_every_chart_has_its_place_and_its_numbers(compared: Comparison) -> None:
    found = Page(page(compared))
    (data,) = [content for attributes, content in found.scripts if attributes]
    charts = {chart["id"]: chart for chart in json.loads(data)}
    assert set(charts) <= set(found.ids)
    assert [p["value"] for p in charts["chart-accuracy"]["points"]] == [row.accuracy.value for row in compared.rows]
    for point, row in zip(charts["chart-accuracy"]["points"], compared.rows, strict=True):
        assert point["value"] + point["above"] == pytest.approx(row.accuracy.high)
        assert point["value"] - point["below"] == pytest.approx(row.accuracy.low)
    assert charts["chart-confusion"]["counts"] == [list(row) for row in compared.confusion]
    assert [sum(row) for row in charts["chart-confusion"]["shares"]] == pytest.approx([1, 1])
    lines = {line["name"]: line for line in charts["chart-validation-loss"]["lines"]}
    assert lines["gru"]["x"] == [1, 2, 3, 4]
    assert lines["gru"]["y"] == pytest.approx([0.4, 0.3, 0.4, 0.7])
    assert [point["name"] for point in charts["chart-cost"]["points"]][-2:] == ["gru", "bag"]


def test_control_characters_reach_no_terminal(hostile: Comparison) -> None:
    assert not set(shown(hostile)) & set("\x1b\u202e\x9b")


def test_a_hundred_classes_are_told_as_numbers(compared: Comparison) -> None:
    classes = tuple(f"class {k}" for k in range(100))
    data = dataclasses.replace(compared.data, classes=classes)
    many = dataclasses.replace(compared, data=data, confusion=tuple((1,) * 100 for _ in classes))
    found = Page(page(many))
    assert "chart-confusion" not in found.ids
    assert "All 100 classes" in found.text


def test_older_files_stay_where_the_disk_refuses_the_new_ones(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (compared.folder / "comparison.html").read_bytes()

    def full(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("elman.storage.files.put", full)
    with pytest.raises(StorageError):
        write_comparison(dataclasses.replace(compared, title="newer"))
    assert (compared.folder / "comparison.html").read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium to look at the page with")
def test_a_browser_draws_every_chart_and_runs_nothing_else(hostile: Comparison, tmp_path: Path) -> None:
    write_comparison(hostile)
    seen = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=4000", "--dump-dom", (hostile.folder / "comparison.html").as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert len(re.findall('class="plot-container plotly"', seen)) == 5
    assert "<img src" not in seen
