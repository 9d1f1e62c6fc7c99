"""ONNX Runtime: inference with the ONNX operators RNN, GRU and LSTM, from torch.nn's weights.

ONNX has other block orders, one tensor for both biases, and outputs as [T, D, B, H]; a GRU that resets after the product must be asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.case import Case, LeftOutError, Side

BLOCKS = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}  # torch's h; r z n; i f g o as h; z r h; i o f c
Array = NDArray[Any]


def side(case: Case, threads: int) -> Side:
    try:
        runtime = import_module("onnxruntime")
        model = _model(case)
    except ImportError:
        raise LeftOutError("ONNX Runtime, which is not installed (pip install -e '.[bench]')") from None
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    session = runtime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    given = {"xs": case.xs.numpy()}
    if case.workload.ragged:
        given["lengths"] = case.lengths.numpy().astype(np.int32)

    def forward() -> Any:
        return session.run(None, given)[0]

    return Side("ONNX Runtime", forward, None, lambda: torch.from_numpy(forward()), dict)


def _model(case: Case) -> bytes:
    """Layers below each other, each with its outputs brought back to [T, B, D * H]."""
    onnx: Any = import_module("onnx")
    helper, of_array, real = onnx.helper, onnx.numpy_helper.from_array, onnx.TensorProto.FLOAT
    w = case.workload
    nodes, constants = [], [of_array(np.array([0, 0, -1], np.int64), "shape")]
    features: list[int | str] = ["T", "B", w.inputs]
    inputs = [helper.make_tensor_value_info("xs", real, features)]
    if w.ragged:
        inputs.append(helper.make_tensor_value_info("lengths", onnx.TensorProto.INT32, ["B"]))
    values = "xs"
    for layer in range(w.layers):
        names = [f"{kind}{layer}" for kind in "WRB"]
        constants += [of_array(a, name) for a, name in zip(_weights(case, layer), names, strict=True)]
        options = {"hidden_size": w.units, "direction": "bidirectional" if w.bidirectional else "forward"}
        if case.cell == "GRU":
            options["linear_before_reset"] = 1
        lengths = "lengths" if w.ragged else ""
        nodes.append(helper.make_node(case.cell, [values, *names, lengths], [f"y{layer}"], **options))
        nodes.append(helper.make_node("Transpose", [f"y{layer}"], [f"side{layer}"], perm=[0, 2, 1, 3]))
        nodes.append(helper.make_node("Reshape", [f"side{layer}", "shape"], [f"out{layer}"]))
        values = f"out{layer}"
    outputs = [helper.make_tensor_value_info(values, real, ["T", "B", w.directions * w.units])]
    graph = helper.make_graph(nodes, case.cell, inputs, outputs, constants)
    found: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return found


def _weights(case: Case, layer: int) -> tuple[Array, Array, Array]:
    """W [D, G * H, I], R [D, G * H, H] and B [D, 2 * G * H]."""

    def reordered(name: str) -> Array:
        blocks = np.split(case.weights[name].numpy(), len(BLOCKS[case.cell]))
        return np.concatenate([blocks[k] for k in BLOCKS[case.cell]])

    ends = [f"_l{layer}", f"_l{layer}_reverse"][: case.workload.directions]
    return (
        np.stack([reordered("weight_ih" + end) for end in ends]),
        np.stack([reordered("weight_hh" + end) for end in ends]),
        np.stack([np.concatenate([reordered("bias_ih" + end), reordered("bias_hh" + end)]) for end in ends]),
    )
