"""Comparing models that tell classes apart: same texts, same parts, several seeds, baselines, intervals, a paired test."""

from elman.comparing.comparing import compare as compare
from elman.recipes.builtin_names import COMPARISONS as COMPARISONS
from elman.reports.comparison import Comparison as Comparison
