"""Models: what recurrent layers are put to use for, and what they are compared with.

The language model is many-to-many, and one-to-many when it generates; of the classifiers of texts, the recurrent one is many-to-one.
"""

from elman.models.averaging import AveragingNetwork
from elman.models.bag_of_words import BagOfWords
from elman.models.classification import ClassificationModel
from elman.models.folder import AnyModel, StoredModel, load_model, make_model, model_files
from elman.models.language_model import LanguageModel
from elman.models.making import make_cell
from elman.models.settings import SIZES, ModelSettings, Shape
from elman.models.text_classifier import TextClassifier

__all__ = [
    "SIZES",
    "AnyModel",
    "AveragingNetwork",
    "BagOfWords",
    "ClassificationModel",
    "LanguageModel",
    "ModelSettings",
    "Shape",
    "StoredModel",
    "TextClassifier",
    "load_model",
    "make_cell",
    "make_model",
    "model_files",
]
