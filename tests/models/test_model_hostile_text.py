"""A stranger's cell is parsed, never run: whatever its text says, the answer is a model or one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import Strange, check_sentence, files_of, make_model, with_config, with_tensors, write

import elman
from elman.cells import get, names
from elman.equations import cell_to_text
from elman.errors import CellError, ElmanError, FolderError, InputError
from elman.models import LanguageModel, ModelSettings
from elman.storage import tensors_to_bytes

FILES = files_of(make_model(ModelSettings(cell="elman", hidden=4)))
HEAD = "cell x\ngates h\nstate h\n"

CODE = [
    "__import__('os').system('touch pwned')",
    'open("pwned", "w").write("x")',
    "eval(x.h)",
    "exec(x.h)",
    "x.__class__",
    "x.h.__class__",
    "().__class__",
    "h.__init__",
    "s.__globals__",
    "tanh.__globals__",
    "tanh(x.h).numpy()",
    "lambda: x.h",
    "[x.h]",
    "{x.h}",
    "x['h']",
    "x.h if h.h else s.h",
    "x.h; import os",
    "f'{x.h}'",
    "`id`",
    "$(id)",
    "x.h\\\n",
    "x.h := 5",
    "x.h @ h.h",
    "x.h // 2",
    "x.h % 2",
    "x.h < 2",
    "not x.h",
    "x.h ** h.h",
    "x.h ** 1000000",
    "2 ** 99999999",
    "torch.load(x.h)",
    "numpy.load(x.h)",
    "load(x.h)",
    "apply(x.h)",
    "ｘ.h",
    "x.ｈ",
    "x․h",
    "x.h\u202e",
    "x.h\x00",
    "1e999 * x.h",
    "9" * 5000,
    "0x41",
    "1_000",
    "1j * x.h",
    "nan",
    "inf",
    "",
    "=",
    "== x.h",
    "x.h +",
    "x.h x.h",
    "tanh()",
    "tanh(x.h, h.h)",
    "tanh",
    "maximum(x.h)",
    "h(x.h)",
    "h(x.h).nothing",
    "x.nothing",
    "nothing",
    "p.h",
    "(" * 5000 + "x.h",
    "(" * 3000 + "x.h" + ")" * 3000,
    "-" * 5000 + "x.h",
    "x.h + " * 3000 + "x.h",
    "tanh(" * 1500 + "x.h" + ")" * 1500,
]
WHOLE = [
    "",
    "\n",
    "h = x.h",
    "import os\n",
    "cell x",
    "cell x\ngates h\nh = x.h\n",
    "cell x\nstate h\nh = 1\n",
    "cell x\ngates h\nstate h\n",
    "cell x\ngates h\nstate h\nc = x.h\n",
    "cell ../../etc/passwd\ngates h\nstate h\nh = x.h\n",
    "cell <script>alert(1)</script>\ngates h\nstate h\nh = x.h\n",
    "cell x\ngates h, h\nstate h\nh = x.h\n",
    "cell x\ngates \nstate h\nh = x.h\n",
    "cell x\ngates h\nstate h, \nh = x.h\n",
    "cell x\ngates __class__\nstate h\nh = x.__class__\n",
    "cell x\ngates h\nstate __class__\n__class__ = x.h\n",
    "cell x\ngates h\nstate h\n__init__ = x.h\nh = x.h\n",
    "cell x\ngates h\nstate h\nforget q\nh = x.h\n",
    "cell x\ngates h\nstate h\nstate c\nh = x.h\n",
    "cell x\ngates h\nstate h\nh = x.h\nh = x.h\n",
    "cell x\ngates h\nstate h, c\nh = c\nc = h\n",
    "cell x\ngates h\nstate h\nh = h\n",
    HEAD + "".join(f"a{k} = x.h\n" for k in range(300)) + "h = x.h\n",
    HEAD + "h = x.h\n" + "# " + "x" * 20_000,
    "cell " + "x" * 500 + "\ngates h\nstate h\nh = x.h\n",
    "cell x\ngates " + ", ".join(f"g{k}" for k in range(5000)) + "\nstate h\nh = x.g1\n",
]


@pytest.mark.parametrize("text", [*(f"{HEAD}h = {code}\n" for code in CODE), *WHOLE], ids=lambda t: repr(t[-40:]))
def test_text_that_is_no_cell_is_refused_in_one_sentence(text: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "model", with_config(FILES, cell=text))
    with pytest.raises(FolderError) as caught:
        elman.load(folder)
    assert str(folder) in check_sentence(caught.value)
    assert not list(tmp_path.rglob("pwned"))


AWKWARD = [
    "x.h / 0",
    "1 / 0 + x.h",
    "x.h + 5 / 3",
    "x.h + exp(1000)",
    "x.h + log(0)",
    "x.h + sqrt((-1))",
    "x.h + mean(2)",
    "x.h + relu((-3))",
    "x.h + softsign(2) + softplus(3) + absolute(2) + sign(3) + positive(3) + maximum(1, 2)",
    "x.h + " + "9" * 300 + " * " + "9" * 300 + " / 1",
    "h(h(x.h).h).h",
    "h(1).h + x.h",
    "h(mean(x.h)).h",
    "mean(x.h) + mean(mean(h.h))",
    "x.h * 1e308 * 1e308",
    "exp(exp(exp(x.h * 1e6)))",
    "log(x.h) + sqrt(h.h)",
    "x.h ** 16",
]
CONSTANT = [
    "cell x\ngates h\nstate h, c\nh = tanh(x.h + s.c)\nc = 1\n",
    "cell x\ngates h\nstate h, c\nh = 1\nc = x.h\n",
    "cell x\ngates h\nstate h, c\nh = tanh(x.h + s.c)\nc = maximum(1, 2)\n",
    "cell x\ngates h\nstate h\nvectors u\nh = p.u\n",
    "cell x\ngates h\nstate h\nvectors u, v\nh = p.u * s.h\n",
    "cell x\ngates h\nstate h, c\nh = x.h\nc = s.h\n",
    "cell x\ngates h, unused\nstate h\nh = h.h\n",
]
SQUARES = HEAD + "a0 = tanh(x.h)\n" + "".join(f"a{k + 1} = a{k} * a{k}\n" for k in range(200)) + "h = a200\n"


def use(text: str, folder: Path) -> None:
    """Load it with weights that fit, where it is a cell at all, and generate."""
    fitting = ModelSettings(cell_text=text, hidden=4)
    model = LanguageModel(fitting, 5, generator=torch.Generator().manual_seed(1))
    files = with_tensors(FILES, {name: value.detach() for name, value in model.state_dict().items()})
    loaded = elman.load(write(folder, with_config(files, cell=text)))
    loaded.sample(seed=1, count=2, length=3)
    loaded.score("ab\ncd")


@pytest.mark.parametrize(
    "text", [*(f"{HEAD}h = {a}\n" for a in AWKWARD), *CONSTANT, SQUARES], ids=lambda t: repr(t[-40:])
)
def test_equations_that_make_no_sense_end_in_a_sentence_or_a_sample(text: str, tmp_path: Path) -> None:
    """No crash, no warning on the way, no exponential time."""
    try:
        use(text, tmp_path / "model")
    except ElmanError as error:
        check_sentence(error)


PIECES = [
    *(
        "cell",
        "gates",
        "state",
        "vectors",
        "forget",
        "x",
        "h",
        "s",
        "p",
        "c",
        "r",
        "n",
        "tanh",
        "sigmoid",
        "mean",
        "maximum",
    ),
    *(".", ",", "(", ")", "+", "-", "*", "/", "=", "\n", " ", "**", "_", "é", "\0", "0", "1", "2", "1e9", "0.5"),
    *("exp", "log", "x.h", "s.h", "h.h", "h("),
]
TEXTS = [cell_to_text(get(name)) for name in names()] + [cell_to_text(Strange())]


@st.composite
def spoilt_texts(draw: st.DrawFn) -> str:
    """The text of a real cell with some pieces taken out, put in or repeated."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 8, len(text))))
        text = text[:start] + draw(st.sampled_from([*PIECES, ""])) + text[end:]
    return text


@given(text=spoilt_texts())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_spoilt_cells_are_cells_or_are_refused(text: str) -> None:
    try:
        model = LanguageModel(ModelSettings(cell_text=text, hidden=2), 3)
        logits, state = model.step(torch.tensor([0, 1]), None)
        model.step(torch.tensor([2, 2]), state)
        assert logits.shape == (2, 3)
    except (CellError, InputError) as error:
        check_sentence(error)


WATCHER = """
import json, sys, warnings
from pathlib import Path

import elman, elman.runs
from elman.errors import ElmanError

good, *folders = sys.argv[1:]
elman.load(good).sample(seed=1, count=2)     # whatever is imported late is imported now
try:
    elman.load(folders[0])
except ElmanError:
    pass

HARMLESS = ("open", "os.listdir", "os.scandir", "object.", "marshal.", "code.__new__", "sys._getframe", "gc.", "builtins.id", "cpython.")
seen, errors, loaded = [], [], 0

def watch(event, arguments):
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & 3):
        return       # for reading
    if event.startswith(HARMLESS) and event != "open":
        return
    if event == "import" and arguments[0] in sys.modules:
        return
    seen.append([event, repr(arguments)[:200]])

sys.addaudithook(watch)
for folder in folders:
    try:
        elman.load(folder).sample(seed=1, count=2, length=3)
        loaded += 1
    except ElmanError as error:
        errors.append(str(error))
finished = list(seen)
print(json.dumps({"seen": finished, "errors": len(errors), "loaded": loaded}))
"""


def test_nothing_is_executed_imported_or_started(tmp_path: Path) -> None:
    """Python's own audit events, in a process that reads one folder after the other: none but reading files."""
    good = write(tmp_path / "good", FILES)
    folders = []
    for number, text in enumerate([*(f"{HEAD}h = {code}\n" for code in CODE), *WHOLE, SQUARES]):
        folders.append(write(tmp_path / f"m{number}", with_config(FILES, cell=text)))
    pickle = b"cos\nsystem\n(S'touch pwned'\ntR."
    folders.append(write(tmp_path / "pickle", {**FILES, "model.safetensors": pickle}))
    extra = {"evil.py": b"open('pwned', 'w')", "sitecustomize.py": b"open('pwned', 'w')", "model.pt": pickle}
    folders.append(write(tmp_path / "extra", {**FILES, **extra}))
    title = {"title": "{0.__class__}", "x": "!!python/object/apply:os.system ['touch pwned']"}
    folders.append(write(tmp_path / "title", with_config(FILES, **title)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(elman.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, str(good), *map(str, folders)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["seen"] == []
    assert told["loaded"] >= 2  # the folder with files too many, and the one with an odd title
    assert told["errors"] + told["loaded"] == len(folders)
    assert not list(tmp_path.rglob("pwned"))
    assert not done.stderr


def test_weights_that_lie_about_their_size(tmp_path: Path) -> None:
    """A header that promises terabytes is refused without asking for them."""
    header = json.dumps({"x": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    lie = len(header).to_bytes(8, "little") + header
    overlap = tensors_to_bytes({"a": torch.zeros(4), "b": torch.ones(4)}).replace(b"[16,32]", b"[0,16] ")
    for data in (lie, overlap, (2**62).to_bytes(8, "little") + header):
        with pytest.raises(FolderError), warnings.catch_warnings():
            elman.load(write(tmp_path / "model", {**FILES, "model.safetensors": data}))
