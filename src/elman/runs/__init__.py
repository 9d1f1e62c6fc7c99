"""Runs: train a recipe into a folder, load it, sample from it or let it classify, measure it."""

from elman.runs.classifier import Classifier, Judgement, Prediction
from elman.runs.loaded import Model, load
from elman.runs.training import Run, train
from elman.training.scores import ClassScore, Score

__all__ = ["ClassScore", "Classifier", "Judgement", "Model", "Prediction", "Run", "Score", "load", "train"]
