"""The student's process: run their file, then do what each question asks, one answer a line. It knows inputs, never an expected value."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from elman.checking.sandbox import guard, kernel, limits
from elman.checking.sandbox.plain import TooLargeError, from_plain, to_plain


def main() -> None:
    """Read the work from standard input, write answers to the descriptor that it names."""
    work = json.loads(sys.stdin.buffer.read())
    pipe, folder = work["pipe"], Path(work["folder"])
    kernel.end_with(work["parent"])
    os.chdir(folder)

    def say(
        message: dict[str, Any], *, dumps: Callable[..., str] = json.dumps, write: Callable[..., int] = os.write
    ) -> None:
        line = dumps(message).encode() + b"\n"
        while line:
            line = line[write(pipe, line) :]

    for name in work["preload"]:  # what loads native libraries; the guard refuses that afterwards
        with suppress(BaseException):  # the file's own import will fail, and say so
            importlib.import_module(name)
    if "torch" in sys.modules:
        _one_thread()
    say({"ready": True})
    limits.limit(memory=work["memory"], seconds=work["seconds"] * 12, file_size=16 * limits.MEBIBYTE)
    limits.no_new_processes()
    kernel.confine(folder, work["readable"])
    guard.watch(folder, work["readable"], Path(work["hidden"]))
    for name in [name for name in sys.modules if name.split(".")[0] == "elman"]:
        del sys.modules[name]  # what the file imports of these is another copy
    limits.question(work["seconds"])
    module, problem = _load(folder / work["file"])
    say({"loaded": problem})
    for number, actions in work["questions"]:
        limits.question(work["seconds"])
        say({"question": number, **_answer(module, actions)})
    say({"done": True})
    os._exit(0)  # whatever the file left to be done at exit is not our business


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    # Autograd sets itself up at its first use.
    leaf = torch.ones(1, requires_grad=True)
    torch.autograd.grad(leaf.sum(), [leaf])


def _load(path: Path) -> tuple[ModuleType, dict[str, Any] | None]:
    """The file as a module; if it fails, what it had defined until then, and where it failed."""
    spec = importlib.util.spec_from_file_location("submission", path)
    assert spec is not None  # noqa: S101 - for the type checker: the name ends with .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["submission"] = module
    own = ModuleType("builtins")  # what the file changes in there, it changes for itself
    vars(own).update(vars(builtins))
    sys.modules["builtins"] = vars(module)["__builtins__"] = own
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - a stranger's file may raise anything
        return module, _problem(error)
    return module, None


def _answer(module: ModuleType, actions: list[Any]) -> dict[str, Any]:
    try:
        return {"values": _Doing(module).all(actions)}
    except BaseException as error:  # noqa: BLE001
        return {"problem": _problem(error)}


def _problem(error: BaseException) -> dict[str, Any]:
    """What went wrong and on which line of the student's file; asked of the type alone, because attributes are the student's code."""
    kind = type(error)
    line = None
    for frame, number in traceback.walk_tb(sys.exc_info()[2]):
        if frame.f_globals.get("__name__") == "submission":
            line = number
    try:
        text = str(error)[:300]
        if line is None and issubclass(kind, SyntaxError):
            line = error.lineno  # type: ignore[attr-defined]
    except BaseException:  # noqa: BLE001 - even this is the student's code
        text = ""
    names: dict[type[BaseException], str] = {_MissingError: "missing", TooLargeError: "too large"}
    return {"kind": names.get(kind, kind.__name__)[:80], "text": text, "line": line}


class _MissingError(Exception):
    """A name that the question needs is not in the file."""


class _Doing:
    """The actions of one question, in order; each `call`, `method` and `get` is one value of the answer."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.thing: Any = None
        self.values: list[Any] = []

    def all(self, actions: list[Any]) -> list[Any]:
        for name, *rest in actions:
            getattr(self, f"do_{name}")(*rest)
        return self.values

    def find(self, name: str) -> Any:
        try:
            return getattr(self.module, name)
        except AttributeError:
            raise _MissingError(name) from None

    def do_make(self, name: str, args: list[Any]) -> None:
        """An object of a class. A constructor that wants more than it is given is passed by: its attributes are set anyway."""
        kind = self.find(name)
        given = from_plain(args)
        try:
            self.thing = kind(*given)
        except TypeError:
            if given:
                raise
            self.thing = object.__new__(kind)

    def do_set(self, values: dict[str, Any]) -> None:
        """Attributes, also dotted ones; a tensor keeps its place in the module and gets the numbers."""
        for path, value in values.items():
            *outer, last = path.split(".")
            owner = self.thing
            for name in outer:
                owner = self.attribute(owner, name, path)
            given = from_plain(value)
            old = getattr(owner, last, None)
            if old is not None and "torch" in str(type(old)) and hasattr(old, "data"):
                if tuple(old.shape) != tuple(given.shape):
                    raise _MissingError(f"{path} of shape {list(given.shape)}")
                old.data = old.new_tensor(given.tolist())
            else:
                setattr(owner, last, given)

    def do_expect(self, names: list[str]) -> None:
        """Attributes that the constructor must have made."""
        for name in names:
            self.attribute(self.thing, name, name)

    def do_method(self, name: str, args: list[Any]) -> None:
        method = self.attribute(self.thing, name, name)
        self.values.append(to_plain(method(*self.given(args))))

    def do_call(self, name: str, args: list[Any], times: int = 1) -> None:
        function, given = self.find(name), self.given(args)
        if times == 1:
            self.values.append(to_plain(function(*given)))
        else:
            self.values.append([to_plain(function(*given)) for _ in range(times)])

    def given(self, args: list[Any]) -> list[Any]:
        """Arguments; {"object": true} is the object that was made."""
        return [self.thing if isinstance(a, dict) and "object" in a else from_plain(a) for a in args]

    def do_get(self, name: str) -> None:
        owner = self.module if self.thing is None else self.thing
        self.values.append(to_plain(self.attribute(owner, name, name)))

    @staticmethod
    def attribute(owner: Any, name: str, path: str) -> Any:
        try:
            return getattr(owner, name)
        except AttributeError:
            raise _MissingError(path) from None
