"""Entry point of `elman`."""

from __future__ import annotations

import io
import os
import sys

from elman.errors import ElmanError

MENU = """\
Elman: recurrent networks, from the equation to the trained model.

  elman demo                       train a name generator in a minute; leaves a report to look at
  elman explain lstm --gradients   the equations of an LSTM, and its gradients, derived
  elman worked forward-by-hand     a course exercise with every number of every step
  elman check --list               worksheets of courses, and a checker that names the mistake
  elman train shakespeare          train a model; elman recipes lists what else there is
  elman sample runs/names-quick    generate from what was trained
  elman doctor                     what this machine has, and what is missing

elman --help lists all verbs, elman VERB --help tells about one.
"""


def main() -> None:
    """Run the command line; problems are one sentence on standard error and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without our letters shows \\u03c3 instead of an error
            stream.reconfigure(errors="backslashreplace")
    if len(sys.argv) == 1:
        sys.stdout.write(MENU)
        return
    from elman.cli.app import UsageProblem, app

    try:
        sys.exit(app(prog_name="elman", standalone_mode=False))
    except ElmanError as error:
        sys.stderr.write(f"elman: {_one_line(str(error))}\n")
        sys.exit(error.exit_code)
    except UsageProblem as error:
        message = _one_line(error.format_message().rstrip("."))
        sys.stderr.write(f"elman: {message}; `elman --help` lists the verbs, `elman VERB --help` the options\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("elman: interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); there is nobody to complain to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _one_line(message: str) -> str:
    """A message may quote a file name or a stranger's word: what is not printable is spelled out, so that it stays one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


if __name__ == "__main__":
    main()
