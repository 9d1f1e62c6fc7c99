"""Measurements: Elman beside what else there is, in one process, taking turns. `python -m bench`, or `make bench`, which sets it up first.

A part of the bench is a file here with a function

    run(options: Options) -> list[dict[str, Any]]

which measures, prints a table of its own on `options.console`, and returns rows for the JSON file. It is named in `__main__.PARTS`.
"""
