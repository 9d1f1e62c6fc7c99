"""The house: rooms import only from rooms below, nothing runs code out of data, public names are told."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import elman

SOURCE = Path(elman.__file__).parent
LADDER = [
    {"errors", "randomness", "pages"},
    {"storage"},
    {"cells"},
    {"equations"},
    {"engines"},
    {"nn"},
    {"models"},
    {"data"},
    {"training"},
    {"generation"},
    {"insight"},
    {"coaching"},
    {"checking"},
    {"reports"},
    {"recipes"},
    {"runs"},
    {"comparing"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(LADDER) for room in rooms}
FILES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms that a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module] if node.module != "elman" else [f"elman.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        found |= {m.split(".")[1] for m in modules if m.startswith("elman.")}
    return found - {"__version__"}


ROOMS = [path for path in FILES if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", ROOMS, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_below(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"{room} has no floor in the ladder"
    upwards = {r for r in imports(path) if r != room and FLOOR[r] >= FLOOR[room]}
    assert not upwards


FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "yaml", "runpy"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("torch", "load"), ("torch", "save"), ("np", "load"), ("numpy", "load")}
GLOBAL_RANDOMNESS = {"seed", "rand", "randn", "randint", "random", "shuffle", "choice", "uniform", "normal"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_code_comes_from_data_and_no_randomness_from_nowhere(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] + (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            )
            assert not {n.split(".")[0] for n in names} & FORBIDDEN_MODULES
            assert "random" not in names, "Python's global generator"
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        if isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("extractall", "extract")
            if isinstance(node.func.value, ast.Name):
                assert (node.func.value.id, node.func.attr) not in FORBIDDEN_METHODS
                assert node.func.value.id != "random"
            if isinstance(node.func.value, ast.Attribute):
                inner = node.func.value
                assert not (inner.attr == "random" and node.func.attr in GLOBAL_RANDOMNESS), "NumPy's global generator"


def test_no_file_is_long() -> None:
    lengths = sorted((len(p.read_text("utf-8").splitlines()), str(p)) for p in FILES)
    assert lengths[-1][0] <= 500
    assert lengths[len(lengths) // 2][0] <= 150


def test_importing_the_package_imports_neither_torch_nor_sympy() -> None:
    code = "import sys, elman; print({'torch', 'sympy', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    for name in elman.__all__:
        value = getattr(elman, name)
        assert name.startswith("__") or value.__doc__, name
    assert set(elman.__all__) <= set(dir(elman))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = elman.nonsense
