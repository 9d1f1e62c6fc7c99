"""The manifest of a folder: size and SHA-256 of each file, and a checksum of itself.

There is exactly one spelling of a manifest, and reading compares with it: no changed byte goes unnoticed, not even white space.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError

from elman.errors import FolderError
from elman.storage.canonical import from_json, to_json

NAME = "manifest.json"
FORMAT = 1


def _plain(name: str) -> str:
    if name == NAME or not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name):
        raise ValueError("not a plain file name")
    return name


class Entry(BaseModel, frozen=True):
    """What a file must be."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The entry of a file with this content."""
        return cls(size=len(data), sha256=hashlib.sha256(data).hexdigest())


class Manifest(BaseModel, frozen=True):
    """What a folder must hold."""

    format: Literal[1]
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,40}$")]
    files: dict[Annotated[str, AfterValidator(_plain)], Entry]

    @classmethod
    def of(cls, files: Mapping[str, bytes], kind: str) -> Self:
        """The manifest of these files.

        Raises:
            FolderError: a name is not a plain file name, or `kind` is not a lower-case word.
        """
        content = {name: Entry.of(data) for name, data in files.items()}
        return cls._checked({"format": FORMAT, "kind": kind, "files": content}, "the folder to write")

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Self:
        """Read `to_bytes()`; `where` names it in messages.

        Raises:
            FolderError: it is damaged, hostile or of a newer format.
        """
        content = from_json(data, where)
        if not isinstance(content, dict):
            raise FolderError(f"{where} is not a manifest")
        found = content.get("format")
        if type(found) is int and found > FORMAT:  # first: the key `format` is all that is promised of later ones
            raise FolderError(
                f"{where}: made by a newer Elman (format {found}); this one reads up to {FORMAT}: upgrade"
            )
        content.pop("checksum", None)
        manifest = cls._checked(content, where)
        if manifest.to_bytes() != data:
            raise FolderError(f"{where} was altered: its checksum does not fit; take an intact copy of the folder")
        return manifest

    def to_bytes(self) -> bytes:
        """Canonical JSON; `checksum` is the SHA-256 of the canonical JSON of all else."""
        content = self.model_dump()
        return to_json(content | {"checksum": hashlib.sha256(to_json(content)).hexdigest()})

    @classmethod
    def _checked(cls, content: dict[str, Any], where: str) -> Self:
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            raise FolderError(f"{where} is not valid: {first['loc']}: {first['msg']}") from error
