"""Layers as the harness reads them: every pointwise cell's plan, and sizes drawn around what the engine cuts its work into."""

from __future__ import annotations

import random

from nn_grid import KINDS, Config, draw, make_case
from random_layers import ALL_CELLS, cell_of
from written_cells import Deaf, Many

from elman.engines.plans import plan_numbers
from elman.equations import trace
from elman.equations.tracing import Trace

RECORDS, DX, BIAS, GRAD_Y, GRAD_LAST, GAPS, DIFFERENCES, CROWD = (1 << k for k in range(8))
EVERYTHING = RECORDS | DX | BIAS | GRAD_Y | GRAD_LAST
TRACES = [t for t in map(trace, [*map(cell_of, ALL_CELLS), Deaf(), Many()]) if t.obstacle is None]


def plan_text(t: Trace) -> str:
    """A cell's plan in the harness's words."""
    x_block, h_block, history, vectors, saved, *programs = plan_numbers(t)
    words: list[object] = ["plan", t.name]
    for numbers in (x_block, h_block, history):
        words += [len(numbers), *numbers]
    words += [vectors, saved]
    for at in (0, 5):
        code, constants, inputs, outputs, registers = programs[at : at + 5]
        words += [4 * len(code), *(n for line in code for n in line), len(constants), *map(repr, constants)]
        for slots in (inputs, outputs):
            words += [3 * len(slots), *(n for slot in slots for n in slot)]
        words.append(registers)
    return " ".join(map(str, words))


def case_text(
    plan: int, sizes: list[int], inputs: int, units: int, directions: int = 1, parts: int = 1, threads: int = 1,
    flags: int = EVERYTHING, wanted: int = 31, table: int = 0,
) -> str:  # fmt: skip
    # A table holds the products of the inputs, so there are none; cells that don't read their input have no table.
    table = table if TRACES[plan].x_gates else 0
    return " ".join(
        map(
            str,
            (
                "case",
                plan,
                1 if table else inputs,
                units,
                directions,
                parts,
                threads,
                flags,
                wanted,
                table,
                len(sizes),
                *sizes,
            ),
        )
    )


def random_case(rng: random.Random, plan: int, *, largest: int = 70, most_threads: int = 3) -> str:
    """Sizes around the widths of vectors and panels, sequences that end at any step, and gradients that nobody asks for."""
    around = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129]
    allowed = [n for n in around if n <= largest]
    longest = rng.choice([1, 1, 2, 3, 5, 9])
    sizes = sorted((rng.choice([1, 1, 2, 3, 5, 6, 7, 8, 13, 14, 25]) for _ in range(longest)), reverse=True)
    flags = EVERYTHING | rng.choice([0, GAPS])
    for flag, chance in ((RECORDS, 0.1), (DX, 0.3), (BIAS, 0.3), (GRAD_Y, 0.2), (GRAD_LAST, 0.3)):
        flags &= ~flag if rng.random() < chance else -1
    parts = rng.randint(1, min(4, sizes[0]))
    return case_text(
        plan, sizes, rng.choice(allowed), rng.choice(allowed), rng.choice([1, 2]), parts, rng.randint(1, most_threads),
        flags, rng.choice([31, 31, rng.randrange(32)]), rng.choice([0, 0, 1, 6]),
    )  # fmt: skip


def head_case(rng: random.Random, rows: int | None = None) -> str:
    """The end of a language model: rows, units, symbols, a gap between rows, threads, and what is asked for."""
    around = [1, 2, 5, 8, 15, 16, 17, 31, 33, 64, 65, 100, 129]
    rows = rng.choice([1, 2, 5, 6, 7, 13, 63, 64, 65]) if rows is None else rows
    sizes = [rng.choice(around), rng.choice([*around, 200])]
    return " ".join(
        map(
            str,
            (
                "head",
                rows,
                *sizes,
                rng.choice([0, 0, 3]),
                rng.randint(1, 3),
                rng.choice([31, 15, 23, rng.randrange(32)]),
            ),
        )
    )


def fast_cases() -> str:
    """Each cell in a few layers that cross everything: panels that are not full, ends at every step, both directions, parts, threads."""
    rng = random.Random(11)
    lines = list(map(plan_text, TRACES))
    for plan in range(len(TRACES)):
        lines += [
            case_text(plan, [3, 2, 2], 2, 3, 2, flags=EVERYTHING | DIFFERENCES),
            case_text(plan, [4, 2, 2, 1], 1, 35, 2, 2, 2, table=5),
            case_text(plan, [7, 5, 5, 2, 1, 1], 35, 33, 2, 2, 3, EVERYTHING | GAPS),
            case_text(plan, [2, 2, 1], 70, 67, 1, 1, 2),  # two threads share the units of one part
            random_case(rng, plan),
        ]
    for plan in (1, 4):
        lines += [
            case_text(plan, [40] * 45, 3, 5, 2, 3, 2),  # more rows than one stretch
            case_text(plan, [40] * 30, 3, 5, 2, 1, 2),
            case_text(plan, [3] * 700, 2, 5, 2, 2, 3),  # three stretches: the directions meet in the second one
            # A crew for each direction, and one thread too many.
            case_text(plan, [3, 3, 2, 1], 3, 130, 2, 1, 5, EVERYTHING | GAPS),
            case_text(plan, [2, 2, 1], 1, 130, 1, 1, 3, table=5),
            case_text(plan, [2] * 512, 3, 67, 1, 1, 2),  # a crew in two stretches of the same length
            case_text(plan, [300, 300, 1], 16, 16, 1, 1, 2),  # more than are summed in one go
            case_text(plan, [9, 9, 4], 130, 129, 1, 2, 2),  # a product deeper than one stretch of a panel
            case_text(plan, [5, 5, 2], 8, 9, 2, 2, 2, EVERYTHING | CROWD),
        ]
    lines += [head_case(rng) for _ in range(24)] + ["head 1100 17 20 0 2 31", "head 700 64 65 1 3 15"]
    return "\n".join(lines)


def random_cases(count: int, seed: int) -> str:
    rng = random.Random(seed)
    lines = list(map(plan_text, TRACES))
    lines += [
        random_case(rng, at % len(TRACES), largest=129, most_threads=4)
        if at % 10
        else head_case(rng, rng.randint(1, 900))
        for at in range(count)
    ]
    return "\n".join(lines)


def grid_cases() -> str:
    """Every layer of the configurations that torch.nn is compared on."""
    names = [t.name for t in TRACES]
    plans = {"rnn_tanh": "elman", "rnn_relu": "elman-relu", "lstm": "lstm", "gru": "gru"}
    lines = list(map(plan_text, TRACES))
    for kind in KINDS:
        for config in draw(kind, 200, seed=1):
            lines += [_layer(config, names.index(plans[kind]), layer) for layer in range(config.layers)]
    return "\n".join(lines)


def _layer(config: Config, plan: int, layer: int) -> str:
    lengths = make_case(config).lengths if config.form.startswith("packed") else [config.steps] * config.batch
    sizes = [sum(length > t for length in lengths) for t in range(max(lengths))]
    inputs = config.inputs if layer == 0 else config.units * config.directions
    flags = EVERYTHING & ~(0 if config.bias else BIAS) | (GAPS if config.strided else 0)
    return case_text(
        plan, sizes, inputs, config.units, config.directions, 1 + config.seed % sizes[0], 1 + config.seed % 3, flags
    )
