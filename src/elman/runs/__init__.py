"""Runs: train a recipe into a folder, load it, sample from it, measure it."""

from elman.runs.loaded import Model, Score, load
from elman.runs.training import Run, train

__all__ = ["Model", "Run", "Score", "load", "train"]
