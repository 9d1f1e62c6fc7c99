"""Texts with labels: sources and files of all kinds, their parts, and what is in them."""

from elman.data.labelled.corpus import LabelledCorpus as LabelledCorpus
from elman.data.labelled.corpus import load_labelled as load_labelled
from elman.data.labelled.evaluation import load_for_evaluation as load_for_evaluation
from elman.data.labelled.report import LabelledReport as LabelledReport
from elman.data.labelled.report import report_labelled as report_labelled
from elman.data.labelled.splits import LabelledSplit as LabelledSplit
from elman.data.labelled.splits import LabelledTexts as LabelledTexts
from elman.data.labelled.splits import split_labelled as split_labelled
from elman.data.labelled.unlabelled import has_unlabelled as has_unlabelled
from elman.data.labelled.unlabelled import load_unlabelled as load_unlabelled
