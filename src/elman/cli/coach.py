"""`elman coach`."""

from __future__ import annotations

from elman.cli.options import Json, Run, print_json


def coach(run: Run, as_json: Json = False) -> None:
    """What is wrong with a training, with the figure that shows it and the one option to change."""
    from elman.coaching import print_advice
    from elman.runs.advised import read_advice

    findings = read_advice(run)
    if as_json:
        print_json([finding.model_dump() for finding in findings])
        return
    print_advice(findings)
