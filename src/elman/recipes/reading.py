"""Read recipes: built-in ones by name, files by path, with overrides; every complaint names the line or the option."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError

from elman.errors import RecipeError
from elman.recipes.builtin_names import builtin_names
from elman.recipes.recipe import Recipe

MAX_BYTES = 1 << 20
MAX_LINES = 1000  # of a recipe are searched for a line number


def read_recipe(source: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe by built-in name or from a TOML file.

    Args:
        source: "names", or a path.
        overrides: values by dotted key, `{"training.epochs": 3}`; they win over the file.

    Raises:
        RecipeError: no such recipe, not TOML, an unknown key (with the nearest right one), a wrong type or value (with the line).
    """
    text, where = _text_of(source)
    return with_overrides(_toml(text, where), overrides or {}, text=text, where=where)


def read_toml(source: str | Path) -> tuple[dict[str, Any], str]:
    """The values of a TOML file that may be no recipe, and what to call it in messages.

    Raises:
        RecipeError: there is none, it is too long, not UTF-8, or not TOML.
    """
    text, where = _text_of(source)
    return _toml(text, where), where


def with_overrides(values: dict[str, Any], overrides: Mapping[str, Any], *, where: str, text: str = "") -> Recipe:
    """The recipe of these TOML values, some of them replaced; `text` is where complaints look for line numbers."""
    for key, value in overrides.items():
        _put(values, key, value)
    try:
        return Recipe.model_validate(values, strict=True)
    except ValidationError as error:
        raise RecipeError(_complaint(error, text, where, overrides)) from None


def recipe_to_toml(recipe: Recipe) -> str:
    """The complete recipe, with every default filled in; keys that are None are left out."""
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True), multiline_strings=True)


def parse_override(text: str) -> tuple[str, Any]:
    """`section.key=value` as key and value; the value is TOML, or text where it is not.

    Raises:
        RecipeError: there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {text!r}: expected section.key=value, such as training.epochs=3")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not valid TOML: {error}") from None


def _text_of(source: str | Path) -> tuple[str, str]:
    name = str(source)
    if name in builtin_names():
        return resources.files("elman.recipes").joinpath("builtin", f"{name}.toml").read_text("utf-8"), f"recipe {name}"
    path = Path(source)
    if not _is_file(path):
        near = difflib.get_close_matches(name, builtin_names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"built in are: {', '.join(builtin_names())}"
        raise RecipeError(f"there is no recipe {name[:80]!r}, neither built in nor as a file; {hint}")
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise RecipeError(f"{path} is {len(data):,} bytes long; a recipe has at most {MAX_BYTES:,}")
        return data.decode("utf-8-sig"), str(path)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8: byte {error.start} can't be decoded") from None
    except OSError as error:
        raise RecipeError(f"{path} can't be read: {error.strerror}") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key. A key without a dot that belongs to one section only is found there: `epochs` is `training.epochs`."""
    parts = key.split(".")
    if len(parts) == 1 and key not in Recipe.model_fields:
        sections = [s for s, fields in _sections().items() if key in fields]
        if len(sections) == 1:
            parts = [sections[0], key]
    target = values
    for part in parts[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise RecipeError(f"{key}: {part} is a value, not a section")
    target[parts[-1]] = value


def _sections() -> dict[str, dict[str, Any]]:
    found = {}
    for name, info in Recipe.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found[name] = dict(kind.model_fields)
    return found


def _complaint(error: ValidationError, text: str, where: str, given: Mapping[str, Any]) -> str:
    """The first thing that is wrong, in one sentence."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    place = (
        f"option {key}"
        if key in given or (location[-1:] and location[-1] in given)
        else f"{where}{_line(text, location)}: {key}"
    )
    if first["type"] == "extra_forbidden":
        fields = list(Recipe.model_fields) if len(location) == 1 else list(_sections().get(location[0], {}))
        candidates = fields
        if len(location) == 1 and location[0] in given:  # an option without its section
            candidates = [*fields, *(name for names in _sections().values() for name in names)]
        near = difflib.get_close_matches(location[-1], candidates, 1)
        elsewhere = [f"{s}.{location[-1]}" for s, names in _sections().items() if location[-1] in names]
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else f"did you mean {elsewhere[0]!r}?"
            if elsewhere
            else f"known: {', '.join(fields)}"
        )
        return f"{place} is not a key of a recipe; {hint}"
    message = first["msg"].removeprefix("Value error, ")
    got = "" if isinstance(first["input"], dict) else f"; got {first['input']!r}"
    return f"{place}: {message[0].lower()}{message[1:]}{got}"


def _line(text: str, location: list[str]) -> str:
    """Where a key stands: the first line with which the text so far holds it. TOML's parser does not tell."""
    lines = text.splitlines()
    for count in range(1, min(len(lines), MAX_LINES) + 1):
        try:
            found: Any = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value
        for part in location:
            found = found.get(part) if isinstance(found, dict) else found
        if found is not None:
            return f", line {count}"
    return ""
