"""Runs: train a recipe into a folder, load it, sample from it or let it classify, measure it."""

from elman.runs.classifier import ClassificationScore, Classifier, Judgement, Prediction
from elman.runs.loaded import Model, Score, load
from elman.runs.training import Run, train

__all__ = ["ClassificationScore", "Classifier", "Judgement", "Model", "Prediction", "Run", "Score", "load", "train"]
