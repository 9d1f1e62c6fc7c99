"""Entry point of `elman`."""

from __future__ import annotations

import os
import sys

from elman.errors import ElmanError

MENU = """\
Elman: recurrent networks, from the equation to the trained model.

  elman demo                       train a name generator in a minute; leaves a report to look at
  elman explain lstm --gradients   the equations of an LSTM, and its gradients, derived
  elman worked forward-by-hand     a course exercise with every number of every step
  elman train shakespeare          train a model; elman recipes lists what else there is
  elman sample runs/names-quick    generate from what was trained
  elman doctor                     what this machine has, and what is missing

elman --help lists all verbs, elman VERB --help tells about one.
"""


def main() -> None:
    """Run the command line; problems are one sentence on standard error and an exit code."""
    if len(sys.argv) == 1:
        sys.stdout.write(MENU)
        return
    from elman.cli.app import app

    try:
        app()
    except ElmanError as error:
        sys.stderr.write(f"elman: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("elman: interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); there is nobody to complain to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


if __name__ == "__main__":
    main()
