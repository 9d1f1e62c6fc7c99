# ruff: noqa: E501 - a deed in one line
"""Submissions that mean harm or do it by accident: contained, told in a sentence, and the other questions are judged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import elman
from elman.checking.sandbox.answers import Other, Problem
from elman.checking.sandbox.asking import ask
from elman.checking.sandbox.process import Limits
from elman.checking.sandbox.work import call
from elman.checking.verdict import Verdict
from elman.checking.worksheets import worksheet
from elman.errors import EngineError


def confinable() -> bool:
    """Asked in another process, because there is no way back."""
    code = "import os, pathlib; from elman.checking.sandbox.kernel import confine; raise SystemExit(not all(confine(pathlib.Path(os.getcwd()), [])))"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SOURCES = str(Path(elman.__file__).parents[1])
CLIPPING = worksheet("clipping").solution
SHORT = Limits(seconds=1.0, memory=1 << 28)


def checked(folder: Path, text: str, sheet: str = "clipping", limits: Limits = SHORT) -> Verdict:
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    return elman.check(path, sheet, limits=limits)


DEEDS = [
    ("while True: pass", "does not come to an end"),
    ("import time; time.sleep(10**6)", "does not come to an end"),
    ("import os; os.fork()", "os.fork is refused"),
    ("import os\n    while True: os.fork()", "os.fork is refused"),
    ("import multiprocessing as m; m.Process(target=print).start()", "refused"),
    ("import subprocess; subprocess.run(['ls'])", "subprocess.Popen is refused"),
    ("import os; os.system('ls')", "os.system is refused"),
    ("np.ones(10 * 2**30 // 8).sum()", "more memory"),
    ("x = [0]\n    while True: x += x", "more memory"),
    ("import os; os.remove(PRECIOUS)", "is refused"),
    ("import shutil; shutil.rmtree(os.path.dirname(PRECIOUS))", "is refused"),
    ("import os; os.rename(PRECIOUS, PRECIOUS + '2')", "is refused"),
    ("import os; os.rename(PRECIOUS, 'here.txt')", "is refused"),
    ("open(PRECIOUS, 'w').close()", "writing to"),
    ("open(PRECIOUS).read()", "reading"),
    ("import os; os.open(PRECIOUS, os.O_RDWR)", "writing to"),
    ("import os; os.truncate(PRECIOUS, 0)", "is refused"),
    ("import os; os.symlink(PRECIOUS, 'link'); open('link', 'w')", "is refused"),
    ("import os; os.chmod(PRECIOUS, 0)", "is refused"),
    ("import pathlib; pathlib.Path(PRECIOUS).unlink()", "is refused"),
    ("import socket; socket.socket()", "socket"),
    ("import ctypes; ctypes.CDLL(None)", "ctypes"),
    ("import os, signal; os.kill(os.getppid(), 9)", "os.kill is refused"),
    ("open(f'/proc/{os.getppid()}/mem', 'rb')", "reading"),
    ("import sys; sys.exit()", "exit()"),
    ("exit(0)", "exit()"),
    ("import os; os._exit(0)", "ended before it answered"),
    ("import os; os.abort()", "ended before it answered"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("raise SystemExit", "exit()"),
    ("class E(BaseException):\n        def __getattribute__(self, n): raise self\n    raise E()", "It stops with E"),
    ("class E(Exception):\n        def __str__(self): raise self\n    raise E()", "It stops with E"),
    ("return [[[object()]]] * 3", "a list of one value, in it an object of type object"),
    ("a = []; a.append(a)\n    return a", "this came: a list of one value, in it something nested deeply"),
    ("return np.ones(3) * 1j", "an array of complex128"),
    ("import os; os.listdir('/proc')", "listing /proc is refused"),
    ("def f(): return f()\n    f()", "RecursionError"),
    ("input()", "keyboard"),
    ("return [np.zeros(10**6)] * 3", "far too large"),
    ("return [1e308 * 10, 'x', object()]", "first"),
    ("import sys; sys.modules['submission'] = None; return None", "first"),
    ("import os\n    for d in range(3, 200):\n        try: os.close(d)\n        except OSError: pass", ""),
    (
        'import os\n    for d in range(3, 200):\n        try: os.write(d, b\'{"question": 1, "values": []}\\n\' * 9)\n        except OSError: pass',
        "",
    ),
]


@pytest.mark.parametrize(("deed", "says"), DEEDS, ids=[d[:40] for d, _ in DEEDS])
def test_one_question_is_lost_and_no_more(deed: str, says: str, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    begin = "def clip_by_threshold(gradients, threshold):\n"
    assert begin in CLIPPING
    text = f"import os\nPRECIOUS = {str(precious)!r}\n" + CLIPPING.replace(begin, f"{begin}    {deed}\n")
    verdict = checked(tmp_path, text)
    assert precious.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.py", "precious.txt"]
    first, *others = verdict.findings
    assert first.outcome == "wrong"
    assert says in first.sentence
    assert "\n" not in first.sentence
    if says:  # whoever closes or writes to the way back spoils more than one answer, and still gains none
        assert [f.outcome for f in others] == ["right"] * 5, verdict.text


@pytest.mark.parametrize(
    "addition",
    [
        "print('x' * 5_000_000)",
        "import sys; sys.stderr.write('x' * 5_000_000)",
        "open('notes.txt', 'w').write('mine'); assert open('notes.txt').read() == 'mine'",
        "import warnings; warnings.warn('careful')",
        "import random, math, itertools, collections, dataclasses, typing, json, re, functools",
        "np.seterr(all='raise')",
        "import builtins; builtins.float = str; builtins.isinstance = builtins.issubclass = builtins.str = lambda *a: True",
        "raise ValueError('at the end')",
        "input('press a key')",
        "import threading",
    ],
)
def test_what_does_no_harm_is_accepted(addition: str, tmp_path: Path) -> None:
    assert checked(tmp_path, f"{CLIPPING}\n{addition}\n").right


LIES = [
    "import numpy\nnumpy.allclose = numpy.array_equal = numpy.isclose = lambda *a, **k: True\n",
    "import builtins\nbuiltins.all = builtins.any = lambda *a: True\n",
    (
        "class Liar(np.ndarray):\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n"
        "    def __sub__(self, o): return self * 0\n    __rsub__ = __sub__\n"
    ),
    "import sys\nsys.modules['elman.checking.judging'] = None\n",
    "try:\n    import elman.checking.judging as j; j.judge = lambda *a: []\nexcept BaseException: pass\n",
    "try:\n    from elman.checking.verdict import Finding; Finding.outcome = 'right'\nexcept BaseException: pass\n",
]


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_equality_gain_nothing(lie: str, tmp_path: Path) -> None:
    wrong = CLIPPING.replace("np.clip(g, -threshold, threshold)", "(0 * g).view(globals().get('Liar', np.ndarray))")
    verdict = checked(tmp_path, f"import numpy as np\n{lie}\n{wrong}")
    assert verdict.findings[0].outcome == "wrong"
    everything = "class Yes:\n    def __eq__(self, o): return True\n    def __float__(self): return 1.0\n    def __len__(self): return 3\n"
    verdict = checked(
        tmp_path, everything + "\n".join(f"def {n}(*a): return Yes()" for n in worksheet("clipping").defines)
    )
    assert not any(f.earned for f in verdict.findings)


def test_the_expected_values_are_never_in_the_process(tmp_path: Path) -> None:
    """Whatever can be reached from inside, memory included, holds inputs only; and the worksheets' own files can't be read."""
    spy = """
import gc, os
def clip_by_threshold(gradients, threshold):
    seen = [o for o in gc.get_objects() if type(o).__name__ in ("Question", "Worksheet", "Asked")]
    assert not seen
    try:
        import elman.checking.worksheets.clipping
    except OSError:
        return None
    raise AssertionError("the references can be imported")
"""
    verdict = checked(tmp_path, spy)
    assert "None" in verdict.findings[0].sentence, verdict.text


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("import os; os.fork()", "It does not run to its end: Line 1: os.fork is refused in a check."),
        ("raise SystemExit(0)", "It does not run to its end: Line 1: The file leaves the program with exit()."),
        ("1 / 0", "It does not run to its end: Line 1: It stops with ZeroDivisionError: division by zero."),
        ("import os; os._exit(3)", "(exit code 3). That is while the file is loaded, before any question."),
    ],
)
def test_a_file_that_fails_before_it_defines_anything_says_why(first: str, says: str, tmp_path: Path) -> None:
    verdict = checked(tmp_path, f"{first}\n{CLIPPING}")
    assert not any(f.earned for f in verdict.findings)
    assert all(says in f.sentence for f in verdict.findings), verdict.text
    assert not any("starter" in f.hint for f in verdict.findings)


def test_who_patches_the_way_back_is_told_so(tmp_path: Path) -> None:
    verdict = checked(tmp_path, f"import json\njson.JSONEncoder.encode = lambda *a: '[1]'\n{CLIPPING}")
    assert not any(f.earned for f in verdict.findings)
    assert "What came back can't be read" in verdict.findings[0].sentence


def test_three_endless_loops_are_enough(tmp_path: Path) -> None:
    text = "\n".join(f"def {n}(*a):\n    while True: pass" for n in worksheet("sampling").defines)
    began = time.monotonic()
    verdict = checked(tmp_path, text, "sampling", Limits(seconds=0.5))
    assert not any(f.earned for f in verdict.findings)
    assert "not asked" in verdict.findings[-1].sentence
    assert time.monotonic() - began < 60


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes sleep")
def test_sleeping_takes_no_longer_than_working(tmp_path: Path) -> None:
    text = "import time\n" + "\n".join(f"def {n}(*a): time.sleep(10**6)" for n in worksheet("clipping").defines)
    began = time.monotonic()
    verdict = checked(tmp_path, text, limits=Limits(seconds=5.0))
    assert time.monotonic() - began < 3 * 5 + 20  # and not three times twenty
    assert all("does not come to an end" in f.sentence for f in verdict.findings)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the limits end it")
def test_who_kills_the_checker_kills_the_submission(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("# worksheet: clipping\nimport time\ntime.sleep(10**6)\n")
    checker = subprocess.Popen(
        [sys.executable, "-m", "elman", "check", "mine.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": SOURCES}
    )
    children = Path(f"/proc/{checker.pid}/task/{checker.pid}/children")
    until = time.monotonic() + 60
    while not (started := children.read_text().split()) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(2.0)  # until it has read who its parent is
    checker.kill()
    checker.wait()
    while any(_runs(pid) for pid in started) and time.monotonic() < until:
        time.sleep(0.05)
    assert started
    assert not any(_runs(pid) for pid in started)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_file_that_never_ends_itself(tmp_path: Path) -> None:
    verdict = checked(tmp_path, "while True: pass")
    assert all("does not come to an end" in f.sentence for f in verdict.findings)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    source = b"def f():\n    import os; os.makedirs('a/b'); open('a/b/c', 'w').write('x'); return 1\ndef g():\n    return os\n"
    answers = ask(source, [[call("f")], [call("g")], [call("h")]])
    assert answers.questions[0] == [1.0]
    assert isinstance(answers.questions[1], Problem)
    assert answers.questions[1].line == 4
    assert answers.questions[2] == Problem("missing", "h")
    assert list(tmp_path.iterdir()) == []


SEARCH = """
import os, sys
def clip_by_threshold(gradients, threshold):
    found = []
    for top in {*sys.path, os.getcwd(), FOLDER}:
        for folder, _, files in os.walk(top):
            found += [f for f in files if f in ("solution_of_another.py", "clipping.py")]
    for name in ("solution_of_another", "elman.checking.worksheets.clipping"):
        try:
            found.append(__import__(name))
        except (ImportError, OSError):
            pass
    try:
        found.append(open(os.path.join(FOLDER, "solution_of_another.py")).read())
    except OSError:
        pass
    return f"found {[f for f in found if f != 'clipping.py']}"
"""


def test_the_folder_that_a_class_is_checked_from_is_not_readable(tmp_path: Path) -> None:
    """`python -m elman` has it on its path, and PYTHONPATH may have others: what lies there is nobody's to read."""
    (tmp_path / "solution_of_another.py").write_text(worksheet("clipping").solution)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mine.py").write_text(f"FOLDER = {str(tmp_path)!r}\n{SEARCH}")
    done = subprocess.run(
        [sys.executable, "-m", "elman", "check", "mine/mine.py", "--worksheet", "clipping"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join([SOURCES, str(tmp_path)])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "the text 'found []'" in done.stdout, done.stdout + done.stderr


AROUND_PYTHON = """
import torch
def native_write():
    torch.save(torch.ones(3), OUTSIDE)
def patched():
    import os, posixpath
    os.path.realpath = posixpath.realpath = lambda p, **k: os.getcwd()
    os.unlink(OUTSIDE)
def native_read():
    return torch.from_file(OUTSIDE, size=4, dtype=torch.uint8).tolist()
def native_inside():
    torch.save(torch.ones(3), "inside.pt")
    return 1
"""


@pytest.mark.skipif(
    not confinable(), reason="this kernel has no Landlock or no seccomp; the guard alone does not see native code"
)
def test_what_goes_around_python_is_refused_by_the_kernel(tmp_path: Path) -> None:
    outside = tmp_path / "outside.pt"
    outside.write_text("mine")
    names = ("native_write", "patched", "native_read", "native_inside")
    source = f"OUTSIDE = {str(outside)!r}\n{AROUND_PYTHON}".encode()
    answers = ask(source, [[call(name)] for name in names], preload=("torch",))
    assert outside.read_text() == "mine"
    assert all(isinstance(a, Problem) for a in answers.questions[:3]), answers
    assert answers.questions[3] == [1.0]


WITHOUT_A_GUARD = """
import os, pathlib, socket, subprocess, sys, threading
from elman.checking.sandbox.kernel import confine
from elman.checking.sandbox.places import readable
inside, outside = map(pathlib.Path, sys.argv[1:])
confine(inside, readable(()))
def refused(deed, *arguments):
    try:
        deed(*arguments)
    except PermissionError:
        return True
    return False
may = [lambda: (inside / "a").write_text("x"), lambda: (inside / "a").rename(inside / "b"), lambda: (inside / "c").mkdir(),
       lambda: open(os.devnull, "w").write("x"), lambda: open(os.__file__).read(), lambda: (inside / "b").unlink()]
may_not = [outside.read_text, lambda: os.listdir(outside.parent), lambda: outside.write_text("x"), outside.unlink, lambda: os.truncate(outside, 0), lambda: outside.rename(inside / "d"),
           lambda: (outside.parent / "new").mkdir(), os.fork, lambda: subprocess.run(["true"]), lambda: os.execv("/bin/true", ["true"]),
           lambda: os.kill(os.getppid(), 0), socket.socket]
done = []
thread = threading.Thread(target=lambda: done.append(1))
thread.start(), thread.join()
raise SystemExit(f"{[refused(deed) for deed in may]} {[refused(deed) for deed in may_not]} {done}")
"""


@pytest.mark.skipif(not confinable(), reason="this kernel has no Landlock or no seccomp")
def test_the_kernel_alone_keeps_a_process_in_its_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    outside.write_text("mine")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_GUARD, inside, outside], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == f"{[False] * 6} {[True] * 12} [1]"
    assert outside.read_text() == "mine"


def test_a_process_that_does_not_start_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.checking.sandbox.process.START", "raise SystemExit(7)  # {path}")
    with pytest.raises(EngineError, match=r"ended before the submission was run: exit code 7"):
        checked(tmp_path, CLIPPING)


def test_what_comes_back_is_plain() -> None:
    source = b"""
import numpy as np
class Odd:
    pass
def f():
    return [None, True, 3, "text", (1, [2, 3]), {"a": np.float32(0.5), 2: np.arange(3)}, Odd(), np.array(["x", "y"]), 1j, {4}]
"""
    (values,) = ask(source, [[call("f")]]).questions
    assert isinstance(values, list)
    none, true, three, text, nested, pairs, odd, words, imaginary, four = values[0]
    assert (none, true, three, text, nested, four) == (None, 1.0, 3.0, "text", [1.0, [2.0, 3.0]], [4.0])
    assert pairs["a"] == 0.5
    assert pairs["2"].tolist() == [0.0, 1.0, 2.0]
    assert odd == Other("Odd")
    assert isinstance(words, Other)
    assert isinstance(imaginary, Other)
