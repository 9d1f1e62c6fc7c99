"""Streaming: one step a call, and whole texts, beside torch's *Cell with a Linear head and a sampling loop around them. One text at a time.

torch's side is given what it can be: inference mode, inputs that are one-hot rows already, nothing made anew that could be kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from bench.options import Options
from bench.timing import alternate, figures
from bench.workloads import CELLS
from elman.models import LanguageModel, ModelSettings
from elman.models.language_stream import LanguageStream

SYMBOLS, UNITS = 65, (128, 256, 512)
STEPS = 100  # in one action
TOP_K = 10
NAMES = {"RNN": "elman", "GRU": "gru", "LSTM": "lstm"}


class Peer:
    """The same model out of torch's parts, with its weights."""

    def __init__(self, cell: str, model: LanguageModel) -> None:
        units = model.settings.hidden
        self.cell = getattr(nn, f"{cell}Cell")(SYMBOLS, units)
        self.head = nn.Linear(units, SYMBOLS)
        self.cell.load_state_dict(
            {name.removesuffix("_l0"): w.clone() for name, w in model.recurrent.state_dict().items()}
        )
        self.head.load_state_dict(model.output.state_dict())
        self.rows = torch.eye(SYMBOLS)
        self.generator = torch.Generator().manual_seed(1)
        self.state: Any = None

    def step(self, token: int) -> Tensor:
        self.state = self.cell(self.rows[token : token + 1], self.state)
        output = self.state[0] if isinstance(self.state, tuple) else self.state
        logits: Tensor = self.head(output)
        return logits

    @torch.inference_mode()
    def steps(self) -> None:
        x = self.rows[:1]
        cell, head = self.cell, self.head
        for _ in range(STEPS):
            self.state = cell(x, self.state)
            head(self.state[0] if isinstance(self.state, tuple) else self.state)

    @torch.inference_mode()
    def text(self) -> None:
        token = 0
        for _ in range(STEPS):
            values, symbols = self.step(token).topk(TOP_K)
            drawn = torch.multinomial(torch.softmax(values, -1), 1, generator=self.generator)
            token = int(symbols[0, drawn])


class Ours:
    """A stream; the same bursts of steps and texts of the same length."""

    def __init__(self, model: LanguageModel, precision: str) -> None:
        self.stream: LanguageStream = model.stream(precision=precision)
        self.token = torch.zeros(1, dtype=torch.int64)
        self.out = self.stream.step(self.token)
        self.generator = torch.Generator().manual_seed(1)

    def steps(self) -> None:
        step, token = self.stream.step, self.token
        for _ in range(STEPS):
            step(token)

    def steps_into(self) -> None:
        step, token, out = self.stream.step, self.token, self.out
        for _ in range(STEPS):
            step(token, out)

    def text(self) -> None:
        self.stream.generate(STEPS, top_k=TOP_K, generator=self.generator)


def run(options: Options) -> list[dict[str, Any]]:
    rows = []
    for units in (16,) if options.small else UNITS:
        for cell in CELLS:
            model = LanguageModel(ModelSettings(cell=NAMES[cell], hidden=units), SYMBOLS)
            peer, full, half = Peer(cell, model), Ours(model, "float32"), Ours(model, "bf16")
            _agree(peer, model, options)
            steps: dict[str, Callable[[], Any]] = {
                "torch": peer.steps, "float32": full.steps, "float32 out=": full.steps_into, "bf16": half.steps,
                "bf16 out=": half.steps_into,
            }  # fmt: skip
            texts: dict[str, Callable[[], Any]] = {"torch": peer.text, "float32": full.text, "bf16": half.text}
            for what, actions in (("step", steps), ("text", texts)):
                found = {
                    name: [t / STEPS for t in times]
                    for name, times in alternate(actions, options.rounds, options.burst).items()
                }
                sides = {
                    name: figures(found["torch"], times) | {"seconds": statistics.median(times), "rounds": times}
                    for name, times in found.items()
                }
                rows.append(
                    {"units": units, "cell": cell, "what": what, "engine": full.stream.engine_used, "sides": sides}
                )
    options.console.print(_table(rows, options))
    return rows


def _agree(peer: Peer, model: LanguageModel, options: Options) -> None:
    for precision, allowed in (("float32", 1e-5), ("bf16", 0.03)):
        stream = model.stream(precision=precision)
        peer.state = None
        for token in (3, 0, 64, 3, 17):
            with torch.inference_mode():
                expected = peer.step(token)
            if float((stream.step(torch.tensor([token])) - expected).abs().max()) > allowed:
                sizes = f"{model.settings.cell} with {model.settings.hidden} units"
                options.fail(f"streaming {sizes} in {precision}: torch has other logits")
                return


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"One text at a time, {SYMBOLS} symbols, {options.threads} threads: µs a symbol; how many times as long torch takes",
        caption=f"step: a call a symbol, against *Cell and Linear; out=: into one tensor. text: {STEPS} drawn in a call, top-k {TOP_K}.",
    )  # fmt: skip
    names = ("float32", "float32 out=", "bf16", "bf16 out=")
    for heading in ("units", "cell", "", "torch", *names):
        table.add_column(heading, justify="left" if heading in ("cell", "") else "right")
    for row in rows:
        sides = row["sides"]
        ours = [f"{1e6 * sides[n]['seconds']:.2f}  {sides[n]['ratio']:.1f}x" if n in sides else "" for n in names]
        table.add_row(str(row["units"]), row["cell"], row["what"], f"{1e6 * sides['torch']['seconds']:.1f}", *ours)
    return table
