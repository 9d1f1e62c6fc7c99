"""`elman doctor`."""

from __future__ import annotations

import typer

from elman.cli.options import Json, print_json


def doctor(as_json: Json = False) -> None:
    """What this machine has, which engines run here, and whether they agree with each other."""
    from elman.checking.health import examine

    findings = examine()
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            typer.echo(f"{'ok ' if finding['ok'] else 'NO '} {finding['what']:<18} {finding['detail']}")
    if not all(finding["ok"] for finding in findings):
        raise typer.Exit(1)
