"""What `explain` says: the course's question answered, and three spellings that their readers can parse."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from printed_page import TOKEN, name_and_time
from random_layers import ALL_CELLS, cell_of

from elman.cells import Cell, tanh
from elman.equations import explain
from elman.errors import CellError, InputError


def test_the_lstm_answers_the_worksheet() -> None:
    """Which path keeps the gradient alive: δc_{t+1} ⊙ f_{t+1}, which passes no matrix."""
    page = explain("lstm")
    (memory,) = (e for e in page.gradients if e.name == "dc")
    paths = [p.spellings["text"] for p in memory.paths]
    assert sorted(paths) == ["δc_{t+1} ⊙ f_{t+1}", "δh_t ⊙ o_t ⊙ (1 - tanh(c_t)²)"]
    assert [p.note for p in memory.paths if "f_{t+1}" in p.spellings["text"]] == [
        "through c of the next step: along the state, no matrix"
    ]
    assert any("along c" in line and "f_t" in line and "alive" in line for line in page.reading)
    assert r"\delta c_{t+1} \odot f_{t+1}" in memory.latex
    text = page.text()
    for line in (
        "i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)",
        "c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t",
        "h_t = o_t ⊙ tanh(c_t)",
        "δa_{f,t} = δf_t ⊙ f_t ⊙ (1 - f_t)",
        "∂L/∂W_hg = Σ_t δa_{g,t} h_{t-1}ᵀ",
        "∂c_t/∂c_{t-1} = diag(f_t)",
    ):
        assert line in text, line


def test_the_simple_network_has_no_such_path() -> None:
    page = explain("elman")
    assert "no path along the state" in page.reading[0]
    assert all("along the state" not in p.note for e in page.gradients for p in e.paths)
    assert "along h it is multiplied at each step by z_t" in explain("gru").text()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ALL_CELLS)
def test_every_cell_in_every_spelling(name: str, bias: bool) -> None:
    page = explain(cell_of(name), bias=bias)
    for text in (page.text(), page.latex(), page.mathml()):
        assert text.strip()
        assert text.endswith("\n")
        assert "None" not in text
        assert "Expr" not in text
    assert page.text(gradients=False) in page.text() or len(page.text(gradients=False)) < len(page.text())
    assert bool(re.search(r"\bb_(\{[ih],|[ih])", page.text(gradients=False))) == bias
    assert {e.name for e in page.equations} >= set(cell_of(name).state)
    for e in (*page.equations, *page.gradients, *page.slopes):
        assert e.text in (str(e), e.text)
        assert " = " in e.text


def braces_are_balanced(text: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("name", ALL_CELLS)
def test_latex_is_balanced(name: str) -> None:
    latex = explain(cell_of(name)).latex()
    assert braces_are_balanced(latex)
    assert latex.count(r"\left(") + latex.count(r"\left|") == latex.count(r"\right)") + latex.count(r"\right|")
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") >= 3
    body = "".join(line for line in latex.splitlines(keepends=True) if not line.startswith("%"))
    assert body.isascii(), [c for c in body if not c.isascii()]
    for row in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end", body, re.DOTALL):
        for line in row.split("\\\\\n"):
            assert line.count("&=") == 1
            assert braces_are_balanced(line)
    # A name of several letters is set upright; a bare underscore in it would be an error of LaTeX.
    assert not re.search(r"\\mathrm\{[^}]*(?<!\\)_", body)
    assert not re.search(r"_\{[^}]*(?<!\\)_[^{}]*\}", body)


CHILDREN = {"msub": 2, "msup": 2, "msubsup": 3, "mfrac": 2, "munder": 2}
KNOWN = {"math", "mrow", "mi", "mn", "mo", "mtext", *CHILDREN}


@pytest.mark.parametrize("name", ALL_CELLS)
def test_mathml_is_well_formed(name: str) -> None:
    """As XML, with the elements of MathML Core that browsers draw, each with as many children as it takes."""
    page = explain(cell_of(name))
    fragment = page.mathml()
    equations = [e for _, section in page.sections for e in section]
    for e in equations:
        assert ET.fromstring(e.mathml).tag == "math"
        assert e.left["mathml"] in fragment
    whole = ET.fromstring(f"<div>{fragment}</div>")
    formulas = [*whole.iter("math"), *(ET.fromstring(e.mathml) for e in equations)]
    assert len(formulas) >= 2 * len(equations)
    for element in (inner for formula in formulas for inner in formula.iter()):
        assert element.tag in KNOWN
        assert len(element) == CHILDREN.get(element.tag, len(element))
        assert element.tag not in ("mi", "mn", "mo", "mtext") or (element.text and not len(element))
    assert not {e.tag for e in whole.iter()} & {"script", "style", "a", "img", "iframe"}


def test_names_with_letters_that_mark_up_languages_care_about() -> None:
    """An underscore is set as a subscript; a cell's name with markup in it is refused, or escaped."""

    class Marked(Cell):
        def step(self, x, h, s):
            return {"a_b": x.h + h.h, "h": tanh(x.h + h.h - 0.5)}

    page = explain(Marked())
    ET.fromstring(f"<div>{page.mathml()}</div>")
    assert braces_are_balanced(page.latex())
    Marked.name = "<script>&"
    try:
        page = explain(Marked())
    except CellError:
        return
    ET.fromstring(f"<div>{page.mathml()}</div>")
    assert "<script>" not in page.mathml()


def test_a_state_is_spelled_the_same_now_and_one_step_before() -> None:
    class Long(Cell):
        state = ("h", "c_long")

        def step(self, x, h, s):
            c = 0.5 * s.c_long + x.h
            return {"c_long": c, "h": tanh(c + h.h)}

    page = explain(Long())
    now = next(e for e in page.equations if e.name == "c_long")
    for style in ("text", "latex", "mathml"):
        spelled = now.left[style]
        # The last t of its subscript, one step earlier.
        head, _, tail = spelled.rpartition("t" if style != "mathml" else "t</mtext>")
        before = f"{head}t-1{tail}" if style != "mathml" else f"{head}t-1</mtext>{tail}"
        assert before in now.paths[0].spellings[style], style


@pytest.mark.parametrize("value", [1234567, 0.123456789, 1e-7, 16777217, 2.5e20])
def test_constants_are_not_rounded_on_the_page(value: float) -> None:
    class Constant(Cell):
        def step(self, x, h, s):
            return {"h": tanh(x.h + h.h) * value}

    page = explain(Constant())
    (number,) = re.findall(r"⊙ (\S+)$", page.equations[0].text)
    assert float(number) == value
    assert "e-" not in page.equations[0].latex  # 1e-7 reads as 1 times Euler's number minus 7
    assert "e+" not in page.equations[0].latex


@pytest.mark.parametrize("name", ALL_CELLS)
def test_every_letter_on_the_page_is_introduced(name: str) -> None:
    """Each δ and each slope that an equation refers to has an equation of its own, and the mean's matrix M is said what it is."""
    page = explain(cell_of(name))
    sections = [e.text for _, equations in page.sections for e in equations]

    def letters(text: str) -> set[tuple[str, ...]]:
        """The δ and slopes in a text, whatever the step they are taken at."""
        found = [m[m.lastgroup] for m in re.finditer(TOKEN, text) if m.lastgroup in ("name", "slope")]
        marked = [f.removeprefix("∂") for f in found if f.startswith(("δ", "∂")) and not f.startswith("∂L/")]
        return {tuple(name_and_time(part)[0] for part in f.split("/∂")) for f in marked}

    defined = set().union(*(letters(text.split(" = ", 1)[0]) for text in sections))
    for text in sections:
        missing = letters(text.split(" = ", 1)[1]) - defined
        assert not missing, f"{missing} in {text}"
    if any(re.search(r"\bM\b", text) for text in sections):
        assert re.search(r"\bM:", page.text()), "nothing says what M is"


def test_unknown_name() -> None:
    with pytest.raises(InputError, match="lstm"):
        explain("lsmt")
