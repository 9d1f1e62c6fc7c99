from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.errors import FolderError
from elman.storage import bytes_to_tensors, tensors_to_bytes

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 2**31)),
        max_size=5,
    )
)
def test_round_trip_of_every_bit(plan: dict[str, Any]) -> None:
    tensors = {}
    for name, (dtype, shape, seed) in plan.items():
        width = torch.empty(0, dtype=dtype).element_size()
        raw = torch.randint(0, 256, (*shape, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
        tensors[name] = raw[..., 0] > 127 if dtype is torch.bool else raw.view(dtype)[..., 0]
    back = bytes_to_tensors(tensors_to_bytes(tensors))
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        assert bits(back[name]) == bits(tensor)


def test_views_shared_memory_and_gradients() -> None:
    weight = torch.arange(6.0).reshape(2, 3).requires_grad_()
    tensors = {"weight": weight, "tied": weight, "view": weight.T, "row": weight[1]}
    back = bytes_to_tensors(tensors_to_bytes(tensors))
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
    back["tied"].add_(1)  # memory of its own, and writable
    assert torch.equal(back["weight"], weight)


def test_the_bytes_depend_on_the_content_only() -> None:
    one, two = torch.arange(3.0), torch.arange(4)
    assert tensors_to_bytes({"one": one, "two": two}) == tensors_to_bytes({"two": two, "one": one})
    names = [f"key {n} é" for n in range(30)]
    data = tensors_to_bytes({"one": one, "two": two}, {name: f"{name}\n\x7f" for name in reversed(names)})
    assert data == tensors_to_bytes({"two": two, "one": one}, {name: f"{name}\n\x7f" for name in names})
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == sorted(names)
    assert torch.equal(bytes_to_tensors(data)["one"], one)


def file(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def entry(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "empty": b"",
    "seven bytes": bytes(7),
    "header beyond the end": file({}, length=1000),
    "header of 2**63 bytes": file({}, length=2**63),
    "header of 2**64 - 1 bytes": file({}, length=2**64 - 1),
    "header of 100 MB and one": file({}, length=100_000_001),
    "header is no JSON": file(b"{"),
    "header is a list": file([]),
    "header is not UTF-8": file(b'{"\xff": 1}'),
    "header nested": file(b"[" * 100_000),
    "overlap": file({"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, bytes(12)),
    "same place twice": file({"a": entry(0, 8, [2]), "b": entry(0, 8, [2])}, bytes(8)),
    "gap": file({"a": entry(4, 12, [2])}, bytes(12)),
    "beyond the data": file({"a": entry(0, 800, [200])}, bytes(8)),
    "data left over": file({"a": entry(0, 8, [2])}, bytes(9)),
    "backwards": file({"a": entry(8, 0, [2])}, bytes(8)),
    "negative": file({"a": entry(-8, 0, [2])}, bytes(8)),
    "shape does not fit": file({"a": entry(0, 8, [3])}, bytes(8)),
    "shape overflows": file({"a": entry(0, 8, [2**62, 2**62])}, bytes(8)),
    "nothing, of an impossible shape": file({"a": entry(0, 0, [0, 2**63])}),
    "nothing, of a large shape": file({"a": entry(0, 0, [0, 2**40, 2**40])}),
    "unknown dtype": file({"a": entry(0, 8, [2], "F31")}, bytes(8)),
    "dtype that torch lacks": file({"a": entry(0, 3, [4], "F6_E2M3")}, bytes(3)),
    "no dtype": file({"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "metadata is no text": file({"__metadata__": {"a": 1}}),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files(data: bytes) -> None:
    with pytest.raises(FolderError, match=r"^not tensors in the safetensors format: .+$"):
        bytes_to_tensors(data)


GOOD = tensors_to_bytes({"a": torch.arange(6.0).reshape(2, 3), "b": torch.arange(5)})


def test_every_truncation() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(FolderError):
            bytes_to_tensors(GOOD[:length])


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_give_tensors_or_one_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    try:
        tensors = bytes_to_tensors(bytes(data))
    except FolderError:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())


def test_the_room_opens_without_torch() -> None:
    """So that the command line's help is quick."""
    source = str(Path(elman.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {source!r}); import elman.storage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
