"""`elman inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Json, Seed, print_json, write_out


def inspect(
    gradients: Annotated[
        bool,
        typer.Option("--gradients", help="How far back a gradient reaches, for the cells of the courses side by side."),
    ] = False,
    steps: Annotated[int, typer.Option("--steps", help="Length of the sequence.")] = 50,
    units: Annotated[int, typer.Option("--units", help="Units of each layer.")] = 64,
    out: Annotated[Path | None, typer.Option("--out", help="Write a page (one HTML file) with the chart.")] = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Look inside: how gradients vanish and explode, measured."""
    from elman.errors import InputError
    from elman.insight.gradient_flow import gradient_flow
    from elman.reports.gradient_flow import flow_page, print_flows

    if not gradients:
        raise InputError("say what to look at: elman inspect --gradients")
    flows = gradient_flow(steps=steps, units=units, seed=1 if seed is None else seed)
    if as_json:
        print_json([flow.to_json() for flow in flows])
        return
    print_flows(flows)
    if out is not None:
        write_out(out, flow_page(flows))
